// SPDX-License-Identifier: Apache-2.0
#include "agent/image/slot_writer.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/json_writer.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/boot/boot.h"
#include "agent/decode/decode.h"
#include "agent/image/write_notes.h"
#include "agent/trust/digest.h"

namespace hagent::image {

using errors::AgentCode;

namespace {

constexpr unsigned k_chunk_tries = 4;
constexpr unsigned k_verify_tries = 2;

std::size_t largest_chunk(const std::vector<WritePart>& parts) {
    std::size_t bytes = boot::k_head_bytes;
    for (const auto& part : parts) {
        bytes = std::max<std::size_t>(bytes, part.devices.chunk_bytes);
    }
    return bytes;
}

std::string chunk_name(const Part& part, std::uint32_t chunk) {
    return concat({"chunk ", std::to_string(chunk), " of ", part.file});
}

}  // namespace

/// Cuts the bytes of a range into its chunks, and takes each to its place as soon as it is there.
class SlotWriter::Incoming final : public work::RangeSink {
public:
    explicit Incoming(SlotWriter& writer) : writer_(writer) { writer_.stored_.clear(); }

    Status write(std::string_view bytes) override {
        while (!bytes.empty()) {
            if (writer_.at_end()) {
                return error(AgentCode::internal, "more bytes than were asked for");
            }
            auto& stored = writer_.stored_;
            const std::size_t missing = writer_.row_->stored_bytes - stored.size();
            const auto piece = bytes.substr(0, missing);
            stored.append(piece);
            bytes.remove_prefix(piece.size());
            if (stored.size() == writer_.row_->stored_bytes) {
                TRY(take());
            }
        }
        return {};
    }

    /// Why the chunk that the writer stands at was not taken; nothing when it was not its content.
    [[nodiscard]] const std::optional<Error>& bad() const { return bad_; }

private:
    Status take() {
        const Part& part = writer_.parts_[writer_.part_].part;
        const auto raw = writer_.raw_.first(writer_.row_->raw_bytes);
        const auto decoded = writer_.decoder_.decode(part.compression, writer_.stored_, raw);
        if (!decoded.ok()) {
            return keep(decoded.error());
        }
        if (digest_of({raw.data(), raw.size()}) != writer_.row_->sha256) {
            return keep(error(AgentCode::digest_mismatch, "it is not what the chunk table says"));
        }
        TRY(writer_.put(raw));
        writer_.stored_.clear();
        writer_.counts_.add(From::fetch, writer_.row_->stored_bytes);
        return writer_.advance();
    }
    Status keep(const Error& error) {
        bad_ = error;
        return error;
    }

    SlotWriter& writer_;
    std::optional<Error> bad_;
};

void ChunkCounts::add(From from, std::uint32_t stored_bytes) {
    switch (from) {
        case From::kept: ++kept; break;
        case From::target:
        case From::running: ++copied; break;
        case From::fetch:
            ++fetched;
            fetch_bytes += stored_bytes;
            break;
    }
}

std::string ChunkCounts::json() const {
    JsonWriter json;
    json.begin_object();
    json.member("total", total);
    json.member("kept", kept);
    json.member("copied", copied);
    json.member("fetched", fetched);
    json.end_object();
    return json.take();
}

Result<ChunkCounts> count_chunks(const std::vector<WritePart>& parts, const std::vector<ChunkSource>& sources,
                                 platform::Files& files) {
    ChunkCounts counts;
    for (const auto& part : parts) {
        auto table = TRY(ChunkTable::open(files, part.table, part.part, part.image_bytes));
        for (auto row = TRY(table.next()); row; row = TRY(table.next())) {
            counts.add(sources[counts.total].from(), row->stored_bytes);
            ++counts.total;
        }
    }
    return counts;
}

Result<std::vector<ChunkSource>> find_sources(const std::vector<WritePart>& parts, platform::Files& files,
                                              const CancelToken& cancel) {
    ChunkSearch search;
    std::vector<PartDevices> devices;
    for (const auto& part : parts) {
        auto table = TRY(ChunkTable::open(files, part.table, part.part, part.image_bytes));
        for (auto row = TRY(table.next()); row; row = TRY(table.next())) {
            search.want(row->sha256);
        }
        devices.push_back(part.devices);
    }
    return search.search(devices, cancel);
}

SlotWriter::SlotWriter(std::vector<WritePart> parts, Services services)
    : parts_(std::move(parts)),
      services_(std::move(services)),
      notes_(services_.notes),
      first_{0},
      raw_(largest_chunk(parts_)) {
    for (const auto& part : parts_) {
        first_.push_back(first_.back() + part.devices.chunks());
    }
    counts_.total = first_.back();
}

std::size_t SlotWriter::head_bytes(unsigned number) const {
    return std::min<std::size_t>(boot::k_head_bytes, parts_[number].devices.bytes_of(0));
}

/// The heads come first: a plan that is there says that they are, and that the devices may have lost theirs.
Status SlotWriter::begin(std::vector<ChunkSource> sources) {
    check(sources.size() == first_.back());
    sources_ = std::move(sources);
    heads_.clear();
    for (unsigned number = 0; number < parts_.size(); ++number) {
        std::string head(head_bytes(number), '\0');
        TRY(read_fully(*parts_[number].devices.target, 0, head));
        heads_.push_back(std::move(head));
    }
    TRY(keep_heads());
    return services_.files.write_durable(notes_.plan, plan_note(sources_), 0600);
}

Result<bool> SlotWriter::resume() {
    const auto plan = services_.files.read(notes_.plan, plan_note_bytes(first_.back()));
    if (!plan.ok() && plan.error().is(AgentCode::file_not_found)) {
        return false;
    }
    auto sources = sources_from(TRY(plan), first_.back());
    if (!sources) {
        return error(AgentCode::image_record_damaged, notes_.plan);
    }
    sources_ = std::move(*sources);
    const std::string heads = TRY(services_.files.read(notes_.heads, parts_.size() * boot::k_head_bytes));
    heads_.clear();
    for (std::size_t number = 0, at = 0; number < parts_.size(); ++number) {
        heads_.push_back(heads.substr(std::min(at, heads.size()), head_bytes(static_cast<unsigned>(number))));
        at += heads_.back().size();
    }
    const auto note = services_.files.read(notes_.progress, k_progress_note_bytes);
    if (note.ok()) {
        const auto progress = progress_from(*note);
        if (!progress) {
            return error(AgentCode::image_record_damaged, notes_.progress);
        }
        part_ = progress->part;
        chunk_ = progress->chunk;
        counts_ = progress->counts;
        counts_.total = first_.back();
    } else if (!note.error().is(AgentCode::file_not_found)) {
        return note.error();
    }
    resumed_ = true;
    return true;
}

Status SlotWriter::keep_heads() {
    std::string all;
    for (const auto& head : heads_) {
        all += head;
    }
    return services_.files.write_durable(notes_.heads, all, 0600);
}

Status SlotWriter::clear_heads() {
    for (unsigned number = 0; number < parts_.size(); ++number) {
        auto& device = *parts_[number].devices.target;
        TRY(device.write_at(0, boot::unfit_head(head_bytes(number))));
        TRY(device.sync());
    }
    return {};
}

Status SlotWriter::open_table(unsigned number, std::uint32_t chunk) {
    part_ = number;
    chunk_ = chunk;
    sizes_.clear();
    const WritePart& part = parts_[number];
    table_ = TRY(ChunkTable::open(services_.files, part.table, part.part, part.image_bytes));
    for (auto row = TRY(table_->next()); row; row = TRY(table_->next())) {
        sizes_.push_back(row->stored_bytes);
    }
    if (!sizes_.empty()) {  // grown step by step, two copies would be held at once
        stored_.reserve(*std::max_element(sizes_.begin(), sizes_.end()));
    }
    TRY(table_->skip_to(chunk));
    row_ = TRY(table_->next());
    return {};
}

Status SlotWriter::advance() {
    ++chunk_;
    row_ = TRY(table_->next());
    if (services_.cancel.requested()) {
        return error(AgentCode::cancelled);
    }
    return unsynced_ >= services_.unsynced_bytes ? settle() : Status();
}

Status SlotWriter::settle() {
    TRY(devices().target->sync());
    unsynced_ = 0;
    return note_progress();
}

Status SlotWriter::note_progress() {
    return services_.files.write_durable(notes_.progress, progress_note({part_, chunk_, counts_}), 0600);
}

Status SlotWriter::write_part(unsigned number) {
    if (number < part_) {
        return {};
    }
    TRY(open_table(number, number == part_ ? chunk_ : 0));
    // What was written behind the last note may be on the device, all of it in order; it is not fetched again.
    const std::uint32_t doubtful =
        resumed_ ? static_cast<std::uint32_t>(services_.unsynced_bytes / devices().chunk_bytes) + 1 : 0;
    resumed_ = false;
    TRY(take_chunks(chunk_ + doubtful));
    TRY(devices().target->sync());
    unsynced_ = 0;
    ++part_;
    chunk_ = 0;
    return note_progress();
}

Status SlotWriter::take_chunks(std::uint32_t doubtful) {
    while (!at_end()) {
        const bool doubted = chunk_ < doubtful && source().from() != From::kept;
        if (doubted && TRY(stands(ChunkSource(From::target, part_, chunk_)))) {
            counts_.add(source().from(), row_->stored_bytes);
            TRY(advance());
            continue;
        }
        doubtful = doubted ? chunk_ : doubtful;  // the first that is not there is where the writing had come to
        TRY(place_chunk());
    }
    return {};
}

Status SlotWriter::place_chunk() {
    const ChunkSource from = source();
    switch (from.from()) {
        case From::fetch: {
            std::uint32_t end = chunk_;
            while (end < devices().chunks() && sources_[first_[part_] + end].from() == From::fetch) {
                ++end;
            }
            return fetch_run(end);
        }
        // Its digest was looked at, unless the head is not in its place: what is read back at the end tells.
        case From::kept:
            if (chunk_ == 0 && !TRY(stands(ChunkSource(From::target, part_, 0)))) {
                source() = ChunkSource();
                return {};
            }
            break;
        case From::target:
        case From::running:
            if (!TRY(stands(from))) {
                source() = ChunkSource();  // it has changed since
                return {};
            }
            TRY(put(raw_.first(row_->raw_bytes)));
            break;
    }
    counts_.add(from.from(), row_->stored_bytes);
    return advance();
}

/// Reads what is at that place into `raw_`, and compares it with the chunk that we stand at.
Result<bool> SlotWriter::stands(const ChunkSource& place) {
    const bool target = place.from() == From::target;
    const PartDevices& part = parts_[place.part()].devices;
    auto* device = target ? part.target : part.running;
    const std::uint64_t offset = std::uint64_t{place.place()} * part.chunk_bytes;
    const auto raw = raw_.first(row_->raw_bytes);
    if (device == nullptr || offset + raw.size() > TRY(device->size())) {
        return false;
    }
    TRY(read_fully(*device, offset, raw));
    if (target && place.place() == 0 && !whole_) {
        const auto& head = heads_[place.part()];
        std::copy_n(head.begin(), std::min(head.size(), raw.size()), raw.begin());
    }
    return digest_of({raw.data(), raw.size()}) == row_->sha256;
}

/// Takes the chunk to its place. The head of a part is kept in our note instead, until all the rest is there.
Status SlotWriter::put(std::span<char> raw) {
    auto& target = *devices().target;
    const std::string_view bytes(raw.data(), raw.size());
    unsynced_ += bytes.size();
    if (chunk_ != 0 || whole_) {
        return target.write_at(std::uint64_t{chunk_} * devices().chunk_bytes, bytes);
    }
    const std::size_t head = head_bytes(part_);
    heads_[part_] = bytes.substr(0, head);
    TRY(keep_heads());
    return head < bytes.size() ? target.write_at(head, bytes.substr(head)) : Status();
}

/// Neighbours in one range. A chunk that is bad is asked for again, from another source if there is one.
Status SlotWriter::fetch_run(std::uint32_t end) {
    unsigned tries = 0;
    bool avoid = false;
    while (chunk_ < end) {
        std::uint64_t bytes = 0;
        for (std::uint32_t chunk = chunk_; chunk < end; ++chunk) {
            bytes += sizes_[chunk];
        }
        const std::uint32_t began = chunk_;
        Incoming sink(*this);
        const auto& file = parts_[part_].part.file;
        auto read = services_.package.read_range(file, row_->offset, bytes, sink, avoid, services_.cancel);
        tries = chunk_ == began ? tries + 1 : 1;
        if (read.ok() && chunk_ < end && !sink.bad()) {
            return error(AgentCode::internal, "a range came to its end too early");
        }
        if (!read.ok() && !sink.bad()) {
            return read;
        }
        if (sink.bad() && tries == k_chunk_tries) {
            return error(AgentCode::image_chunk_bad,
                         {chunk_name(parts_[part_].part, chunk_), ": ", sink.bad()->context});
        }
        avoid = sink.bad().has_value();
    }
    return {};
}

Status SlotWriter::finish() {
    whole_ = true;
    for (unsigned number = 0; number < parts_.size(); ++number) {
        auto& device = *parts_[number].devices.target;
        TRY(device.write_at(0, heads_[number]));
        TRY(device.sync());
    }
    for (unsigned number = 0; number < parts_.size(); ++number) {
        if (auto verified = verify(number); !verified.ok()) {
            (void)clear_heads();
            return verified;
        }
    }
    return {};
}

Status SlotWriter::verify(unsigned number) {
    for (unsigned tries = 0; !TRY(reads_back(number)); ++tries) {
        if (tries == k_verify_tries) {
            return error(AgentCode::image_verify_failed, parts_[number].part.name);
        }
        TRY(repair(number));
    }
    return {};
}

Result<bool> SlotWriter::reads_back(unsigned number) {
    const PartDevices& part = parts_[number].devices;
    TRY(part.target->forget_cache());
    trust::Sha256 sha;
    for (std::uint32_t chunk = 0; chunk < part.chunks(); ++chunk) {
        if (services_.cancel.requested()) {
            return error(AgentCode::cancelled);
        }
        const auto raw = raw_.first(part.bytes_of(chunk));
        TRY(read_fully(*part.target, std::uint64_t{chunk} * part.chunk_bytes, raw));
        sha.update({raw.data(), raw.size()});
    }
    const auto digest = sha.finish();
    return to_hex(digest) == parts_[number].part.raw_sha256;
}

/// Only now each chunk is hashed by itself. A device that loses what it took is written to once more.
Status SlotWriter::repair(unsigned number) {
    TRY(open_table(number, 0));
    while (!at_end()) {
        if (TRY(stands(ChunkSource(From::target, part_, chunk_)))) {
            TRY(advance());
        } else {
            TRY(fetch_run(chunk_ + 1));
        }
    }
    unsynced_ = 0;
    return devices().target->sync();
}

}  // namespace hagent::image
