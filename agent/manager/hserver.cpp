// SPDX-License-Identifier: Apache-2.0
// Owns the words that are sent to hserver.dll, and what its answers mean.
#include "agent/manager/hserver.h"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/errors/catalogue.h"
#include "agent/manager/words.h"
#include "agent/script/parser.h"
#include "agent/script/script_kind.h"
#include "agent/script/user.h"
#include "agent/transfer/url.h"
#include "agent/trust/digest.h"

namespace hagent::manager {
namespace {

using errors::AgentCode;
using session::Report;

constexpr std::string_view k_area = "manager";
constexpr std::string_view k_inventory = "V01", k_poll = "V55", k_status = "V02";
constexpr std::string_view k_idle = "00", k_update = "UP0";
constexpr std::uint64_t k_longest_s = std::uint64_t{30} * 86400;
constexpr std::uint64_t k_most_kib_per_s = UINT64_MAX >> 11U;
constexpr std::size_t k_value_bytes = 512;
constexpr std::size_t k_script_bytes = 128U << 10U;  // written into a journal, six bytes for a quote
constexpr std::array<std::string_view, 7> k_states = {"accepted", "downloading", "downloaded", "executing",
                                                      "done",     "error",       "cancelled"};

/// Attributes under the names of this protocol; those that are not listed keep theirs.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> k_names = {{{"mac", "MAC"},
                                                                                   {"ip", "IP"},
                                                                                   {"hostname", "CN"},
                                                                                   {"os.code", "OS"},
                                                                                   {"product", "PF"},
                                                                                   {"serial", "SN"},
                                                                                   {"image.version", "IV"},
                                                                                   {"agent.version", "AV"}}};

/// Nothing in a value may end it or begin another one.
std::string value_of(std::string_view text) {
    std::string out = printable(clip(text, k_value_bytes));
    for (char& c : out) {
        c = c == '|' || c == '&' || c == '\t' ? ' ' : c;
    }
    return out;
}

std::string field(std::string_view name, std::string_view value) {
    return std::string(name) + "=" + value_of(value) + "|";
}

/// The first address only, as 12 hexadecimal digits.
std::string first_mac(const Identity& identity) {
    for (const auto& [name, value] : identity.attributes) {
        if (name == "mac") {
            return to_upper(replace_all(value.substr(0, value.find(' ')), ":", ""));
        }
    }
    return {};
}

/// The MAC stands in every request already; of several addresses these managers read one.
std::string inventory(const Identity& identity) {
    std::string out;
    for (const auto& [name, value] : identity.attributes) {
        const auto row =
            std::find_if(k_names.begin(), k_names.end(),
                         [&, wanted = std::string_view(name)](const auto& r) { return r.first == wanted; });
        if (name != "mac") {
            out += field(row == k_names.end() ? std::string_view(name) : row->second,
                         name == "ip" ? value.substr(0, value.find(' ')) : value);
        }
    }
    return out;
}

/// Numbers of the manager go back as they came, but only as numbers: anything else could begin a field of its own.
std::string digits(std::string_view text) {
    return text.find_first_not_of("0123456789") == std::string_view::npos && text.size() <= 20 ? std::string(text)
                                                                                               : std::string();
}

/// "SI1-UR9": what a report has to name. Without both, the script's own digest tells one job from another.
std::string job_id_of(const HserverReply& reply) {
    const auto si = digits(reply.value("SI")), ur = digits(reply.value("UR"));
    return si.empty() && ur.empty() ? "script-" + trust::sha256_hex(reply.script).substr(0, 16)
                                    : "SI" + si + "-UR" + ur;
}

/// The way back from job_id_of(): a report names the schedule and the update. An id from a digest has neither.
std::string numbers_of(const std::string& job_id) {
    const auto dash = job_id.find("-UR");
    return !job_id.starts_with("SI") || dash == std::string::npos
               ? std::string()
               : "SI=" + job_id.substr(2, dash - 2) + "|UR=" + job_id.substr(dash + 3) + "|";
}

}  // namespace

void HserverDialect::begin(const std::string& manager_url, const Identity& identity) {
    manager_url_ = manager_url;
    identity_ = identity;
    asked_ = false;
    events_.clear();
}

/// Requests that are not encrypted are PUT and encrypted ones POST; that is how these managers tell them apart. The
/// only public one answers without status line and headers.
Call HserverDialect::call(const std::string& manager_url, const Identity& identity, std::string_view verb,
                          const std::string& fields) const {
    const std::string start = "&" + std::string(verb);
    return {
        manager_url.starts_with("https:") ? transfer::Method::post : transfer::Method::put,
        manager_url + (manager_url.ends_with('/') ? "" : "/") + "hserver.dll?" + start,
        {{"Content-Type", "text/plain"}},
        start + "|" + field("MAC", first_mac(identity)) + (client_id_.empty() ? "" : field("CID", client_id_)) + fields,
        true};
}

std::optional<Call> HserverDialect::next() {
    if (asked_) {
        return std::nullopt;
    }
    return told_digest_ == identity_.digest ? call(manager_url_, identity_, k_poll, "")
                                            : call(manager_url_, identity_, k_inventory, inventory(identity_));
}

/// The inventory counts as told with any answer that is understood: there is no other sign that it was taken.
Status HserverDialect::answered(const Reply& reply) {
    asked_ = true;
    if (!reply.ok()) {
        return reply.error();
    }
    if (!fine(*reply)) {
        return refusal(*reply, "hserver.dll");
    }
    const auto answer = TRY(parse_hserver_reply(reply->body));
    log_strange(answer);
    if (!answer.fault.empty() && answer.value("SI").empty() && answer.value("UR").empty()) {
        return error(AgentCode::manager_malformed_answer, answer.fault);  // there is no job that could be refused
    }
    told_digest_ = identity_.digest;
    if (const auto seconds = answer.number("IT", k_longest_s); seconds && *seconds > 0) {
        hint_ = Seconds(static_cast<std::int64_t>(*seconds));
    }
    client_id_ = digits(answer.value("CID"));
    if (answer.verb == k_update && (!answer.script.empty() || !answer.fault.empty())) {
        events_.push_back(event_of(answer));
    } else {
        events_.emplace_back(NothingOffered{});
    }
    if (const auto offered = offer_agent(answer); !offered.ok()) {
        services_.log.warning(k_area, sentence(offered.error()), {});
    }
    return {};
}

/// Beside a job or without one. The address is relative to the manager's; the package has to be signed, whatever
/// manager.trust says. An offer that is not understood costs no job.
Status HserverDialect::offer_agent(const HserverReply& reply) {
    if (reply.value("AU").empty()) {
        return {};
    }
    const auto base = TRY(transfer::parse_url(manager_url_ + (manager_url_.ends_with('/') ? "" : "/")));
    std::string folder = transfer::to_text(TRY(transfer::resolve(base, std::string(reply.value("AU")))));
    folder += folder.ends_with('/') ? "" : "/";
    const auto url = TRY(transfer::parse_url(folder));
    if (!transfer::is_encrypted(url.scheme) && !services_.allow_clear_text && !transfer::is_loopback(url)) {
        return error(AgentCode::config_clear_text_refused, transfer::shown(folder));
    }
    AgentOffer offer{
        std::string(reply.value("AUV")), {}, std::string(reply.value("AUW")), std::string(reply.value("AUZ"))};
    offer.package.base_url = folder;
    TRY(check_offer(offer));
    auto made = job_of(offer, agent_version(), services_.finished);
    if (!made.job && std::exchange(said_of_agent_, made.why) != made.why) {
        services_.log.info(k_area, made.why, {});
    }
    if (!made.job) {
        return {};
    }
    for (auto& event : events_) {
        if (auto* nothing = std::get_if<NothingOffered>(&event)) {
            nothing->but.push_back(made.job->id);
        }
    }
    events_.emplace_back(JobOffered{std::move(*made.job), true});
    return {};
}

/// Names only: values may be secrets.
void HserverDialect::log_strange(const HserverReply& reply) const {
    std::string strange;
    for (const auto& key : reply.keys) {
        if (!known_hserver_key(key.first)) {
            strange += (strange.empty() ? "" : " ") + std::string(clip(key.first, 32));
        }
    }
    if (!strange.empty()) {
        services_.log.info(k_area, "the manager's answer has keys that are not known here", {{"keys", strange}});
    }
    if (reply.verb != k_idle && reply.verb != k_update) {
        services_.log.warning(k_area, "the manager's answer has a verb that is not known here", {{"verb", reply.verb}});
    }
}

namespace {

/// 0 for a key that is absent or empty. A value that is no such number refuses the job: taken for the default, it would
/// mean another port, no limit, or no encryption.
Result<std::uint64_t> number_of(const HserverReply& reply, const std::string& key, std::uint64_t most) {
    const auto number = reply.number(key, most);
    if (!number && !trim(reply.value(key)).empty()) {
        return error(AgentCode::script_syntax,
                     {"the key ", key, " has a value that is no number up to ", std::to_string(most)});
    }
    return number.value_or(0);
}

/// How the commands are read, and what the manager says about questions to the user.
work::Options options_of(const HserverReply& reply) {
    work::Options options = {{std::string(script::k_option_form), std::string(script::k_wire_form)}};
    const auto take = [&](std::string_view key, std::uint64_t most, std::string_view option) {
        if (const auto number = reply.number(key, most)) {
            options.emplace_back(option, std::to_string(*number));
        }
    };
    take("QUT", narrow<std::uint64_t>(script::k_longest_question.count()), script::k_option_question);
    take("QUB", script::k_most_postponements, script::k_option_postponements);
    return options;
}

}  // namespace

/// The job is refused as a whole for one bad part: half of a script is worse than none.
Event HserverDialect::event_of(const HserverReply& reply) const {
    session::Job job;
    job.id = job_id_of(reply);
    job.name = "update " + digits(reply.value("UR"));
    job.options = options_of(reply);
    session::WireScript wire;
    wire.commands = reply.script;
    auto good = check_script(reply);
    if (const auto limit = number_of(reply, "FTPBw", k_most_kib_per_s); limit.ok()) {
        wire.limit_bytes_per_s = *limit << 10U;
    } else if (good.ok()) {
        good = limit.error();
    }
    for (const auto* prefix : {"", "M_"}) {
        if (good.ok()) {
            good = add_repository(reply, prefix, wire);
        }
    }
    job.source = std::move(wire);
    return good.ok()
               ? Event(JobOffered{std::move(job)})
               : Event(JobRefused{job.id, std::move(good).error(), trust::sha256_hex(reply.script + reply.fault)});
}

/// Nobody has signed the script, so it is looked at before the job is taken, and what the administrator has not allowed
/// never gets into a session.
Status HserverDialect::check_script(const HserverReply& reply) const {
    const std::string& script = reply.script;
    if (!reply.fault.empty()) {
        return error(AgentCode::script_syntax, reply.fault);
    }
    if (script.size() > k_script_bytes) {
        return error(AgentCode::limit_exceeded, {"more than ", std::to_string(k_script_bytes), " bytes of script"});
    }
    const auto parsed = script::parse_wire(script, "update");
    if (const auto* complaints = std::get_if<std::vector<script::Complaint>>(&parsed)) {
        const auto& first = complaints->front();
        const unsigned number = first.line <= reply.command_fields.size() ? reply.command_fields[first.line - 1] : 1;
        return error(AgentCode::script_syntax, {shown_field(number, first.source_line), ", column ",
                                                std::to_string(first.column), ": ", printable(first.message)});
    }
    for (const auto& command : std::get<script::Script>(parsed).commands) {
        const bool allowed = services_.opcodes.empty() ||
                             std::any_of(services_.opcodes.begin(), services_.opcodes.end(),
                                         [&](const std::string& op) { return equal_ignoring_case(op, command.op); });
        if (!allowed) {
            return error(AgentCode::job_unsupported,
                         {command.op, " in step ", std::to_string(command.line), " is not in manager.opcodes"});
        }
    }
    return {};
}

/// A file server of the reply, as a folder address. One without a name is none; one without a user is not used: nobody
/// becomes anonymous in silence.
Status HserverDialect::add_repository(const HserverReply& reply, const std::string& prefix,
                                      session::WireScript& wire) const {
    const auto host = reply.value(prefix + "FTPS");
    if (host.empty()) {
        return {};
    }
    const bool secure = TRY(number_of(reply, prefix + "FTPSecure", 1)) == 1;
    const auto port = TRY(number_of(reply, prefix + "FTPPortNumber", 65535));
    const std::string address = std::string(secure ? "ftpes" : "ftp") + "://" + std::string(host) +
                                (port == 0 ? "" : ":" + std::to_string(port)) + "/";
    const auto url = transfer::parse_url(address);
    if (!url.ok() || host.find_first_of("/?#@:") != std::string_view::npos) {
        return error(AgentCode::bad_url, {prefix, "FTPS"});
    }
    const std::string user(reply.value(prefix + "FTPU"));
    if (user.empty()) {
        services_.log.warning(k_area, "the manager names a file server without a user; it is not used",
                              {{"server", transfer::shown(address)}});
        return {};
    }
    if (!secure && !services_.allow_clear_text && !transfer::is_loopback(*url)) {
        return error(AgentCode::config_clear_text_refused, transfer::shown(address));
    }
    wire.repositories.push_back({address, user, std::string(reply.value(prefix + "FTPP"))});
    return {};
}

std::vector<Event> HserverDialect::take_events() { return std::exchange(events_, {}); }

Call HserverDialect::refuse_cancel(const std::string& manager_url, const Identity& identity,
                                   const std::string& job_id) {
    return report(manager_url, identity,
                  {job_id, session::ReportStage::executing, {}, 0, 0});  // nothing is ever taken back here
}

Call HserverDialect::report(const std::string& manager_url, const Identity& identity, const Report& report) {
    std::string fields = numbers_of(report.job_id) + field("ST", k_states[static_cast<std::size_t>(report.stage)]) +
                         field("DN", std::to_string(report.done)) + field("OF", std::to_string(report.of));
    for (const auto& message : report.messages) {
        fields += field("MSG", message);
    }
    return call(manager_url, identity, k_status, fields);
}

/// These managers have no word for "refused", so all but a missing address is tried again.
Delivery HserverDialect::delivered(const Report&, const Reply& reply) {
    if (!reply.ok()) {
        return Delivery::again;
    }
    return fine(*reply)                                   ? Delivery::acknowledged
           : reply->status == 404 || reply->status == 410 ? Delivery::obsolete
                                                          : Delivery::again;
}

}  // namespace hagent::manager
