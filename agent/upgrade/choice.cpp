// SPDX-License-Identifier: Apache-2.0
#include "agent/upgrade/choice.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/base/version.h"

namespace hagent::upgrade {
namespace {

constexpr unsigned k_most_short_lives = 10;
constexpr Millis k_quick = Seconds{60};  // a start so soon after the one before it is spaced
constexpr Millis k_longest_pause = Seconds{30};

/// Versions in a record, a package and this program are releases; what is none is older than any.
Newer compare(std::string_view offered, std::string_view own) {
    return compare_release(parse_release(offered).value_or(Release{}), parse_release(own).value_or(Release{}));
}

/// 1 s, 2 s, 4 s ... less what has passed already.
Millis pause_before(const Record& record, unsigned starts_before, const Now& now) {
    if (starts_before == 0 || !record.started || record.started->boot_id != now.moment.boot_id) {
        return Millis{0};
    }
    const Millis passed = now.moment.uptime - record.started->uptime;
    if (passed < Millis{0} || passed >= k_quick) {
        return Millis{0};
    }
    const Millis whole =
        std::min(k_longest_pause, Millis{Seconds{std::int64_t{1} << std::min(starts_before - 1, 10U)}});
    return std::max(Millis{0}, whole - passed);
}

/// Lines of later agents that belong to a trial go with it.
void drop_trial(Record& record) {
    record.trial.reset();
    std::erase_if(record.unknown, [](const std::string& line) { return line.starts_with("trial-"); });
}

bool began_here(const Trial& trial, const Now& now) {
    return trial.began && trial.began->boot_id == now.moment.boot_id && trial.began->uptime <= now.moment.uptime;
}

std::string counted(unsigned count, std::string_view what) {
    return concat({std::to_string(count), " ", what, count == 1 ? "" : "s"});
}

/// Why this trial gets no other start; empty: it gets one.
std::string end_of(const Trial& trial, const Place& own, const Now& now) {
    if (!trial.program.may_be_older && compare_versions(own.version, trial.program.version) > 0) {
        return concat({"the preinstalled agent ", own.version, " is newer"});
    }
    if (began_here(trial, now) && now.moment.uptime - trial.began->uptime >= trial.deadline) {
        return concat({"no check-in succeeded within ", std::to_string(trial.deadline.count()), " s (",
                       counted(trial.starts, "start"), ")"});
    }
    return trial.starts >= trial.most_starts
               ? concat({"it ended before a check-in succeeded, in each of ", counted(trial.starts, "start")})
               : std::string();
}

/// The time of an earlier start of the machine is not known here; its starts are counted.
Choice start_trial(Record& record, const Now& now) {
    Trial& trial = *record.trial;
    Choice out{trial.program, true, pause_before(record, trial.starts, now), {}};
    if (!began_here(trial, now)) {
        trial.began = now.moment;
        trial.ends_at = WallTime{now.wall.since_epoch + trial.deadline};
    }
    ++trial.starts;
    out.limit = trial.deadline - (now.moment.uptime - trial.began->uptime);
    return out;
}

void noted(Record& record, const Choice& choice, const Place& own, const Now& now) {
    record.launcher = own;
    record.running = choice.program ? Place{choice.program->version, choice.program->path} : own;
    record.started = now.moment;
}

}  // namespace

bool is_newer(std::string_view a, std::string_view b) { return compare(a, b) == Newer::newer; }
bool is_same_release(std::string_view a, std::string_view b) { return compare(a, b) == Newer::same; }

const Program* confirmed_beside(const Record& record, std::string_view launcher) {
    const bool counts = record.confirmed &&
                        (record.confirmed->may_be_older || compare_versions(launcher, record.confirmed->version) <= 0);
    return counts ? &*record.confirmed : nullptr;
}

std::string version_without_trial(const Record& record, std::string_view launcher) {
    const Program* confirmed = confirmed_beside(record, launcher);
    return confirmed != nullptr ? confirmed->version : std::string(launcher);
}

Choice choose(Record& record, const Place& own, const Now& now) {
    if (record.trial) {
        if (const auto why = end_of(*record.trial, own, now); !why.empty()) {
            give_up(record, own.version, Verdict::failed, why, now.wall);
        }
    }
    Choice out;
    if (record.trial) {
        out = start_trial(record, now);
    }
    while (!record.trial && !out.program && confirmed_beside(record, own.version) != nullptr) {
        if (record.short_lives >= k_most_short_lives) {
            (void)go_back(record, own.version, Verdict::fell_back,
                          concat({counted(record.short_lives, "start"), " in a row without a good life"}), now.wall);
            continue;
        }
        out.program = *record.confirmed;
        out.pause = pause_before(record, record.short_lives++, now);
    }
    noted(record, out, own, now);
    return out;
}

void not_startable(Record& record, const Choice& choice, const Place& own, std::string_view reason, const Now& now) {
    if (choice.on_trial) {
        give_up(record, own.version, Verdict::failed, reason, now.wall);
    } else {
        (void)go_back(record, own.version, Verdict::fell_back, reason, now.wall);
    }
}

void begin_trial(Record& record, Trial trial) {
    drop_trial(record);
    record.trial = std::move(trial);
}

/// What lies where the new agent lies is the new agent.
void confirm(Record& record, std::string_view launcher, std::string_view reason, WallTime now) {
    Trial trial = std::move(*record.trial);
    drop_trial(record);
    record.last = Last{version_without_trial(record, launcher),
                       trial.program.version,
                       Verdict::confirmed,
                       std::string(reason),
                       trial.session,
                       now};
    const Program* before = confirmed_beside(record, launcher);
    const bool kept = before != nullptr && before->path != trial.program.path;
    record.previous = kept ? std::optional(*before) : std::nullopt;
    record.confirmed = std::move(trial.program);
    record.short_lives = 0;
}

void give_up(Record& record, std::string_view launcher, Verdict verdict, std::string_view reason, WallTime now) {
    const Trial trial = std::move(*record.trial);
    drop_trial(record);
    record.last = Last{version_without_trial(record, launcher),
                       trial.program.version,
                       verdict,
                       std::string(reason),
                       trial.session,
                       now};
    record.short_lives = 0;
}

bool go_back(Record& record, std::string_view launcher, Verdict verdict, std::string_view reason, WallTime now) {
    if (!record.confirmed) {
        return false;
    }
    const std::string from = record.confirmed->version;
    record.confirmed = std::exchange(record.previous, std::nullopt);
    record.short_lives = 0;
    record.last = Last{from, version_without_trial(record, launcher), verdict, std::string(reason), {}, now};
    return true;
}

}  // namespace hagent::upgrade
