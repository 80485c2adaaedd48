// SPDX-License-Identifier: Apache-2.0
// Owns ReportDelivery: which report goes to the manager next, and what its answer does to the queue. Knows calls, queue
// and clock; who decides about check-ins is told.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/time.h"
#include "agent/log/log.h"
#include "agent/manager/caller.h"
#include "agent/manager/dialect.h"
#include "agent/manager/report_queue.h"
#include "platform/clock.h"

namespace hagent::manager {

/// Who decides about check-ins, addresses and whose turn it is. Called on the loop's thread.
/// Implemented by CheckIn.
class DeliveryObserver {
public:
    virtual ~DeliveryObserver() = default;
    /// The manager has heard how a job ended, and may have another one. `more`: other reports have piled up, and go out
    /// after a pause each. Not called when the same result was sent more than once before,
    /// nor for a job that was held.
    virtual void result_told(bool more) = 0;
    /// The manager, or the way to it, is away.
    virtual void no_answer(const Error& why) = 0;
    /// A call or a wait is over: something may be done now. Comes last, and never from within deliver().
    virtual void go_on() = 0;
};

/// What ReportDelivery borrows; everything outlives it.
struct DeliveryServices {
    Dialect& dialect;
    Caller& caller;
    Timers& timers;
    ReportQueue& reports;
    platform::Clock& clock;
    log::Log& log;
    const std::function<std::uint64_t()>& random;  // uniform 64-bit numbers
};

/// One report at a time, the oldest first; it stays in the queue until the manager has taken it. One that cannot be
/// delivered waits: up to 20 seconds after the first failure, up to an hour after many, or as long as the manager asks
/// for. While more than four wait, one goes out every one to two seconds: a manager that was away has a whole fleet to
/// listen to. What goes wrong is logged; no error leaves this class but by no_answer().
class ReportDelivery {
public:
    ReportDelivery(const DeliveryServices& services, DeliveryObserver& observer)
        : services_(services), observer_(observer) {}
    ~ReportDelivery();  // aborts what is under way; the report stays in the queue
    ReportDelivery(const ReportDelivery&) = delete;
    ReportDelivery& operator=(const ReportDelivery&) = delete;

    /// Whether a report is on its way.
    [[nodiscard]] bool busy() const { return call_ != 0; }
    /// Whether deliver() has something to do now.
    [[nodiscard]] bool ready() const;
    /// Sends the oldest report to this address; for a dialect that takes none it is done with at once. Only when
    /// ready(), and while nobody else's call is under way.
    void deliver(const std::string& manager_url, const Identity& identity);
    /// No report waits that could be delivered now or after a pause between two.
    [[nodiscard]] bool settled() const;
    /// The manager has answered a check-in: what waited because it was silent can go out now.
    void manager_answered();

    /// A report that no session makes: of a job that never began.
    void add(const session::Report& report);
    /// Sends the result of a job that ended here once more; nothing when it has not ended.
    void repeat(const std::string& job_id);

private:
    enum class Wait : std::uint8_t {
        none,
        pause,    // between two of those that have piled up
        refusal,  // the manager is there, and did not take one
        silence,  // no answer; a check-in that succeeds ends the wait
    };

    [[nodiscard]] bool may_deliver() const;
    void answered(const Reply& reply);
    void acknowledge();
    void put_off(Delivery outcome, const Reply& reply);
    void back_off(Wait why, std::optional<Seconds> retry_after);
    void wait(Wait why, Millis delay);
    void complain(std::string_view what, const Error& why, const std::string& job_id) const;

    DeliveryServices services_;
    DeliveryObserver& observer_;
    ReportQueue::Waiting sent_;  // the last one that went on its way
    std::uint64_t call_ = 0;     // 0: none under way
    std::uint64_t timer_ = 0;    // 0: none set
    Wait wait_ = Wait::none;
    Uptime not_before_;
    unsigned failures_ = 0;  // in a row
    // by job: how often its result was sent again; keeps a loop with the manager from spinning
    std::map<std::string, unsigned> repeats_;
};

}  // namespace hagent::manager
