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

    /// The last word about it. Success counts all its bytes as come, also when they were here before.
    void finished(bool success);

private:
    TransferView& view();
    void publish();

    Context& context_;
    SessionRecord& record_;
    std::string file_;
    std::uint64_t counted_ = 0;  // bytes of this file that progress already holds
};

}  // namespace hagent::session
