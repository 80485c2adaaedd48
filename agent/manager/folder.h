// SPDX-License-Identifier: Apache-2.0
// Owns FolderDialect: a check-in without a manager program, by a signed jobs.json in a folder of a web or FTP server.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/log/log.h"
#include "agent/manager/agent_offer.h"
#include "agent/manager/dialect.h"
#include "agent/manager/folder_jobs.h"
#include "agent/trust/trusted_time.h"
#include "platform/clock.h"
#include "platform/files.h"

namespace hagent::manager {

/// Borrowed; everything outlives the dialect.
struct FolderServices {
    platform::Files& files;
    platform::Clock& clock;
    log::Log& log;
    std::string keys_directory;
    std::string serials_file;  // of trust::Serials, its own: the session's belongs to another thread
    std::function<std::optional<session::Report>(const std::string&)> finished;  // how a job ended here, by its id
    trust::TrustedTime* time = nullptr;  // shared with the sessions; null: the clock alone counts
};

/// A check-in gets jobs.json and jobs.sig (FORMAT.md); nothing in them is believed before the signature is. When the
/// two do not fit they are got once more: somebody may just be replacing them. Errors: signature_missing,
/// signature_invalid, unknown_key, package_expired, package_replayed, manager_malformed_answer, those of KeyRing,
/// Serials and the way there. Reports are one file for each device, replaced whole, with what is known of all listed
/// jobs.
class FolderDialect final : public Dialect {
public:
    explicit FolderDialect(FolderServices services) : services_(std::move(services)) {}

    [[nodiscard]] std::string_view name() const override { return "folder"; }
    void begin(const std::string& manager_url, const Identity& identity) override;
    [[nodiscard]] std::optional<Call> next() override;
    [[nodiscard]] Status answered(const Reply& reply) override;
    [[nodiscard]] std::vector<Event> take_events() override;
    [[nodiscard]] std::optional<Seconds> interval_hint() const override { return std::nullopt; }

    [[nodiscard]] Reporting reporting() const override;
    [[nodiscard]] Call refuse_cancel(const std::string& manager_url, const Identity& identity,
                                     const std::string& job_id) override;
    [[nodiscard]] Call report(const std::string& manager_url, const Identity& identity,
                              const session::Report& report) override;
    [[nodiscard]] Delivery delivered(const session::Report& report, const Reply& reply) override;

private:
    enum class Step : std::uint8_t { jobs, signature, tell, done };

    [[nodiscard]] Status signature_answered(const Reply& reply);
    [[nodiscard]] Status judge(const std::string& signature);
    [[nodiscard]] Result<trust::TrustedTime::Now> time_now() const;
    void offer_agent(const AgentOffer& offer, NothingOffered& rest);
    void told(const Reply& reply);
    void take(FolderJobs jobs, bool offered);
    [[nodiscard]] Call put(const std::string& manager_url, const Identity& identity) const;

    FolderServices services_;

    // the check-in under way
    std::string folder_;  // address with '/' at its end
    Identity identity_;
    Step step_ = Step::done;
    unsigned rounds_ = 0;
    std::string text_;
    std::string said_of_agent_;  // why its offer makes no job
    std::vector<Event> events_;

    // what stays
    std::optional<FolderJobs> jobs_;  // accepted last
    // with all their messages, newest first; the memory of finished jobs has but one
    std::vector<session::Report> latest_;
    std::string told_digest_;  // of the attributes in the report that was taken last
};

}  // namespace hagent::manager
