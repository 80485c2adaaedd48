// SPDX-License-Identifier: Apache-2.0
// Owns what tests of downloads from misbehaving servers need: libcurl's fetcher, files in memory, short waits, and the
// verdict.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"
#include "agent/transfer/curl_fetcher.h"
#include "agent/transfer/download.h"
#include "agent/trust/digest.h"
#include "platform/clock.h"
#include "platform/files.h"
#include "tests/fakes/fake_files.h"
#include "tests/servers/http_server.h"

namespace hagent::servers {

using transfer::Attempted;
using transfer::Decide;
using transfer::Downloaded;

/// Bytes that differ everywhere, so that a misplaced piece is noticed.
inline std::string pattern(std::size_t bytes, std::uint32_t seed = 1) {
    std::string text;
    text.reserve(bytes);
    for (std::uint32_t state = seed; text.size() < bytes;) {
        state = state * 1664525U + 1013904223U;
        text += static_cast<char>(state >> 24U);
    }
    return text;
}

/// The first byte that a request asks for; empty: the whole file.
inline std::optional<std::size_t> first_asked(const HttpAsked& asked) {
    const auto range = asked.field("range");
    if (!range.starts_with("bytes=")) {
        return std::nullopt;
    }
    return narrow<std::size_t>(parse_u64(std::string_view(range).substr(6, range.size() - 7)).value_or(0));
}

/// Downloads `content` into a folder of its own, as often as asked, and looks at what came of it.
class DownloadRig final : public transfer::DownloadObserver {
public:
    explicit DownloadRig(std::string content_in) : content(std::move(content_in)) {
        options.attempts = 4;
        options.backoff_base = options.backoff_cap = Millis(1);
        options.connect_timeout = options.stall_timeout = Seconds(2);
        options.use_proxies = false;
        request.directory = "/state/d";
    }

    /// The user knows what the file must be, as a signed manifest says it.
    void know_the_file() {
        request.bytes = content.size();
        request.sha256 = trust::sha256_hex(content);
    }

    Result<Downloaded> run(const std::string& url) {
        if (!fetcher) {
            fetcher = transfer::curl_fetcher(options, headers);
        }
        request.sources = {{url}};
        const auto start = std::chrono::steady_clock::now();
        auto done = transfer::download(request, {*files, clock_, *fetcher, options, random_, cancel}, *this);
        took = std::chrono::steady_clock::now() - start;
        return done;
    }

    [[nodiscard]] std::string kept() {
        return files->read(request.directory + "/part", 64U << 20U).value_or("(no part)");
    }
    [[nodiscard]] bool right() { return kept() == content; }

    void progress(std::uint64_t, std::optional<std::uint64_t>, std::uint64_t) override {
        if (on_progress) {
            on_progress();
        }
    }
    void attempted(const Attempted& attempt) override {
        attempts.push_back(attempt);
        if (on_attempted) {
            on_attempted();
        }
    }
    void resumed(std::uint64_t offset) override { resumed_at.push_back(offset); }
    void transcript(const std::vector<std::string>& lines) override {
        said.insert(said.end(), lines.begin(), lines.end());
    }

    std::string content;
    transfer::Options options;
    transfer::HeaderProvider headers;
    transfer::DownloadRequest request{UINT64_MAX};
    CancelToken cancel;
    std::unique_ptr<transfer::Fetcher> fetcher;
    std::unique_ptr<platform::Files> files = std::make_unique<fakes::FakeFiles>();
    std::function<void()> on_attempted, on_progress;
    std::vector<Attempted> attempts;
    std::vector<std::uint64_t> resumed_at;
    std::vector<std::string> said;
    std::chrono::steady_clock::duration took{};

private:
    platform::SystemClock clock_;
    transfer::Random random_ = [] { return std::uint64_t{0}; };
};

/// What a row of a table expects: the right bytes, or this end.
struct Expected {
    std::optional<errors::Id> end;  // empty: the right bytes
};
inline const Expected k_arrives{};
inline Expected ends(errors::AgentCode code) { return {errors::agent(code)}; }
inline Expected ends(errors::Id id) { return {id}; }

/// The file is right, or the error is the one that is expected; in both cases soon.
inline void check_end(DownloadRig& rig, const Result<Downloaded>& done, const Expected& expected) {
    CHECK(rig.took < std::chrono::seconds(20));
    CHECK(rig.attempts.size() <= 100);
    if (done.ok()) {
        CHECK_FALSE(expected.end.has_value());
        CHECK(rig.right());
        CHECK(done->sha256 == trust::sha256_hex(rig.content));
        return;
    }
    INFO(errors::describe(done.error().id).name, ": ", done.error().context);
    REQUIRE(expected.end.has_value());
    CHECK(done.error().id == *expected.end);
    CHECK_FALSE(std::string_view(errors::describe(done.error().id).cause.text()).empty());
    CHECK_FALSE(std::string_view(errors::describe(done.error().id).next.text()).empty());
}

}  // namespace hagent::servers
