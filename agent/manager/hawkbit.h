// SPDX-License-Identifier: Apache-2.0
// Owns HawkbitDialect: a check-in and its reports as Eclipse hawkBit's device API (DDI v1) says them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/manager/dialect.h"

namespace hagent::manager {

/// Source: hawkBit DDI v1. A check-in polls, sends attributes when they are wanted or have changed, and follows the one
/// action that the poll shows. An action that waits for confirmation is confirmed at once, and then polled again.
/// Nothing is asked conditionally (ETag) while an action is open, so that no offer is ever hidden behind a 304.
class HawkbitDialect final : public Dialect {
public:
    explicit HawkbitDialect(std::string tenant) : tenant_(std::move(tenant)) {}

    [[nodiscard]] std::string_view name() const override { return "hawkbit"; }
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
    enum class Step : std::uint8_t { poll, attributes, deployment, cancel, confirm, done };
    enum class Open : std::uint8_t { none, deployment, cancel, confirmation };

    [[nodiscard]] std::string base(const std::string& manager_url, const Identity& identity) const;
    [[nodiscard]] Status polled(const Answer& answer);
    [[nodiscard]] Status read_links(const Answer& answer);
    [[nodiscard]] Status attributes_answered(const Answer& answer);
    [[nodiscard]] Status deployment_answered(const Answer& answer);
    [[nodiscard]] Status cancel_answered(const Answer& answer);
    [[nodiscard]] Status confirm_answered(const Answer& answer);
    [[nodiscard]] Step action_step() const;
    [[nodiscard]] Step first_step_after_poll(bool attributes_wanted) const;

    std::string tenant_;

    // the check-in under way
    std::string manager_url_;
    Identity identity_;
    Step step_ = Step::done;
    unsigned polls_ = 0;
    std::string attributes_url_;
    std::string action_url_;
    std::vector<Event> events_;

    // what stays
    std::optional<Seconds> hint_;
    std::string idle_url_, idle_etag_;  // of the last poll answer that had nothing to do in it
    std::string told_digest_;           // of the attributes that the manager has
    Open open_ = Open::none;            // the action that the last poll showed
    std::string open_id_;
    std::string plain_words_for_;  // job whose final report was refused as it was written
};

}  // namespace hagent::manager
