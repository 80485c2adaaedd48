// SPDX-License-Identifier: Apache-2.0
// Owns the order in which a folder's jobs are fetched, judged and reported on.
#include "agent/manager/folder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/json_writer.h"
#include "agent/base/limits.h"
#include "agent/base/version.h"
#include "agent/errors/catalogue.h"
#include "agent/manager/words.h"
#include "agent/transfer/url.h"
#include "agent/trust/key_ring.h"
#include "agent/trust/package_check.h"
#include "agent/trust/serials.h"

namespace hagent::manager {
namespace {

using errors::AgentCode;
using session::Report;

constexpr unsigned k_rounds = 2;
constexpr std::size_t k_latest = 8;
constexpr std::array<std::string_view, 7> k_states = {"accepted", "downloading", "downloaded", "executing",
                                                      "success",  "failure",     "cancelled"};

std::string with_slash(const std::string& url) { return url.ends_with('/') ? url : url + "/"; }

/// Not there, as each kind of server says it.
bool absent(const Reply& reply) {
    return reply.ok() ? reply->status == 404 || reply->status == 410
                      : reply.error().is(AgentCode::file_not_found) || reply.error().id == errors::ftp(550);
}

/// The server, or the file system, does not let this be done; asking the same again at once is of no use.
bool refuses(const Reply& reply) {
    return reply.ok() ? !fine(*reply) : errors::describe(reply.error().id).retry == errors::Retry::permanent;
}

/// With the file's name, so that people see which of the two is meant.
Result<std::string> body_of(const Reply& reply, std::string_view name) {
    if (!reply.ok()) {
        return Error(reply.error()).with(name);
    }
    return fine(*reply) ? Result<std::string>(reply->body) : Result<std::string>(refusal(*reply, std::string(name)));
}

void write(JsonWriter& json, const Report& report) {
    json.begin_object();
    json.member("id", report.job_id);
    json.member("state", k_states[static_cast<std::size_t>(report.stage)]);
    json.member("messages", report.messages);
    json.member("done", report.done);
    json.member("of", report.of);
    json.end_object();
}

}  // namespace

void FolderDialect::begin(const std::string& manager_url, const Identity& identity) {
    folder_ = with_slash(manager_url);
    identity_ = identity;
    step_ = Step::jobs;
    rounds_ = 0;
    events_.clear();
}

std::optional<Call> FolderDialect::next() {
    switch (step_) {
        case Step::jobs: return Call{transfer::Method::get, folder_ + std::string(k_jobs_name), {}, {}};
        case Step::signature: return Call{transfer::Method::get, folder_ + std::string(k_jobs_signature_name), {}, {}};
        case Step::tell: return put(folder_, identity_);
        case Step::done: break;
    }
    return std::nullopt;
}

Status FolderDialect::answered(const Reply& reply) {
    switch (std::exchange(step_, Step::done)) {
        case Step::jobs:
            text_ = TRY(body_of(reply, k_jobs_name));
            step_ = Step::signature;
            return {};
        case Step::signature: return signature_answered(reply);
        case Step::tell: told(reply); break;
        case Step::done: break;
    }
    return {};
}

/// The two files are replaced one after the other, so a pair that does not fit may only be young. A second time it is a
/// mistake or a forgery.
Status FolderDialect::signature_answered(const Reply& reply) {
    if (absent(reply)) {
        return error(AgentCode::signature_missing, std::string(k_jobs_signature_name));
    }
    auto judged = judge(TRY(body_of(reply, k_jobs_signature_name)));
    if (!judged.ok() && judged.error().is(AgentCode::signature_invalid) && ++rounds_ < k_rounds) {
        step_ = Step::jobs;
        return {};
    }
    return judged;
}

/// The signature first: not even the JSON is read before it is good. The serial is noted before the jobs are handed on,
/// so that an older list cannot come back (spec 8).
Status FolderDialect::judge(const std::string& signature) {
    const auto keys = TRY(trust::KeyRing::load(services_.files, services_.keys_directory));
    if (signature.size() > limits::k_signature_bytes) {
        return error(AgentCode::signature_invalid, {k_jobs_signature_name, " is too long to be a signature"});
    }
    auto signer = keys.verify(text_, signature, trust::Role::jobs);
    if (!signer.ok()) {
        return std::move(signer).failure().with(k_jobs_name);
    }
    auto jobs = TRY(parse_folder_jobs(text_, identity_.device_id));
    const auto now = TRY(time_now());
    if (jobs.expires && !now.trusted) {
        services_.log.warning("manager", "expiry is not checked: the clock is not trusted",
                              {{"now", rfc3339(now.time)}});
    }
    auto serials = TRY(trust::Serials::load(services_.files, services_.serials_file));
    if (serials.damage()) {
        services_.log.warning("manager", "a copy of the serials is damaged", {{"where", serials.damage()->context}});
    }
    auto timely = trust::check_expiry(jobs.expires, now.time, now.trusted);
    if (!timely.ok() && services_.time != nullptr) {
        timely = services_.time->judged(std::move(timely), now);
    }
    if (timely.ok()) {
        timely = trust::check_serial(jobs.serial, serials.highest(signer->fingerprint, k_jobs_name));
    }
    if (!timely.ok()) {
        return std::move(timely).failure().with(k_jobs_name);
    }
    // where nothing can be written no job can be done either, but the folder is to hear why
    auto noted = serials.accept(signer->fingerprint, k_jobs_name, jobs.serial);
    const bool read_only = !noted.ok() && noted.error().is(AgentCode::read_only);
    if (noted.ok() || read_only) {
        take(std::move(jobs), !read_only);
    }
    return read_only ? Status() : std::move(noted);
}

Result<trust::TrustedTime::Now> FolderDialect::time_now() const {
    const WallTime clock = services_.clock.wall();
    return services_.time != nullptr ? services_.time->now(clock)
                                     : trust::TrustedTime::Now{clock, trust::clock_trusted(clock), {}};
}

/// The list is complete: what is not in it is not offered any more. Where reports go elsewhere from now on, the
/// attributes have to be told there as well.
void FolderDialect::take(FolderJobs jobs, bool offered) {
    NothingOffered rest;
    for (const auto& listed : jobs.jobs) {
        session::Job job;
        job.id = listed.id;
        job.name = listed.package.substr(0, listed.package.size() - 1);
        job.source =
            session::SignedPackage{{}, folder_ + transfer::encode_path(listed.package), false, listed.manifest_sha256};
        job.kind_of_manifest = !listed.kind;
        job.kind = listed.kind.value_or(job.kind);
        events_.emplace_back(JobOffered{std::move(job), true});
        rest.but.push_back(listed.id);
    }
    if (jobs.upgrade) {
        const auto& u = *jobs.upgrade;
        offer_agent(
            {u.version, {{}, folder_ + transfer::encode_path(u.package), false, u.manifest_sha256}, u.window, u.zone},
            rest);
    }
    events_.emplace_back(std::move(rest));
    if (!offered) {
        events_.clear();
    }
    if (!jobs_ || jobs_->reports != jobs.reports) {
        told_digest_.clear();
    }
    jobs_ = std::move(jobs);
    step_ = reporting() == Reporting::wanted && told_digest_ != identity_.digest ? Step::tell : Step::done;
}

/// Why there is nothing to do is said when it changes: the offer stands there for ever.
void FolderDialect::offer_agent(const AgentOffer& offer, NothingOffered& rest) {
    auto made = job_of(offer, agent_version(), services_.finished);
    if (!made.job && std::exchange(said_of_agent_, made.why) != made.why) {
        services_.log.info("manager", made.why, {});
    }
    if (made.job) {
        rest.but.push_back(made.job->id);
        events_.emplace_back(JobOffered{std::move(*made.job), true});
    }
}

/// A report that is not taken must not keep a job from this device.
void FolderDialect::told(const Reply& reply) {
    if (!reply.ok() || !fine(*reply)) {
        services_.log.warning("manager", "the folder does not take reports",
                              {{"where", transfer::shown(folder_ + jobs_->reports)},
                               {"why", reply.ok() ? "HTTP " + std::to_string(reply->status) + " " + reply->words
                                                  : sentence(reply.error())}});
    }
    if ((reply.ok() && fine(*reply)) || refuses(reply)) {
        told_digest_ = identity_.digest;  // also when refused: the same would be refused again
    }
}

std::vector<Event> FolderDialect::take_events() { return std::exchange(events_, {}); }

/// Where reports go only the signed list says, so before the first one nobody knows.
Reporting FolderDialect::reporting() const {
    return !jobs_ ? Reporting::later : jobs_->reports.empty() ? Reporting::unwanted : Reporting::wanted;
}

/// Never asked for: nobody takes a job back here, what is no longer listed is dropped where it waits.
Call FolderDialect::refuse_cancel(const std::string& manager_url, const Identity& identity, const std::string&) {
    return put(manager_url, identity);
}

/// The file is replaced whole, so what was said of the other jobs has to be said again.
Call FolderDialect::report(const std::string& manager_url, const Identity& identity, const Report& report) {
    std::erase_if(latest_, [&](const Report& other) { return other.job_id == report.job_id; });
    latest_.insert(latest_.begin(), report);
    latest_.resize(std::min(latest_.size(), k_latest));
    return put(manager_url, identity);
}

Call FolderDialect::put(const std::string& manager_url, const Identity& identity) const {
    JsonWriter json;
    json.begin_object();
    json.member("format", 1);
    json.member("device", identity.device_id);
    json.member("time", rfc3339(services_.clock.wall()));
    json.member("serial", jobs_->serial);
    json.begin_object("attributes");
    for (const auto& [name, value] : identity.attributes) {
        json.member(name, value);
    }
    json.end_object();
    json.begin_array("jobs");
    for (const auto& report : latest_) {
        write(json, report);
    }
    for (const auto& job : jobs_->jobs) {
        const bool written =
            std::any_of(latest_.begin(), latest_.end(), [&](const Report& report) { return report.job_id == job.id; });
        if (const auto ended = written ? std::nullopt : services_.finished(job.id)) {
            write(json, *ended);
        }
    }
    json.end_array();
    json.end_object();
    return {transfer::Method::put,
            with_slash(manager_url) + transfer::encode_path(jobs_->reports + identity.device_id + ".json"),
            {{"Content-Type", "application/json"}},
            json.take() + "\n"};
}

/// Never obsolete: rights on a folder can be mended, so the report waits.
Delivery FolderDialect::delivered(const Report&, const Reply& reply) {
    if (reply.ok() && fine(*reply)) {
        return Delivery::acknowledged;
    }
    return refuses(reply) ? Delivery::refused : Delivery::again;
}

}  // namespace hagent::manager
