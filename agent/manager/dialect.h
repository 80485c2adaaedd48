// SPDX-License-Identifier: Apache-2.0
// Owns Dialect, the seam between "check in, report" and how one kind of manager says it. No sockets: calls out, answers
// in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/session/job.h"
#include "agent/transfer/fetcher.h"

namespace hagent::manager {

/// Who this device is: its id in the manager and what the manager may know of it.
struct Identity {
    std::string device_id;
    std::vector<std::pair<std::string, std::string>> attributes;  // in a fixed order
    std::string digest;  // changes when an attribute worth telling at once changes (free space is none)
};

/// One call that a dialect wants made. Credentials are added by whoever makes it, never by the dialect.
struct Call {
    transfer::Method method = transfer::Method::get;
    std::string url;
    transfer::Headers headers;
    std::string body;
    bool headless = false;  // an answer without an HTTP head is one, too
};

/// What came back, whatever its status; redirects have been followed.
struct Answer {
    std::uint16_t status = 0;  // HTTP status, 304 and refusals included
    std::string body;
    std::string etag;  // empty: the answer has none
    std::optional<Seconds> retry_after;
    std::string words{};  // of a refusing status: what the manager said, quoted and bounded; may be empty
};

/// An Error: no answer came at all (network, TLS, time).
using Reply = Result<Answer>;

struct JobOffered {
    session::Job job;
    bool standing = false;  // offered for ever, done or not: that it has ended here is no news for the manager
};
/// A job that cannot be done whatever the device does: to be reported as failed, so that it does not stay open for
/// ever.
struct JobRefused {
    std::string job_id;
    Error why;
    std::string content = {};  // what it was made of, where another job may come under the same id; empty: none may
};
/// The manager takes a job back.
struct CancelAsked {
    std::string job_id;
};
/// The manager has no job for this device, neither a new one nor one that it knows to be under way, but these ids.
struct NothingOffered {
    std::vector<std::string> but;
};
using Event = std::variant<JobOffered, JobRefused, CancelAsked, NothingOffered>;

enum class Delivery : std::uint8_t {
    acknowledged,
    obsolete,  // the manager does not want it any more: treat it as delivered
    reworded,  // refused as it was written; report() now words it so that it must pass
    refused,   // not now; later perhaps. The manager is there
    again      // later
};

enum class Reporting : std::uint8_t {
    wanted,
    unwanted,  // nobody reads them: a report is done with when it is made
    later      // whether and where is known after a check-in
};

[[nodiscard]] inline bool fine(const Answer& answer) { return answer.status >= 200 && answer.status < 300; }
/// What a status that is not fine means for a check-in: manager_auth_refused, manager_throttled, or its own row; with
/// the manager's own words.
[[nodiscard]] Failure refusal(const Answer& answer, const std::string& asked);

/// Used on the loop's thread only. Nothing here waits or calls: what a dialect says and understands is tested without a
/// network.
/// A check-in is begin(), then next() and answered() in turn until next() has no more calls, then take_events().
/// Reports are independent of it.
class Dialect {
public:
    virtual ~Dialect() = default;

    /// "hawkbit": as in the configuration.
    [[nodiscard]] virtual std::string_view name() const = 0;

    /// Forgets a check-in that was given up. `manager_url` may hold a login; both are copied.
    virtual void begin(const std::string& manager_url, const Identity& identity) = 0;
    /// The next call, or nothing when the check-in has come to its end. Asked again without an answer it says the same.
    [[nodiscard]] virtual std::optional<Call> next() = 0;
    /// The answer to the call that next() gave. An error ends the check-in as failed: manager_auth_refused,
    /// manager_unknown_device, manager_malformed_answer, manager_throttled, or the row of the status or socket error.
    [[nodiscard]] virtual Status answered(const Reply& reply) = 0;
    /// The news of a check-in that ended well, in the order in which they are to be carried out; each once.
    [[nodiscard]] virtual std::vector<Event> take_events() = 0;
    /// How long the manager wants us to wait, as said last; empty when it never said so. The schedule bounds it.
    [[nodiscard]] virtual std::optional<Seconds> interval_hint() const = 0;

    /// Asked before each delivery; it may change with a check-in.
    [[nodiscard]] virtual Reporting reporting() const { return Reporting::wanted; }

    /// The device has begun to change: a cancel comes too late and the manager must know.
    [[nodiscard]] virtual Call refuse_cancel(const std::string& manager_url, const Identity& identity,
                                             const std::string& job_id) = 0;
    /// How this report is said; the same report may be asked for several times, until it is acknowledged.
    [[nodiscard]] virtual Call report(const std::string& manager_url, const Identity& identity,
                                      const session::Report& report) = 0;
    /// What the answer to report() means for the queue. Never an error: what nobody understands is `again`.
    [[nodiscard]] virtual Delivery delivered(const session::Report& report, const Reply& reply) = 0;
};

}  // namespace hagent::manager
