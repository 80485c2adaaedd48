// SPDX-License-Identifier: Apache-2.0
// Owns CheckIn: when this device talks to its manager and what it does with the answers. Lives on the loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/log/log.h"
#include "agent/manager/caller.h"
#include "agent/manager/dialect.h"
#include "agent/manager/report_queue.h"
#include "agent/manager/schedule.h"
#include "agent/session/engine.h"
#include "platform/clock.h"

namespace hagent::manager {

/// The jobs of this device, as a check-in sees them: session::Engine behind a door that a test can open.
class Jobs {
public:
    virtual ~Jobs() = default;
    [[nodiscard]] virtual session::Offer offer(const session::Job& job) = 0;
    [[nodiscard]] virtual session::CancelOutcome cancel(const std::string& job_id) = 0;
    /// Nothing runs and nothing is queued; jobs that wait for leave to execute do not count.
    [[nodiscard]] virtual bool idle() const = 0;
    /// Ids of the manager's jobs that are downloaded and wait for leave to execute.
    [[nodiscard]] virtual std::vector<std::string> waiting() const = 0;
};

struct CheckInSettings {
    std::vector<std::string> urls;  // in order of preference, at least one
    ScheduleSettings schedule;
    std::uint64_t place = 0;  // of this device in the spread window: place_of(its id)
};

/// What CheckIn borrows; everything outlives it.
struct CheckInServices {
    Dialect& dialect;
    Caller& caller;
    Timers& timers;
    Jobs& jobs;
    ReportQueue& reports;
    platform::Clock& clock;
    log::Log& log;
    std::function<std::uint64_t()> random;  // uniform 64-bit numbers
    std::function<Identity()> identity;     // asked once for each check-in
    std::function<bool()> may_execute;      // the device's own maintenance window is open; empty: always
};

/// What to show about the manager.
struct ManagerView {
    std::string dialect;
    std::string url;          // the one in use, without credentials
    bool registered = false;  // a check-in has succeeded since the agent started
    std::optional<WallTime> last_check_in, last_success, next_check_in;
    std::string last_result;          // "ok", or what went wrong in one sentence; empty before the first check-in
    std::optional<Error> last_error;  // empty after a success
    unsigned failures = 0;            // in a row, all addresses tried
    std::size_t reports_waiting = 0;
};

/// One call at a time. A check-in first delivers the reports that wait, then talks the dialect, then acts on the
/// events. A failed one goes on with the next address at once; when all have failed it backs off. Ten minutes after
/// leaving the first address it is preferred again. After a final report was delivered the next check-in follows at
/// once (but two never begin within a second). Reports that have piled up go out one every one to two seconds, oldest
/// first.
class CheckIn {
public:
    CheckIn(CheckInSettings settings, CheckInServices services);
    ~CheckIn();  // aborts what is under way
    CheckIn(const CheckIn&) = delete;
    CheckIn& operator=(const CheckIn&) = delete;

    /// Called at the end of everything that may have changed view() or quiet(). Must not destroy this object.
    void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

    /// Begins the schedule: the first check-in falls into the spread window, at this device's place.
    void start();
    /// As soon as possible. While a check-in is under way another one follows.
    void check_in_now();
    /// For `check-in --once`: one now, and more until one has begun while the jobs were idle. What the manager answers
    /// to an earlier one says nothing about a job that was still on its way to its wait.
    void check_in_until_quiet();
    /// A report was added: deliver it soon. Call it on the loop's thread.
    void reports_changed();
    /// The jobs may have become idle.
    void jobs_idle();

    [[nodiscard]] ManagerView view() const;
    /// A check-in that began while the jobs were idle has ended well, or the last one failed; nothing is under way or
    /// about to follow, no report waits that could be delivered now or after a pause between two, and the jobs are
    /// idle. For `check-in --once`.
    [[nodiscard]] bool quiet() const;

private:
    enum class Stage : std::uint8_t { resting, reporting, talking, refusing };

    // the way of a check-in: each returns once it made a call or has nothing to do
    void advance();
    [[nodiscard]] bool step();
    void begin();
    [[nodiscard]] bool talk();
    void talked(const Reply& reply);
    [[nodiscard]] bool refuse_next();
    void refused(const std::string& job_id, const Reply& reply);
    void succeeded();
    void failed(const Error& why, std::optional<Seconds> retry_after);

    // reports
    [[nodiscard]] bool may_deliver() const;
    [[nodiscard]] bool deliver_next();
    void delivered(const ReportQueue::Waiting& waiting, const Reply& reply);
    void acknowledge(const ReportQueue::Waiting& waiting, Delivery delivery);
    void postpone_delivery(const Reply& reply, bool silent);
    [[nodiscard]] bool piled_up() const;
    void deliver_after(Millis delay);
    void add_report(session::Report report);
    void repeat(const std::string& job_id);

    // events
    void take(const Event& event);
    void take_job(session::Job job, bool standing);
    void take_cancel(const std::string& job_id);
    void drop_waiting();

    // time and place
    [[nodiscard]] bool came_too_early() const;
    void plan(ScheduleInput input);
    void due_in(Millis delay);
    void next_address();
    void make(Call call, std::function<void(const Reply&)> done);
    [[nodiscard]] const std::string& url() const { return settings_.urls[url_]; }

    CheckInSettings settings_;
    CheckInServices services_;
    std::function<void()> changed_;

    Stage stage_ = Stage::resting;
    bool stepping_ = false;
    std::uint64_t call_ = 0;       // 0: none under way
    std::uint64_t due_timer_ = 0;  // 0: none set
    std::uint64_t report_timer_ = 0;
    bool due_ = false;   // a check-in is to begin now
    bool soon_ = false;  // one follows within about a second: asked for, or a job has ended
    std::optional<std::vector<std::string>> only_offered_;  // by the last check-in that ended well: no job but these
    bool until_quiet_ = false;
    bool began_idle_ = false;  // the last check-in: the jobs were idle when it began
    Identity identity_;
    std::vector<std::string> to_refuse_;
    // by job: how often its result was sent again; keeps a loop from spinning
    std::map<std::string, unsigned> repeats_;

    std::size_t url_ = 0;
    std::size_t addresses_failed_ = 0;  // since the last success or wait
    std::optional<Uptime> left_first_at_;
    std::optional<Uptime> began_at_;        // the last check-in
    unsigned settling_ = k_settling_waits;  // waits that are left of them
    unsigned delivery_failures_ = 0;
    Uptime no_delivery_before_;
    bool pausing_ = false;         // between two of the reports that have piled up
    bool manager_silent_ = false;  // the last delivery got no answer: a check-in that succeeds ends the wait

    ManagerView view_;
    bool ended_once_ = false;
};

}  // namespace hagent::manager
