// SPDX-License-Identifier: Apache-2.0
// Owns the view of one download while it runs: what the status page and the report messages show of it.
#pragma once

#include "agent/session/context.h"

namespace hagent::session {

/// Keeps a TransferView of the record up to date and publishes it. The record's progress is kept in step.
class TransferWatch final : public transfer::DownloadObserver {
public:
    /// `file`: the name under which it is shown. `total`: its bytes, 0 when nobody has said. Everything is borrowed.
    TransferWatch(Context& context, SessionRecord& record, std::string file, std::uint64_t total);
    ~TransferWatch() override = default;

    /// From transfer::DownloadObserver; bytes of this file, and bytes a second.
    void progress(std::uint64_t bytes, std::optional<std::uint64_t> total, std::uint64_t bytes_per_s) override;
    void attempted(const transfer::Attempted& attempt) override;
    void resumed(std::uint64_t offset) override;
    void transcript(const std::vector<std::string>& lines) override;

    /// The same as progress(), but nobody is told yet.
    void count(std::uint64_t bytes, std::optional<std::uint64_t> total, std::uint64_t bytes_per_s);
    void publish();
    /// Nothing more of it comes; what has come is what it has.
    void ended(bool success);
    /// The last word about it. Success counts all its bytes as come, also when they were here before.
    void finished(bool success);

private:
    TransferView& view();

    Context& context_;
    SessionRecord& record_;
    std::string file_;
    std::uint64_t counted_ = 0;  // bytes of this file that progress already holds
};

/// The same of a file that is read part by part. What is read again counts once.
class StreamWatch final : public transfer::DownloadObserver {
public:
    /// `total`: the bytes of the file.
    StreamWatch(Context& context, SessionRecord& record, std::string file, std::uint64_t total);

    /// A part begins, [offset, offset + bytes).
    void begin(std::uint64_t offset, std::uint64_t bytes);
    /// The last part has come, or has not.
    void finished(bool success);

    /// From transfer::DownloadObserver; bytes of this part, and bytes a second.
    void progress(std::uint64_t bytes, std::optional<std::uint64_t> total, std::uint64_t bytes_per_s) override;
    void attempted(const transfer::Attempted& attempt) override;
    void resumed(std::uint64_t offset) override { watch_.resumed(offset); }
    void transcript(const std::vector<std::string>& lines) override { watch_.transcript(lines); }

private:
    TransferWatch watch_;
    platform::Clock& clock_;
    std::string source_;                  // that was shown last
    std::uint64_t before_ = 0;            // bytes of the parts before
    std::uint64_t here_ = 0;              // of the one that is read
    std::uint64_t offset_ = 0, end_ = 0;  // its place
    std::optional<Uptime> shown_at_;
};

}  // namespace hagent::session
