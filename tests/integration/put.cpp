// SPDX-License-Identifier: Apache-2.0
// Owns a small program for tests: uploads one file by the transfer policy and prints what was decided, as `fetch
// --json` does. hagent_put FILE URL [--attempts N] [--base-ms N] [--stall-s N] [--limit-rate BYTES] [--ca FILE]
// With --size BYTES [--read OFFSET:BYTES]... it reads these parts of a file of that size from one or more URLs, and
// FILE takes them one behind the other.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "agent/session/json.h"
#include "agent/transfer/curl_fetcher.h"
#include "agent/transfer/range_reader.h"
#include "agent/transfer/upload.h"
#include "platform/clock.h"
#include "platform/files.h"

namespace {

using namespace hagent;

struct Kept final : transfer::DownloadObserver {
    void progress(std::uint64_t, std::optional<std::uint64_t>, std::uint64_t) override {}
    void attempted(const transfer::Attempted& attempt) override {
        decisions += (decisions.empty() ? "" : ",") + session::decision_json(attempt);
        ++attempts;
    }
    void resumed(std::uint64_t offset) override {
        resumed_at += (resumed_at.empty() ? "" : ",") + std::to_string(offset);
    }
    void transcript(const std::vector<std::string>& lines) override {
        said.clear();
        for (const auto& line : lines) {
            said += (said.empty() ? "" : ",") + session::quoted(line);
        }
    }
    std::string decisions, said, resumed_at;
    unsigned attempts = 0;
};

unsigned number(const char* text) { return static_cast<unsigned>(std::strtoul(text, nullptr, 10)); }

/// Reads the parts in their order; the number of bytes.
Result<std::uint64_t> read_parts(const transfer::RangedFile& file, const std::vector<transfer::RangeWanted>& parts,
                                 const std::string& into, const transfer::DownloadServices& services,
                                 transfer::DownloadObserver& observer) {
    const auto out = TRY(services.files.open(into, platform::OpenMode::truncate));
    transfer::RangeReader reader(file, services.clock, services.options.attempts);
    std::uint64_t bytes = 0;
    for (const auto& part : parts) {
        TRY(reader.read(
            part,
            [&](std::string_view piece) -> Status {
                TRY(out->write_at(bytes, piece));
                bytes += piece.size();
                return {};
            },
            services, observer));
    }
    return bytes;
}

}  // namespace

int main(int argc, char** argv) {
    transfer::UploadRequest request;
    transfer::RangedFile ranged;
    std::vector<transfer::RangeWanted> parts;
    transfer::Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const char* value = i + 1 < argc ? argv[i + 1] : "";
        if (!word.starts_with("--")) {
            (request.file.empty() ? request.file : request.url) = word;
            if (!request.url.empty()) {
                ranged.sources.push_back({request.url});
            }
            continue;
        }
        ++i;
        if (word == "--attempts") {
            options.attempts = number(value);
        } else if (word == "--base-ms") {
            options.backoff_base = Millis(number(value));
        } else if (word == "--limit-rate") {
            options.limit_bytes_per_s = number(value);
        } else if (word == "--stall-s") {
            options.stall_timeout = Seconds(number(value));
        } else if (word == "--size") {
            ranged.bytes = number(value);
        } else if (word == "--read") {
            const char* colon = std::strchr(value, ':');
            parts.push_back({number(value), number(colon != nullptr ? colon + 1 : "0")});
        } else if (word == "--ca") {
            options.ca_file = value;
        }
    }
    options.backoff_cap = options.backoff_base * 2;
    const auto files = platform::system_files();
    platform::SystemClock clock;
    const auto fetcher = transfer::curl_fetcher(options);
    const transfer::Random random = [] { return std::uint64_t{99}; };  // waits of about a tenth of a second
    const CancelToken cancel;
    Kept kept;
    const transfer::DownloadServices services{*files, clock, *fetcher, options, random, cancel};
    const auto upload = [&]() -> Result<std::uint64_t> { return TRY(transfer::upload(request, services, kept)).bytes; };
    const auto done = ranged.bytes > 0 ? read_parts(ranged, parts, request.file, services, kept) : upload();
    const auto error = done.ok() ? std::string("null") : session::error_json(done.error());
    std::printf(
        "{\"attempts\":%u,\"bytes\":%llu,\"decisions\":[%s],\"resumed_at\":[%s],\"transcript\":[%s],\"error\":%s}\n",
        kept.attempts, done.ok() ? static_cast<unsigned long long>(*done) : 0ULL, kept.decisions.c_str(),
        kept.resumed_at.c_str(), kept.said.c_str(), error.c_str());
    return done.ok() ? 0 : 1;
}
