// SPDX-License-Identifier: Apache-2.0
// Owns what every test of downloads needs: fakes for all services and an observer that remembers.
#pragma once

#include <string>
#include <vector>

#include "agent/base/text.h"
#include "agent/transfer/download.h"
#include "agent/trust/digest.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_disks.h"
#include "tests/fakes/fake_fetcher.h"
#include "tests/fakes/fake_files.h"

namespace hagent::transfer {

/// Bytes that differ everywhere, so that a misplaced piece is noticed.
inline std::string pattern(std::size_t bytes) {
    std::string text;
    std::uint32_t state = 1;
    while (text.size() < bytes) {
        state = state * 1664525U + 1013904223U;
        text += static_cast<char>(state >> 24U);
    }
    return text;
}

struct RememberingObserver final : DownloadObserver {
    void progress(std::uint64_t bytes, std::optional<std::uint64_t>, std::uint64_t) override { last_progress = bytes; }
    void attempted(const Attempted& attempt) override { attempts.push_back(attempt); }
    void resumed(std::uint64_t offset) override { resumed_at.push_back(offset); }
    void transcript(const std::vector<std::string>&) override {}

    std::uint64_t last_progress = 0;
    std::vector<Attempted> attempts;
    std::vector<std::uint64_t> resumed_at;
};

struct DownloadFixture {
    explicit DownloadFixture(std::size_t bytes = 300000) : content(pattern(bytes)) {
        fetcher.files["http://a/f"].bytes = content;
        request.sources = {{"http://a/f"}};
        request.directory = "/state/d1";
        request.bytes = content.size();
        request.sha256 = trust::sha256_hex(content);
        options.backoff_base = Millis(1000);
        options.boot_id = "boot";
        files.put_directory("/state");
    }

    Result<Downloaded> run() {
        observer = RememberingObserver();
        return download(request, {files, clock, fetcher, options, random, cancel}, observer);
    }
    /// The machine starts again after a power cut.
    void start_again(fakes::Unsynced unsynced) {
        files.restart(unsynced);
        options.boot_id += "+";
    }
    /// A new process after kill -9: the system kept what the old one wrote.
    void start_process_again() { files.restart(fakes::Unsynced::kept); }
    [[nodiscard]] bool part_is_right() const { return files.content("/state/d1/part") == content; }

    std::string content;
    fakes::FakeFiles files;
    fakes::FakeClock clock;
    fakes::FakeFetcher fetcher;
    Options options;
    Random random = [] { return std::uint64_t{500}; };
    CancelToken cancel;
    RememberingObserver observer;
    DownloadRequest request{UINT64_MAX};
};

}  // namespace hagent::transfer
