// SPDX-License-Identifier: Apache-2.0
// Owns the reading of such rules and their arithmetic.
#include "agent/base/zone_rule.h"

#include "agent/base/text.h"

namespace hagent {
namespace {

namespace chrono = std::chrono;

constexpr int k_hour = 3600;

/// Each part takes what it knows from the front; once something was wrong the whole is.
class RuleReader {
public:
    explicit RuleReader(std::string_view text) : rest_(text) {}

    std::optional<ZoneRule> read() {
        ZoneRule rule;
        name();
        rule.standard = -time(24);
        rule.daylight = rule.standard;
        if (!rest_.empty()) {
            name();
            rule.daylight = rest_.starts_with(',') ? rule.standard + Seconds{k_hour} : -time(24);
            rule.begin = turn();
            rule.end = turn();
        }
        return good_ && rest_.empty() ? std::optional(rule) : std::nullopt;
    }

private:
    bool skip(char c) {
        const bool there = rest_.starts_with(c);
        rest_.remove_prefix(there ? 1 : 0);
        return there;
    }

    void expect(char c) { good_ = skip(c) && good_; }

    /// "CEST" or "<+0330>"; what it says does not matter.
    void name() {
        const bool quoted = skip('<');
        const std::size_t before = rest_.size();
        while (!rest_.empty() && (quoted ? rest_.front() != '>' : is_letter(rest_.front()))) {
            rest_.remove_prefix(1);
        }
        good_ = good_ && before - rest_.size() >= 3;
        if (quoted) {
            expect('>');
        }
    }

    /// The loop ends as soon as the value is too large, so that no number of digits can overflow it.
    int number(int least, int most) {
        int value = 0;
        const std::size_t before = rest_.size();
        for (; !rest_.empty() && is_digit(rest_.front()) && value <= most; rest_.remove_prefix(1)) {
            value = value * 10 + (rest_.front() - '0');
        }
        good_ = good_ && rest_.size() < before && value >= least && value <= most;
        return good_ ? value : least;
    }

    /// "[+-]hh[:mm[:ss]]"
    Seconds time(int most_hours) {
        const bool negative = skip('-');
        if (!negative) {
            skip('+');
        }
        int seconds = number(0, most_hours) * k_hour;
        for (int unit = 60; unit > 0 && skip(':'); unit /= 60) {
            seconds += number(0, 59) * unit;
        }
        return Seconds{negative ? -seconds : seconds};
    }

    /// ",M3.5.0/2", ",J60" or ",59"
    ZoneRule::Turn turn() {
        ZoneRule::Turn turn;
        expect(',');
        if (skip('M')) {
            turn.month = static_cast<std::uint8_t>(number(1, 12));
            expect('.');
            turn.week = static_cast<std::uint8_t>(number(1, 5));
            expect('.');
            turn.day = static_cast<std::uint16_t>(number(0, 6));
        } else {
            turn.week = skip('J') ? 1 : 0;
            turn.day = static_cast<std::uint16_t>(number(turn.week, 365) - turn.week);
        }
        turn.clock = skip('/') ? time(167) : Seconds{2 * k_hour};
        return turn;
    }

    std::string_view rest_;
    bool good_ = true;
};

}  // namespace

/// POSIX counts with J as if there were no February 29; without J it counts that day.
Seconds ZoneRule::Turn::in(chrono::year year) const {
    chrono::sys_days date = chrono::sys_days{year / chrono::January / 1} + chrono::days{day};
    if (month != 0) {
        const auto of = year / chrono::month{month};
        const chrono::weekday weekday{day};
        date = week == 5 ? chrono::sys_days{of / weekday[chrono::last]} : chrono::sys_days{of / weekday[week]};
    } else if (week == 1 && day >= 59 && year.is_leap()) {
        date += chrono::days{1};
    }
    return chrono::duration_cast<Seconds>(date.time_since_epoch()) + clock;
}

std::optional<ZoneRule> ZoneRule::parse(std::string_view text) { return RuleReader(text).read(); }

/// POSIX writes hours behind UTC, so signs were turned when the rule was read. South of the equator daylight time
/// begins in one year and ends in the next: then everything outside of the gap between end and begin is advanced.
Seconds ZoneRule::offset(Seconds moment) const {
    if (standard == daylight) {
        return standard;
    }
    const chrono::sys_days day{chrono::floor<chrono::days>(moment + standard)};
    const auto year = chrono::year_month_day{day}.year();
    const Seconds from = begin.in(year)-standard, until = end.in(year)-daylight;
    const bool advanced = from < until ? moment >= from && moment < until : moment >= from || moment < until;
    return advanced ? daylight : standard;
}

}  // namespace hagent
