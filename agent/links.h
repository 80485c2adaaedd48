// SPDX-License-Identifier: Apache-2.0
// Owns how sessions and check-ins see each other through the agent that holds both.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/config/dialects.h"
#include "agent/config/settings.h"
#include "agent/manager/check_in.h"
#include "agent/manager/report_queue.h"
#include "agent/session/engine.h"
#include "agent/session/store.h"
#include "agent/status/board.h"

namespace hagent {

/// Where file:// may lead: into the folders that the configuration names as managers, and those from which an
/// administrator's own command has begun what is gone on with here.
[[nodiscard]] inline std::vector<std::string> local_folders(const config::Settings& settings,
                                                            const session::Store& store) {
    const auto& m = settings.manager;
    auto found = config::traits_of(m.dialect).takes("file") ? m.urls : std::vector<std::string>();
    const auto ids = store.list();
    for (const auto& id : ids.ok() ? *ids : std::vector<std::string>{}) {
        const auto stored = store.load(id);
        const bool local = stored.ok() && !stored->record.ended &&
                           std::string_view(stored->record.job.id).starts_with(session::k_local_job);
        const auto* package = local ? std::get_if<session::SignedPackage>(&stored->record.job.source) : nullptr;
        if (package != nullptr) {
            found.push_back(package->base_url);
        }
    }
    return found;
}

/// Tells the board and the report queue; wakes the loop for the manager. Called on the worker's thread.
class Publisher final : public session::Observer {
public:
    Publisher(status::Board& board, manager::ReportQueue& queue, std::function<void()> on_report)
        : board_(board), queue_(queue), on_report_(std::move(on_report)) {}

    void changed(const session::SessionRecord& record) override { board_.publish(record); }

    Status report(const session::Report& report) override {
        if (report.job_id.starts_with(session::k_local_job)) {
            return {};
        }
        TRY(queue_.add(report));
        on_report_();
        return {};
    }

    bool has_ended(const std::string& job_id) const override { return queue_.finished(job_id).has_value(); }

private:
    status::Board& board_;
    manager::ReportQueue& queue_;
    std::function<void()> on_report_;
};

/// The engine as a check-in sees it: a cancel from there is the manager's.
class EngineJobs final : public manager::Jobs {
public:
    explicit EngineJobs(session::Engine& engine) : engine_(engine) {}
    session::Offer offer(const session::Job& job) override { return engine_.offer(job); }
    session::CancelOutcome cancel(const std::string& job_id) override {
        return engine_.cancel(job_id, session::StopReason::manager);
    }
    bool idle() const override { return engine_.idle(); }
    std::vector<std::string> waiting() const override { return engine_.waiting(); }
    std::optional<Uptime> next_try() const override { return engine_.next_try(); }

private:
    session::Engine& engine_;
};

}  // namespace hagent
