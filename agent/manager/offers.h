// SPDX-License-Identifier: Apache-2.0
// Owns Offers: what becomes of the manager's news. Jobs go to the session, cancels to the job; what has ended here is
// answered.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/log/log.h"
#include "agent/manager/delivery.h"
#include "agent/manager/dialect.h"
#include "agent/manager/report_queue.h"
#include "agent/session/engine.h"

namespace hagent::manager {

/// The jobs of this device, as a check-in sees them: session::Engine behind a door that a test can open.
class Jobs {
public:
    virtual ~Jobs() = default;
    [[nodiscard]] virtual session::Offer offer(const session::Job& job) = 0;
    [[nodiscard]] virtual session::CancelOutcome cancel(const std::string& job_id) = 0;
    /// Nothing runs and nothing is queued; jobs that wait for permission to execute do not count.
    [[nodiscard]] virtual bool idle() const = 0;
    /// Ids of the manager's jobs that wait for permission to execute, or for another try.
    [[nodiscard]] virtual std::vector<std::string> waiting() const = 0;
    /// When a job that rests is to be tried again; empty: none does.
    [[nodiscard]] virtual std::optional<Uptime> next_try() const { return std::nullopt; }
};

/// What Offers borrows; everything outlives it.
struct OfferServices {
    Jobs& jobs;
    ReportQueue& reports;  // its memory of finished jobs
    ReportDelivery& delivery;
    log::Log& log;
    const std::function<bool()>& may_execute;  // the device's own maintenance window is open; empty: always
};

/// What cannot be noted or kept is logged; the job is then offered again by the manager.
class Offers {
public:
    explicit Offers(const OfferServices& services) : services_(services) {}

    /// A check-in begins: what an earlier one said does not count any more.
    void begin();
    /// One piece of its news.
    void take(Event event);
    /// The check-in has ended well: the manager has said all that it has.
    void all_taken();
    /// Jobs that wait here for permission to execute, or for another try, and that the manager said it no longer has
    /// are dropped. Nothing as long as it has said nothing of that kind.
    void drop_waiting();

    /// The job whose cancel has come too late, which the manager is to be told next; null: none. Ends with refused().
    [[nodiscard]] const std::string* to_refuse() const { return to_refuse_.empty() ? nullptr : &to_refuse_.front(); }
    /// It has been told so, and now hears the result if there is one.
    void refused(std::uint16_t status);

private:
    void take_job(session::Job job, bool standing);
    void take_refusal(const JobRefused& refusal);
    void take_cancel(const std::string& job_id);
    void say(log::Level level, std::string_view what, const std::string& job_id) const;

    OfferServices services_;
    std::vector<std::string> to_refuse_;
    std::optional<std::vector<std::string>> only_offered_;  // by the last check-in that ended well: no job but these
};

}  // namespace hagent::manager
