// SPDX-License-Identifier: Apache-2.0
// Owns the calls of gzip, xz and zstd.
#include "agent/image/packer.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/trust/digest.h"

namespace hagent::image {
namespace {

using decode::Compression;
using errors::AgentCode;

constexpr std::size_t k_raw_at_once = std::size_t{32} << 20U, k_most_files = 1024;
constexpr std::size_t k_output_bytes = 2000;

}  // namespace

Packer::Packer(platform::Files& files, platform::Processes& processes, std::string scratch, Compression compression,
               unsigned level, std::uint32_t chunk_bytes)
    : of_host_(files),
      processes_(processes),
      scratch_(std::move(scratch)),
      compression_(compression),
      level_(level != 0                         ? level
             : compression == Compression::zstd ? 9
                                                : 6),
      chunk_bytes_(chunk_bytes),
      most_files_(std::clamp<std::size_t>(k_raw_at_once / chunk_bytes, 1, k_most_files)) {}

std::string Packer::path_of(std::size_t file) const { return concat({scratch_, "/", std::to_string(file)}); }

Status Packer::add(std::string_view raw) {
    trust::Sha256 sha;
    sha.update(raw);
    PackedChunk chunk{sha.finish(), static_cast<std::uint32_t>(raw.size()), 0};
    const auto known = std::find(files_.begin(), files_.end(), chunk.sha256);
    chunk.file = static_cast<std::size_t>(known - files_.begin());
    if (known == files_.end()) {
        const auto file = TRY(of_host_.open(path_of(chunk.file), platform::OpenMode::truncate));
        TRY(file->write_at(0, raw));
        files_.push_back(chunk.sha256);
    }
    chunks_.push_back(chunk);
    return {};
}

/// One thread, no names and times: the same bytes come out again. No check sums inside: the chunk table has digests. xz
/// is told how large a chunk is, or it would ask every device for 8 MiB.
std::vector<std::string> Packer::argv() const {
    const std::string level = std::to_string(level_);
    switch (compression_) {
        case Compression::none: return {};
        case Compression::gzip: return {"gzip", "-n", "-f", "-k", "-" + level};
        case Compression::xz:
            return {"xz",
                    "-q",
                    "-f",
                    "-k",
                    "-T1",
                    "--check=none",
                    concat({"--lzma2=preset=", level, ",dict=", std::to_string(chunk_bytes_)})};
        case Compression::zstd: {
            std::vector<std::string> out = {"zstd", "-q", "-f", "-k", "--no-check", "-" + level};
            if (level_ > 19) {
                out.emplace_back("--ultra");
            }
            return out;
        }
    }
    return {};
}

Status Packer::run(const CancelToken& cancel) {
    if (cancel.requested()) {
        return error(AgentCode::cancelled, "packing");
    }
    if (compression_ == Compression::none || files_.empty()) {
        return {};
    }
    platform::Command command;
    command.argv = argv();
    for (std::size_t i = 0; i < files_.size(); ++i) {
        command.argv.push_back(std::to_string(i));
    }
    command.directory = scratch_;
    command.output_limit = k_output_bytes;
    const auto exit = TRY(processes_.run(command, cancel));
    if (exit.code != 0) {
        return error(AgentCode::compressor_failed,
                     {command.argv.front(), " ended with ", std::to_string(exit.code), ": ", peer_words(exit.output)});
    }
    return {};
}

Result<std::string> Packer::stored_of(const PackedChunk& chunk) {
    const auto path = concat({path_of(chunk.file), decode::suffix(compression_)});
    std::string stored = TRY(of_host_.read(path, std::size_t{chunk.raw_bytes} + limits::k_chunk_growth_bytes));
    check_.resize(chunk.raw_bytes);
    const auto unpacked = decoder_.decode(compression_, stored, check_);
    trust::Sha256 sha;
    sha.update({check_.data(), check_.size()});
    if (!unpacked.ok() || sha.finish() != chunk.sha256) {
        return error(AgentCode::compressor_failed,
                     {"what ", decode::name(compression_), " made cannot be unpacked by a device: ",
                      unpacked.ok() ? "other bytes come out" : unpacked.error().context});
    }
    return stored;
}

}  // namespace hagent::image
