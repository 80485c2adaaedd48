// SPDX-License-Identifier: Apache-2.0
#include "agent/upgrade/record.h"

#include <algorithm>
#include <array>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/trust/kept_text.h"
#include "platform/clock.h"
#include "platform/paths.h"

namespace hagent::upgrade {
namespace {

using errors::AgentCode;

constexpr std::string_view k_head = "hagent-upgrade 1";
constexpr std::size_t k_reason_bytes = 600;
constexpr std::array<std::string_view, 4> k_verdicts = {"confirmed", "failed", "rolled_back", "fell_back"};
constexpr int k_lock_tries = 50;
constexpr Millis k_lock_wait{20};

/// Takes one line apart; what is wrong with any part of it is remembered until the end.
class Words {
public:
    explicit Words(std::string_view text) : rest_(text) {}

    std::string text() {
        const auto blank = rest_.find(' ');
        std::string out(rest_.substr(0, blank));
        rest_ = blank == std::string_view::npos ? std::string_view() : rest_.substr(blank + 1);
        good_ = good_ && !out.empty();
        return out;
    }
    std::string rest() {
        good_ = good_ && !rest_.empty();
        return std::string(std::exchange(rest_, {}));
    }
    std::uint64_t number(std::uint64_t most) {
        const auto value = parse_u64(text(), most);
        good_ = good_ && value.has_value();
        return value.value_or(0);
    }
    std::string version() {
        auto out = text();
        good_ = good_ && is_version(out);
        return out;
    }
    std::string path() {
        auto out = rest();
        good_ = good_ && platform::is_absolute(out);
        return out;
    }
    void refuse() { good_ = false; }
    [[nodiscard]] bool good() const { return good_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool good_ = true;
};

constexpr auto k_most_millis = static_cast<std::uint64_t>(INT64_MAX);
constexpr std::uint64_t k_most_count = 1'000'000, k_most_seconds = 366ULL * 86400;

Millis millis(Words& words) { return Millis{static_cast<std::int64_t>(words.number(k_most_millis))}; }

Program program(Words& words) {
    Program out;
    out.version = words.version();
    out.bytes = words.number(limits::k_agent_program_bytes);
    out.sha256 = words.text();
    const auto digest = from_hex(out.sha256);
    if (!digest || digest->size() != 32) {
        words.refuse();
    }
    out.path = words.path();
    return out;
}

Moment moment(Words& words) {
    Moment out;
    out.boot_id = words.text();
    out.uptime = {millis(words)};
    return out;
}

Place place(Words& words) {
    Place out;
    out.version = words.version();
    out.path = words.path();
    return out;
}

/// Of a part that an earlier line has begun.
template <class T>
T& part(std::optional<T>& whole, Words& words) {
    if (!whole) {
        words.refuse();
        whole.emplace();
    }
    return *whole;
}

void read_began(Record& r, Words& words) {
    auto& trial = part(r.trial, words);
    trial.began = moment(words);
    trial.ends_at = WallTime{millis(words)};
}

void read_last(Record& r, Words& words) {
    Last last;
    last.from = words.version();
    last.to = words.version();
    const auto word = words.text();
    const auto* const known = std::find(k_verdicts.begin(), k_verdicts.end(), word);
    if (known == k_verdicts.end()) {
        words.refuse();
    } else {
        last.result = static_cast<Verdict>(known - k_verdicts.begin());
    }
    last.at = {millis(words)};
    r.last = std::move(last);
}

void read_starts(Record& r, Words& words) {
    auto& trial = part(r.trial, words);
    trial.starts = narrow<unsigned>(words.number(k_most_count));
    trial.most_starts = narrow<unsigned>(words.number(k_most_count));
}

struct Line {
    std::string_view name;
    void (*read)(Record&, Words&);
};

// clang-format off
constexpr std::array k_lines = {
    Line{"generation",             [](Record& r, Words& w) { r.generation = w.number(UINT64_MAX); }},
    Line{"launcher",               [](Record& r, Words& w) { r.launcher = place(w); }},
    Line{"running",                [](Record& r, Words& w) { r.running = place(w); }},
    Line{"confirmed",              [](Record& r, Words& w) { r.confirmed = program(w); }},
    Line{"confirmed-may-be-older", [](Record& r, Words& w) { part(r.confirmed, w).may_be_older = true; }},
    Line{"previous",               [](Record& r, Words& w) { r.previous = program(w); }},
    Line{"previous-may-be-older",  [](Record& r, Words& w) { part(r.previous, w).may_be_older = true; }},
    Line{"trial",                  [](Record& r, Words& w) { r.trial.emplace().program = program(w); }},
    Line{"trial-may-be-older",     [](Record& r, Words& w) { part(r.trial, w).program.may_be_older = true; }},
    Line{"trial-session",          [](Record& r, Words& w) { part(r.trial, w).session = w.text(); }},
    Line{"trial-starts",           read_starts},
    Line{"trial-deadline",         [](Record& r, Words& w) { part(r.trial, w).deadline = Seconds{static_cast<std::int64_t>(w.number(k_most_seconds))}; }},
    Line{"trial-began",            read_began},
    Line{"last",                   read_last},
    Line{"last-session",           [](Record& r, Words& w) { part(r.last, w).session = w.text(); }},
    Line{"last-reason",            [](Record& r, Words& w) { part(r.last, w).reason = w.rest(); }},
    Line{"started",                [](Record& r, Words& w) { r.started = moment(w); }},
    Line{"short-lives",            [](Record& r, Words& w) { r.short_lives = narrow<unsigned>(w.number(k_most_count)); }},
};
// clang-format on

Failure corrupt(std::string_view line) {
    return error(AgentCode::corrupt_journal, {"the record of agents: \"", printable(clip(line, 100)), "\""});
}

Status read_line(Record& record, std::string_view line, std::vector<std::string_view>& met) {
    const auto name = line.substr(0, line.find(' '));
    const auto* const known =
        std::find_if(k_lines.begin(), k_lines.end(), [&](const Line& l) { return l.name == name; });
    if (known == k_lines.end()) {
        record.unknown.emplace_back(line);
        return {};
    }
    if (std::find(met.begin(), met.end(), name) != met.end()) {
        return corrupt(line);
    }
    met.push_back(name);
    Words words(line.substr(std::min(name.size() + 1, line.size())));
    known->read(record, words);
    return words.good() ? Status() : Status(corrupt(line));
}

class Writer {
public:
    void line(std::initializer_list<TextView> parts) { out_.append(concat(parts)).append("\n"); }
    void program(std::string_view name, const Program& p) {
        line({name, " ", p.version, " ", std::to_string(p.bytes), " ", p.sha256, " ", p.path});
        if (p.may_be_older) {
            line({name, "-may-be-older"});
        }
    }
    void place(std::string_view name, const std::optional<Place>& p) {
        if (p) {
            line({name, " ", p->version, " ", p->path});
        }
    }
    void text(std::string_view name, std::string_view value) {
        if (!value.empty()) {
            line({name, " ", value});
        }
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

std::string number(Millis value) { return std::to_string(value.count()); }

void write_trial(Writer& out, const Trial& trial) {
    out.program("trial", trial.program);
    out.text("trial-session", trial.session);
    out.line({"trial-starts ", std::to_string(trial.starts), " ", std::to_string(trial.most_starts)});
    out.line({"trial-deadline ", std::to_string(trial.deadline.count())});
    if (trial.began) {
        out.line({"trial-began ", trial.began->boot_id, " ", number(trial.began->uptime.since_start), " ",
                  number(trial.ends_at.value_or(WallTime{}).since_epoch)});
    }
}

void write_last(Writer& out, const Last& last) {
    out.line({"last ", last.from, " ", last.to, " ", to_string(last.result), " ", number(last.at.since_epoch)});
    out.text("last-session", last.session);
    out.text("last-reason", clip(printable(last.reason), k_reason_bytes));
}

/// The newest of those that can be understood.
std::optional<Record> newest(const std::vector<std::string>& bodies) {
    std::optional<Record> out;
    for (const auto& body : bodies) {
        auto record = parse_record(body);
        if (record.ok() && (!out || record->generation > out->generation)) {
            out = std::move(*record);
        }
    }
    return out;
}

}  // namespace

std::string_view to_string(Verdict verdict) { return k_verdicts[static_cast<std::size_t>(verdict)]; }

bool is_version(std::string_view text) { return parse_release(text).has_value(); }

Result<Record> parse_record(std::string_view text) {
    Record record;
    std::vector<std::string_view> met;
    bool first = true;
    for (const auto line : split(text, '\n')) {
        if (std::exchange(first, false)) {
            if (line != k_head) {
                return corrupt(line);
            }
        } else if (!line.empty()) {
            TRY(read_line(record, line, met));
        }
    }
    return record;
}

/// Parts stand before what belongs to them.
std::string record_text(const Record& record) {
    Writer out;
    out.line({k_head});
    out.line({"generation ", std::to_string(record.generation)});
    out.place("launcher", record.launcher);
    out.place("running", record.running);
    if (record.confirmed) {
        out.program("confirmed", *record.confirmed);
    }
    if (record.previous) {
        out.program("previous", *record.previous);
    }
    if (record.trial) {
        write_trial(out, *record.trial);
    }
    if (record.last) {
        write_last(out, *record.last);
    }
    if (record.started) {
        out.line({"started ", record.started->boot_id, " ", number(record.started->uptime.since_start)});
    }
    if (record.short_lives > 0) {
        out.line({"short-lives ", std::to_string(record.short_lives)});
    }
    for (const auto& line : record.unknown) {
        out.line({line});
    }
    return out.take();
}

/// A whole copy that cannot be understood is no better than a damaged one: the other one counts.
Result<std::optional<Record>> RecordFile::read() const {
    const auto kept = TRY(trust::read_kept(files_, path_, limits::k_agent_record_bytes));
    if (kept.absent()) {
        return std::optional<Record>();
    }
    auto record = newest(kept.bodies);
    if (!record) {
        return error(AgentCode::corrupt_journal, path_);
    }
    return record;
}

Status RecordFile::write(Record& record) {
    ++record.generation;
    return trust::write_kept(files_, path_, record_text(record));
}

Result<std::unique_ptr<platform::Lock>> RecordFile::lock() {
    platform::SystemClock clock;
    auto held = files_.lock(lock_);
    for (int i = 0; i < k_lock_tries && !held.ok() && held.error().is(AgentCode::busy); ++i) {
        (void)clock.wait(k_lock_wait, CancelToken());
        held = files_.lock(lock_);
    }
    return held;
}

Status RecordFile::change(const Change& change) {
    const auto held = TRY(lock());
    auto found = read();
    Record record;
    if (found.ok() && *found) {
        record = std::move(**found);
    } else if (!found.ok() && !found.error().is(AgentCode::corrupt_journal)) {
        return std::move(found).failure();
    }
    return TRY(change(record)) ? write(record) : Status();
}

}  // namespace hagent::upgrade
