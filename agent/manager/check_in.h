// SPDX-License-Identifier: Apache-2.0
// Owns CheckIn: whose turn it is. It asks schedule and addresses, talks the dialect, and hands reports and news on.
// Lives on the loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/log/log.h"
#include "agent/manager/addresses.h"
#include "agent/manager/caller.h"
#include "agent/manager/delivery.h"
#include "agent/manager/dialect.h"
#include "agent/manager/offers.h"
#include "agent/manager/report_queue.h"
#include "agent/manager/schedule.h"
#include "platform/clock.h"

namespace hagent::manager {

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
    std::optional<WallTime> last_answer;  // of a manager that had shown who it is, whatever it said
    std::string last_result;              // "ok", or what went wrong in one sentence; empty before the first check-in
    std::optional<Error> last_error;      // empty after a success
    unsigned failures = 0;                // in a row, all addresses tried
    std::size_t reports_waiting = 0;
};

/// One call at a time. A check-in first delivers the reports that wait, then talks the dialect, then hands on the news,
/// then refuses the cancels that came too late. A failed one goes on with the next address at once; when all have
/// failed it backs off. After a final report was delivered the next check-in follows at once. No error leaves this
/// class: view() tells the last one.
class CheckIn final : private DeliveryObserver {
public:
    CheckIn(CheckInSettings settings, CheckInServices services);
    ~CheckIn() override;  // aborts what is under way
    CheckIn(const CheckIn&) = delete;
    CheckIn& operator=(const CheckIn&) = delete;

    /// Called at the end of everything that may have changed view() or quiet(). Must not destroy this object.
    void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

    /// Begins the schedule: the first check-in falls into the spread window, at this device's place.
    void start();
    /// While a trial waits for the manager (Schedule::hurry()).
    void hurry(bool on) { schedule_.hurry(on); }
    /// As soon as possible. While a check-in is under way another one follows.
    void check_in_now();
    /// For `check-in --once`: one now, and more until one has begun while the jobs were idle.
    void check_in_until_quiet();
    /// A report was added: deliver it soon. Call it on the loop's thread.
    void reports_changed() { go_on(); }
    /// The jobs may have become idle.
    void jobs_idle();

    [[nodiscard]] ManagerView view() const;
    /// A check-in that began while the jobs were idle has ended well, or the last one failed; nothing is under way or
    /// about to follow, no report waits that could be delivered now or after a pause between two, and the jobs are
    /// idle. For `check-in --once`.
    [[nodiscard]] bool quiet() const;

private:
    enum class Stage : std::uint8_t { reporting, talking, refusing };

    void result_told(bool more) override;
    void no_answer(const Error& why) override;
    void go_on() override;

    // a check-in; each step makes a call, or moves on to the next stage
    [[nodiscard]] bool step();
    void begin();
    void talk();
    void refuse();
    void call(Call call);
    void answered(const Reply& reply);
    void succeed();
    void fail(const Error& why, std::optional<Seconds> retry_after);

    void deliver();
    void ask_identity();
    void sleep();
    void await_retry();
    void say(log::Level level, std::string_view what) const;
    [[nodiscard]] Uptime now() const { return services_.clock.uptime(); }

    std::uint64_t place_;
    CheckInServices services_;
    std::function<void()> changed_;
    Schedule schedule_;
    Addresses addresses_;
    ReportDelivery delivery_;
    Offers offers_;
    Stage stage_ = Stage::reporting;  // of the one that is under way
    std::uint64_t call_ = 0;          // 0: none under way but that of delivery_
    bool call_is_encrypted_ = false;  // so that its answer shows who gave it
    std::uint64_t timer_ = 0;         // 0: none set
    std::uint64_t retry_timer_ = 0;   // of the job that is tried again first; 0: none set
    Identity identity_;
    ManagerView view_;
};

}  // namespace hagent::manager
