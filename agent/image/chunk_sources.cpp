// SPDX-License-Identifier: Apache-2.0
#include "agent/image/chunk_sources.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "agent/base/number.h"
#include "agent/base/sort.h"
#include "agent/trust/digest.h"
#include "platform/files.h"

namespace hagent::image {

using errors::AgentCode;

namespace {

std::uint64_t key_of(const Digest& digest) {
    std::uint64_t key = 0;
    std::memcpy(&key, digest.data(), sizeof(key));
    return key;
}

bool is_zero(std::string_view bytes) {
    return bytes.front() == '\0' && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

constexpr std::align_val_t k_alignment{platform::k_direct_step};

}  // namespace

ChunkBuffer::ChunkBuffer(std::size_t bytes) : bytes_(new (k_alignment) char[bytes]) {}
void ChunkBuffer::Free::operator()(char* bytes) const { operator delete[](bytes, k_alignment); }

Status read_fully(platform::BlockDevice& device, std::uint64_t offset, std::span<char> out) {
    while (!out.empty()) {
        const std::size_t count = TRY(device.read_at(offset, out));
        if (count == 0) {
            return error(AgentCode::io_error, "the device ends too early");
        }
        out = out.subspan(count);
        offset += count;
    }
    return {};
}

Digest digest_of(std::string_view bytes) {
    trust::Sha256 sha;
    sha.update(bytes);
    return sha.finish();
}

std::uint32_t PartDevices::chunks() const { return narrow<std::uint32_t>((raw_bytes + chunk_bytes - 1) / chunk_bytes); }

std::uint32_t PartDevices::bytes_of(std::uint32_t chunk) const {
    const std::uint64_t at = std::uint64_t{chunk} * chunk_bytes;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(chunk_bytes, raw_bytes - at));
}

/// One chunk of a slot.
struct ChunkSearch::Looked {
    From slot;
    unsigned part;
    std::uint32_t place;
};

void ChunkSearch::want(const Digest& digest) {
    wanted_.push_back({key_of(digest), static_cast<std::uint32_t>(wanted_.size())});
}

/// Where that place is in the order of writing; the number behind the last chunk for what is not written at all.
std::uint32_t ChunkSearch::number_of(unsigned part, std::uint32_t place) const {
    return place < parts_[part].chunks() ? first_[part] + place : first_.back();
}

/// Writing goes upwards: a place of the target holds what it held before until its own turn has come. The first chunk
/// of a part has lost its head by then.
void ChunkSearch::found(const Looked& place, const Digest& digest) {
    const bool target = place.slot == From::target;
    const std::uint32_t number = number_of(place.part, place.place);
    const Wanted least{key_of(digest), 0};
    for (auto it = std::lower_bound(wanted_.begin(), wanted_.end(), least); it != wanted_.end() && it->key == least.key;
         ++it) {
        ChunkSource& source = sources_[it->chunk];
        if (target && number == it->chunk) {
            source = ChunkSource(From::kept, place.part, place.place);
        } else if (source.from() == From::fetch && (!target || (number > it->chunk && place.place != 0))) {
            source = ChunkSource(place.slot, place.part, place.place);
        }
    }
}

/// A chunk that the image has more than once is fetched once: it is copied from where it was written before.
void ChunkSearch::share() {
    for (std::size_t at = 0; at < wanted_.size();) {
        std::optional<ChunkSource> written;
        const std::uint64_t key = wanted_[at].key;
        for (; at < wanted_.size() && wanted_[at].key == key; ++at) {
            const std::uint32_t chunk = wanted_[at].chunk;
            if (sources_[chunk].from() == From::fetch && written) {
                sources_[chunk] = *written;
            }
            const auto next = std::upper_bound(first_.begin(), first_.end(), chunk);
            const auto part = static_cast<unsigned>(next - first_.begin() - 1);
            if (!written && chunk != first_[part]) {
                written = ChunkSource(From::target, part, chunk - first_[part]);
            }
        }
    }
}

Status ChunkSearch::look_through(platform::BlockDevice& device, From slot, unsigned part, const CancelToken& cancel) {
    const PartDevices& of = parts_[part];
    const std::uint64_t size = TRY(device.size());
    ChunkBuffer buffer(of.chunk_bytes);
    for (std::uint64_t offset = 0; offset < size; offset += of.chunk_bytes) {
        if (cancel.requested()) {
            return error(AgentCode::cancelled);
        }
        const std::uint64_t place = offset / of.chunk_bytes;
        if (place >= ChunkSource::k_most_places) {
            return {};
        }
        const auto number = static_cast<std::uint32_t>(place);
        const std::uint64_t wanted = number < of.chunks() ? of.bytes_of(number) : of.chunk_bytes;
        const auto bytes = static_cast<std::size_t>(std::min(wanted, size - offset));
        TRY(read_fully(device, offset, buffer.first(bytes)));
        const std::string_view text = buffer.text(bytes);
        if (!is_zero(text)) {
            found({slot, part, number}, digest_of(text));
            continue;
        }
        if (!zeros_ || zero_bytes_ != bytes) {  // most of a new device: hashed once
            zeros_ = digest_of(text);
            zero_bytes_ = bytes;
        }
        found({slot, part, number}, *zeros_);
    }
    return {};
}

Result<std::vector<ChunkSource>> ChunkSearch::search(const std::vector<PartDevices>& parts, const CancelToken& cancel) {
    parts_ = parts;
    first_ = {0};
    for (const auto& part : parts_) {
        first_.push_back(first_.back() + part.chunks());
    }
    check(first_.back() == wanted_.size());
    sort_all(wanted_);
    sources_.assign(wanted_.size(), ChunkSource());
    for (unsigned part = 0; part < parts_.size(); ++part) {
        if (parts_[part].target != nullptr) {
            TRY(look_through(*parts_[part].target, From::target, part, cancel));
        }
        if (parts_[part].running != nullptr) {
            TRY(look_through(*parts_[part].running, From::running, part, cancel));
        }
    }
    share();
    return std::move(sources_);
}

}  // namespace hagent::image
