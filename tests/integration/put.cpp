// SPDX-License-Identifier: Apache-2.0
// Owns a small program for tests: uploads one file by the transfer policy and prints what was decided, as `fetch
// --json` does. hagent_put FILE URL [--attempts N] [--base-ms N] [--stall-s N] [--limit-rate BYTES] [--ca FILE]
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/session/json.h"
#include "agent/transfer/curl_fetcher.h"
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
    void resumed(std::uint64_t) override {}
    void transcript(const std::vector<std::string>& lines) override {
        said.clear();
        for (const auto& line : lines) {
            said += (said.empty() ? "" : ",") + session::quoted(line);
        }
    }
    std::string decisions, said;
    unsigned attempts = 0;
};

unsigned number(const char* text) { return static_cast<unsigned>(std::strtoul(text, nullptr, 10)); }

}  // namespace

int main(int argc, char** argv) {
    transfer::UploadRequest request;
    transfer::Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const char* value = i + 1 < argc ? argv[i + 1] : "";
        if (!word.starts_with("--")) {
            (request.file.empty() ? request.file : request.url) = word;
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
        } else if (word == "--ca") {
            options.ca_file = value;
        }
    }
    options.backoff_cap = options.backoff_base * 2;
    const auto files = platform::system_files();
    platform::SystemClock clock;
    const auto fetcher = transfer::curl_fetcher(options);
    const transfer::Random random = [] { return std::uint64_t{1}; };
    const CancelToken cancel;
    Kept kept;
    const auto done = transfer::upload(request, {*files, clock, *fetcher, options, random, cancel}, kept);
    const auto error = done.ok() ? std::string("null") : session::error_json(done.error());
    std::printf("{\"attempts\":%u,\"bytes\":%llu,\"decisions\":[%s],\"transcript\":[%s],\"error\":%s}\n", kept.attempts,
                done.ok() ? static_cast<unsigned long long>(done->bytes) : 0ULL, kept.decisions.c_str(),
                kept.said.c_str(), error.c_str());
    return done.ok() ? 0 : 1;
}
