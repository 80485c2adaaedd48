// SPDX-License-Identifier: Apache-2.0
// Owns HserverDialect: a check-in and its reports as the legacy managers of the VXC family say them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/log/log.h"
#include "agent/manager/agent_offer.h"
#include "agent/manager/dialect.h"
#include "agent/manager/hserver_reply.h"

namespace hagent::manager {

/// What the configuration says about it; `log` is borrowed.
struct HserverServices {
    log::Log& log;
    std::vector<std::string> opcodes;  // what scripts may use; empty: all
    bool allow_clear_text = false;     // FTP without encryption from another machine
    Finished finished = [](const std::string&) { return std::optional<session::Report>(); };
};

/// Source: reference vxc-hagent 2; FORMAT.md says what is sent. V01 with the inventory first and when it has changed,
/// else V55; both may be answered with one job. V02 reports on it, under the numbers that came with it. Nothing here is
/// signed: a job is what the configured address sends, and only its opcodes can be limited.
class HserverDialect final : public Dialect {
public:
    explicit HserverDialect(HserverServices services) : services_(std::move(services)) {}

    [[nodiscard]] std::string_view name() const override { return "hserver"; }
    void begin(const std::string& manager_url, const Identity& identity) override;
    [[nodiscard]] std::optional<Call> next() override;
    [[nodiscard]] Status answered(const Reply& reply) override;
    [[nodiscard]] std::vector<Event> take_events() override;
    [[nodiscard]] std::optional<Seconds> interval_hint() const override { return hint_; }

    [[nodiscard]] Call refuse_cancel(const std::string& manager_url, const Identity& identity,
                                     const std::string& job_id) override;
    [[nodiscard]] Call report(const std::string& manager_url, const Identity& identity,
                              const session::Report& report) override;
    [[nodiscard]] Delivery delivered(const session::Report& report, const Reply& reply) override;

private:
    [[nodiscard]] Call call(const std::string& manager_url, const Identity& identity, std::string_view verb,
                            const std::string& fields) const;
    [[nodiscard]] Event event_of(const HserverReply& reply) const;
    [[nodiscard]] Status add_repository(const HserverReply& reply, const std::string& prefix,
                                        session::WireScript& wire) const;
    [[nodiscard]] Status check_script(const HserverReply& reply) const;
    [[nodiscard]] Status offer_agent(const HserverReply& reply);
    void log_strange(const HserverReply& reply) const;

    HserverServices services_;

    // the check-in under way
    std::string manager_url_;
    Identity identity_;
    bool asked_ = true;
    std::string said_of_agent_;  // why its offer makes no job
    std::vector<Event> events_;

    // what stays
    std::optional<Seconds> hint_;
    std::string client_id_;    // the manager's number for this device
    std::string told_digest_;  // of the inventory that the manager has
};

}  // namespace hagent::manager
