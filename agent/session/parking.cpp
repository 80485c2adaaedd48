// SPDX-License-Identifier: Apache-2.0
// Owns the counting of rounds, and the words in which a circle is told.
#include "agent/session/parking.h"

#include <algorithm>
#include <array>

#include "agent/base/concat.h"
#include "agent/base/json.h"
#include "agent/base/json_writer.h"
#include "agent/base/limits.h"
#include "agent/errors/catalogue.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

enum RecordType : std::uint16_t { k_round = 1, k_held = 2, k_released = 3 };

constexpr std::uint64_t k_compact_at_bytes = 128U << 10U;
constexpr std::string_view k_success = "success";

bool is_counted_kind(JobKind kind) { return kind == JobKind::image || kind == JobKind::upgrade; }

bool is_local(const SessionRecord& record) { return record.job.id.starts_with(k_local_job); }

/// Space, network and power come back by themselves, or are somebody else's matter: no reason to give a job up.
bool passes(const errors::Id& id) {
    constexpr std::array k_space_and_power = {AgentCode::disk_full, AgentCode::quota_exceeded,
                                              AgentCode::not_enough_space, AgentCode::step_interrupted};
    return errors::describe(id).retry == errors::Retry::transient ||
           std::any_of(k_space_and_power.begin(), k_space_and_power.end(),
                       [&](AgentCode code) { return id == errors::agent(code); }) ||
           id == errors::xdsa(errors::Xdsa::dsa_into_minfree) || id == errors::xdsa(errors::Xdsa::dsa_over_limit);
}

/// The name of what made the session fail; empty where it may pass by itself. That a step failed says nothing: its own
/// result does.
std::string failure_of(const SessionRecord& record) {
    std::string name;
    for (const auto& result : record.all_results()) {
        if (result.status != errors::Severity::error) {
            continue;
        }
        if (passes(result.id) || (result.native && passes(*result.native))) {
            return {};
        }
        if (name.empty() || result.id != errors::agent(AgentCode::step_failed)) {
            name = errors::describe(result.id).name;
        }
    }
    return name;
}

/// The device's clock may be set at any time, so that a round may also seem to be still to come.
bool is_near(WallTime a, WallTime b, Millis within) {
    return (a < b ? b.since_epoch - a.since_epoch : a.since_epoch - b.since_epoch) <= within;
}

std::string job_words(JobKind kind, std::string_view package, std::string_view version) {
    return concat({to_string(kind), " ", package, " ", version});
}

bool is_same(const Parked& parked, JobKind kind, std::string_view package, std::string_view version) {
    return parked.kind == kind && parked.package == package && parked.version == version;
}

std::string text(JsonView from, std::string_view key) { return std::string(from.find(key).text().value_or("")); }
WallTime time_in(JsonView from, std::string_view key) { return WallTime{Millis{from.find(key).integer().value_or(0)}}; }

void write_key(JsonWriter& json, JobKind kind, std::string_view package, std::string_view version) {
    json.member("kind", to_string(kind));
    json.member("package", package);
    json.member("version", version);
}

}  // namespace

Failure error_of(const Parked& parked) {
    return error(parked.circle ? AgentCode::job_in_circle : AgentCode::parked, parked.why);
}

std::string Parking::to_payload(const Round& round) {
    JsonWriter json;
    json.begin_object();
    json.member("session", round.session);
    write_key(json, round.kind, round.package, round.to);
    json.member("from", round.from);
    json.member("boot", round.boot);
    json.member("at", round.at.since_epoch.count());
    json.member("result", round.result);
    json.end_object();
    return json.take();
}

std::string Parking::to_payload(const Held& held) {
    const auto& parked = held.parked;
    JsonWriter json;
    json.begin_object();
    write_key(json, parked.kind, parked.package, parked.version);
    json.member("why", parked.why);
    json.member("circle", parked.circle);
    json.member("rounds", parked.rounds);
    json.member("since", parked.since.since_epoch.count());
    json.member("jobs", held.jobs);
    json.end_object();
    return json.take();
}

void Parking::Memory::replay(const std::vector<journal::Record>& records) {
    for (const auto& record : records) {
        const JsonDocument document(record.payload);
        const JsonView from = document.root();
        const auto kind = job_kind(from.find("kind").text().value_or(""));
        if (!kind) {
            continue;
        }
        const std::string package = text(from, "package"), version = text(from, "version");
        if (record.type == k_round) {
            take(Round{text(from, "session"), *kind, package, text(from, "from"), version, text(from, "boot"),
                       time_in(from, "at"), text(from, "result")});
        } else if (record.type == k_held) {
            Held now{{{},
                      *kind,
                      package,
                      version,
                      text(from, "why"),
                      from.find("circle").boolean().value_or(false),
                      static_cast<unsigned>(from.find("rounds").whole(UINT32_MAX).value_or(0)),
                      time_in(from, "since")},
                     {}};
            for (const JsonView job : from.find("jobs")) {
                now.jobs.emplace_back(job.text().value_or(""));
            }
            take(std::move(now));
        } else if (record.type == k_released) {
            release(*kind, package, version);
        }
    }
}

void Parking::Memory::take(Round round) {
    if (Round* known = find_round(round.session)) {
        *known = std::move(round);
        return;
    }
    if (rounds.size() == limits::k_remembered_rounds) {
        rounds.erase(rounds.begin());
    }
    rounds.push_back(std::move(round));
}

void Parking::Memory::take(Held held_now) {
    held_now.parked.job = held_now.jobs.empty() ? std::string() : held_now.jobs.back();
    const auto& p = held_now.parked;
    const auto known = std::find_if(held.begin(), held.end(),
                                    [&](const Held& h) { return is_same(h.parked, p.kind, p.package, p.version); });
    if (known != held.end()) {
        *known = std::move(held_now);
    } else {
        held.push_back(std::move(held_now));
    }
}

/// A circle has more than one job: what was done well meanwhile may go round with it again.
void Parking::Memory::release(JobKind kind, const std::string& package, const std::string& version) {
    bool circle = false;
    std::erase_if(held, [&](const Held& h) {
        const bool same = is_same(h.parked, kind, package, version);
        circle = circle || (same && h.parked.circle);
        return same;
    });
    std::erase_if(rounds, [&](const Round& r) {
        return (circle && r.result == k_success) || (r.kind == kind && r.package == package && r.to == version);
    });
}

Parking::Round* Parking::Memory::find_round(const std::string& session) {
    const auto found = std::find_if(rounds.begin(), rounds.end(), [&](const Round& r) { return r.session == session; });
    return found == rounds.end() ? nullptr : &*found;
}

Parking::Held* Parking::Memory::find_held(const SessionRecord& record) {
    const auto found = std::find_if(held.begin(), held.end(), [&](const Held& h) {
        return is_same(h.parked, record.job.kind, record.package, record.version);
    });
    return found == held.end() ? nullptr : &*found;
}

std::vector<Parked> Parking::Memory::list() const {
    std::vector<Parked> out;
    for (const auto& one : held) {
        out.push_back(one.parked);
    }
    return out;
}

Result<std::unique_ptr<Parking>> Parking::open(platform::Files& files, const std::string& path, LoopLimits limits) {
    auto journal = TRY(journal::Journal::open(files, path));
    auto parking = std::unique_ptr<Parking>(new Parking(std::move(journal), limits));
    parking->memory_.replay(parking->journal_.take_records());
    return parking;
}

Result<std::vector<Parked>> Parking::look(platform::Files& files, const std::string& path) {
    Memory memory;
    memory.replay(TRY(journal::load(files, path)).found.records);
    return memory.list();
}

std::vector<Parked> Parking::list() const {
    const std::lock_guard lock(mutex_);
    return memory_.list();
}

bool Parking::holds(std::string_view job_id) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(memory_.held.begin(), memory_.held.end(),
                       [&](const Held& h) { return std::find(h.jobs.begin(), h.jobs.end(), job_id) != h.jobs.end(); });
}

/// Rounds of this job are forgotten with it, and those of its circle: it may go round as often again before it is held.
Result<std::vector<std::string>> Parking::release(std::string_view job) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(memory_.held.begin(), memory_.held.end(), [&](const Held& h) {
        return std::find(h.jobs.begin(), h.jobs.end(), job) != h.jobs.end() || h.parked.package == job ||
               job_words(h.parked.kind, h.parked.package, h.parked.version) == job;
    });
    if (found == memory_.held.end()) {
        return error(AgentCode::not_parked, job);
    }
    const Held released = *found;
    JsonWriter json;
    json.begin_object();
    write_key(json, released.parked.kind, released.parked.package, released.parked.version);
    json.end_object();
    TRY(append(k_released, json.take()));
    memory_.release(released.parked.kind, released.parked.package, released.parked.version);
    return released.jobs;
}

bool Parking::is_recent(const Round& round, WallTime now) const {
    return !round.result.empty() && is_near(round.at, now, limits_.within);
}

/// "upgrade hagent 0.2.0.0 (from 0.1.0.0)" and so on: what else was done well meanwhile, each once. One of them undoes
/// what the job has done.
std::string Parking::circle_of(const Parked& parked, WallTime now) const {
    std::string others;
    for (const auto& round : memory_.rounds) {
        const auto words = job_words(round.kind, round.package, round.to);
        if (is_recent(round, now) && round.result == k_success &&
            !is_same(parked, round.kind, round.package, round.to) && others.find(words) == std::string::npos) {
            others += concat({others.empty() ? "" : ", ", words, round.from.empty() ? "" : " (from ", round.from,
                              round.from.empty() ? "" : ")"});
        }
    }
    return others.empty() ? "and something undoes it each time" : "in a circle with " + others;
}

/// Held when it was done as often as it may be.
std::optional<Parking::Held> Parking::judged(const SessionRecord& record, WallTime now) const {
    Held out{{{}, record.job.kind, record.package, record.version, {}, false, 0, now}, {}};
    const Round* last = nullptr;
    std::string newest;  // agent that this device was upgraded to
    for (const auto& round : memory_.rounds) {
        if (!is_recent(round, now)) {
            continue;
        }
        if (is_same(out.parked, round.kind, round.package, round.to)) {
            ++out.parked.rounds;
            last = &round;
        }
        newest = round.kind == JobKind::upgrade && round.result == k_success ? round.to : newest;
    }
    if (last == nullptr || out.parked.rounds < limits_.rounds) {
        return std::nullopt;
    }
    out.parked.circle = last->result == k_success;
    const std::string head = concat({job_words(out.parked.kind, out.parked.package, out.parked.version),
                                     out.parked.circle ? " was done " : " failed ", std::to_string(out.parked.rounds),
                                     " times within ", std::to_string(limits_.within.count()), " h"});
    const std::string image =
        newest.empty() ? "" : concat({"; rebuild the configuration with an image that holds agent ", newest});
    out.parked.why = out.parked.circle ? concat({head, ", ", circle_of(out.parked, now), image})
                                       : concat({head, ", the last time with ", last->result});
    return out;
}

/// A note that cannot be written holds the job all the same: the rounds that it is made of are durable.
Status Parking::admit(const SessionRecord& record, WallTime now) {
    if (is_local(record)) {
        return {};
    }
    const std::lock_guard lock(mutex_);
    Held* known = memory_.find_held(record);
    auto held = known != nullptr ? std::optional(*known) : judged(record, now);
    if (!held) {
        return {};
    }
    if (std::find(held->jobs.begin(), held->jobs.end(), record.job.id) == held->jobs.end()) {
        if (held->jobs.size() == limits::k_remembered_holds) {
            held->jobs.erase(held->jobs.begin());
        }
        held->jobs.push_back(record.job.id);
        (void)append(k_held, to_payload(*held));
        memory_.take(*held);
    }
    return error_of(held->parked);
}

Status Parking::begins(const SessionRecord& record, std::string_view from, std::string_view boot, WallTime now) {
    const std::lock_guard lock(mutex_);
    if (is_local(record) || !is_counted_kind(record.job.kind) || memory_.find_round(record.id) != nullptr) {
        return {};
    }
    Round round{record.id, record.job.kind, record.package, std::string(from), record.version, std::string(boot), now,
                {}};
    TRY(append(k_round, to_payload(round)));
    memory_.take(std::move(round));
    return {};
}

/// Its beginning stays where it was: that of a trial may lie hours before its end.
Status Parking::ends(const SessionRecord& record, ReportStage stage, bool executed) {
    const std::lock_guard lock(mutex_);
    if (is_local(record) || !executed || stage == ReportStage::cancelled) {
        return {};
    }
    const Round* known = memory_.find_round(record.id);
    const std::string result = stage == ReportStage::success ? std::string(k_success) : failure_of(record);
    const bool fails_again = known == nullptr && stage == ReportStage::failure && record.resumptions > record.tries;
    if (result.empty() || (known == nullptr && !fails_again) || (known != nullptr && known->result == result)) {
        return {};
    }
    Round round = known != nullptr
                      ? *known
                      : Round{record.id, record.job.kind, record.package, {}, record.version, {}, record.started, {}};
    round.result = result;
    TRY(append(k_round, to_payload(round)));
    memory_.take(std::move(round));
    return {};
}

Status Parking::append(std::uint16_t type, const std::string& payload) {
    if (journal_.bytes() > k_compact_at_bytes) {
        TRY(compact());
    }
    return journal_.append(type, payload);
}

Status Parking::compact() {
    std::vector<journal::Record> records;
    for (const auto& round : memory_.rounds) {
        records.push_back({k_round, to_payload(round)});
    }
    for (const auto& held : memory_.held) {
        records.push_back({k_held, to_payload(held)});
    }
    return journal_.rewrite(records);
}

}  // namespace hagent::session
