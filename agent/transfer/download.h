// SPDX-License-Identifier: Apache-2.0
// Owns downloads: from several sources to one checked file, across cuts, kills, reboots and power loss.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/transfer/backoff.h"
#include "agent/transfer/fetcher.h"
#include "agent/transfer/options.h"
#include "agent/transfer/reply_policy.h"
#include "platform/clock.h"
#include "platform/disk.h"
#include "platform/files.h"

namespace hagent::transfer {

struct Source {
    std::string url;  // may hold user:password@
};

/// One file. The same request with the same directory goes on where an earlier one was cut off.
struct DownloadRequest {
    /// The largest file that is taken: the listed size, a named limit. What is larger is refused with the first byte
    /// too many, whoever sends it and whatever it has announced.
    explicit DownloadRequest(std::uint64_t most) : max_bytes(most) {}

    std::uint64_t max_bytes;
    std::vector<Source> sources;          // tried in order, then round again; at most k_sources
    std::string directory;                // of this file alone: holds `part` and `checkpoint` (FORMAT.md)
    std::optional<std::uint64_t> bytes;   // empty: unknown
    std::string sha256;                   // hexadecimal; empty: unknown
    std::string sha1;                     // only looked at when there is no sha256
    std::uint64_t limit_bytes_per_s = 0;  // 0: what Options says
    platform::Disks* disks = nullptr;     // borrowed: when set, free space is checked before the first byte
    bool past_caches = false;             // news: what a cache on the way still has may be the old one
};

/// One failed or finished try and what was decided.
struct Attempted {
    unsigned attempt = 1;
    std::string source;  // without credentials
    errors::Id reply;    // what came; on success the HTTP status or FTP 226
    Stage stage = Stage::connect;
    std::string context;  // a few words, may be empty
    Decide decision = Decide::accept;
    errors::Id because;
    std::int64_t wait_ms = 0;
    std::uint64_t at_bytes = 0;  // bytes at hand afterwards
};

/// What came of it. The file stays where it is until the caller moves or removes it.
struct Downloaded {
    std::string path;  // directory + "/part"
    std::uint64_t bytes = 0;
    std::string sha256;                     // lower-case hexadecimal, of what was received
    unsigned attempts = 0;                  // 0: it was complete already
    std::string source;                     // that delivered the last byte, without credentials
    std::vector<std::uint64_t> resumed_at;  // offsets; empty: in one go
    std::vector<Attempted> decisions;       // the last k_kept_decisions
    std::vector<std::string> transcript;    // of the last try
};

inline constexpr std::size_t k_kept_decisions = 64;

/// Called on the thread that downloads. Also the way to decisions and transcript when the download fails.
class DownloadObserver {
public:
    virtual ~DownloadObserver() = default;
    /// At most about four times a second.
    virtual void progress(std::uint64_t bytes, std::optional<std::uint64_t> total, std::uint64_t bytes_per_s) = 0;
    /// After each try, the last one too.
    virtual void attempted(const Attempted& attempt) = 0;
    /// The source has agreed to go on from this byte.
    virtual void resumed(std::uint64_t offset) = 0;
    /// The lines of the try that has just ended.
    virtual void transcript(const std::vector<std::string>& lines) = 0;
};

/// Ignores everything.
class SilentObserver final : public DownloadObserver {
public:
    void progress(std::uint64_t, std::optional<std::uint64_t>, std::uint64_t) override {}
    void attempted(const Attempted&) override {}
    void resumed(std::uint64_t) override {}
    void transcript(const std::vector<std::string>&) override {}
};

/// What a download borrows while it runs.
struct DownloadServices {
    platform::Files& files;
    platform::Clock& clock;
    Fetcher& fetcher;
    const Options& options;
    const Random& random;
    const CancelToken& cancel;
};

/// Fetches the file, or finds it complete from an earlier call without asking any server. What was fetched before
/// (also by a process that was killed) is continued when the source still has the same file. The file is released
/// only when size and digest fit; a misfit is deleted and tried once more, from another source if there is one, and
/// past caches. A file of at most k_small_file_bytes has a total time for each try (size and limits of speed counted).
/// Errors: cancelled (the part is kept), disk_full and other file errors (a full disk is freed again), size_mismatch,
/// digest_mismatch, limit_exceeded (more than `max_bytes`), attempts_exhausted, and the row of the reply that ended it
/// (http 404, ftp 530 ...).
[[nodiscard]] Result<Downloaded> download(const DownloadRequest& request, const DownloadServices& services,
                                          DownloadObserver& observer);

/// Bytes at hand in a download's directory, 0 when there is nothing usable: what a restart would go on from.
[[nodiscard]] std::uint64_t bytes_at_hand(platform::Files& files, const std::string& directory);

}  // namespace hagent::transfer
