// SPDX-License-Identifier: Apache-2.0
// Owns the tables behind decide(): one row per reply that means something special, then one per class of replies.
#include "agent/transfer/reply_policy.h"

#include <algorithm>
#include <array>
#include <span>

#include "agent/errors/catalogue.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;
using errors::Protocol;

/// What a row says, before attempts, sources and bytes at hand turn it into a Decision.
enum class Rule : std::uint8_t {
    go_on,      // the conversation continues, or is done
    again,      // transient: the same once more, from the bytes at hand where possible
    afresh,     // the same source, from the first byte
    without,    // the same at once, leaving out the command that was refused
    elsewhere,  // permanent: never the same request again; another source, else the end
    misfit,     // the whole file came and is the wrong one
    satisfied,  // HTTP 416: complete if the sizes agree
    stop        // the end, whatever other sources there are
};

using Stages = std::uint32_t;
constexpr Stages at(Stage stage) { return Stages{1} << static_cast<unsigned>(stage); }
template <class... More>
constexpr Stages at(Stage stage, More... more) {
    return at(stage) | at(more...);
}
constexpr Stages k_any = ~Stages{0};

struct Row {
    std::uint16_t first, last;
    Stages stages;
    Rule rule;
    Fallback fallback = Fallback::none;
    std::optional<AgentCode> because = std::nullopt;  // empty: the reply itself
};

// clang-format off
// RFC 959 4.2, 5.4; RFC 2228; RFC 2428; RFC 4217. The first row that fits decides.
constexpr std::array k_ftp_rows = {
    // TLS is demanded, so a server without it is of no use; some say 530 to AUTH, which is not about the login
    Row{500, 599, at(Stage::auth),                Rule::elsewhere, Fallback::none, AgentCode::tls_required},
    // special numbers
    Row{120, 120, at(Stage::greeting),            Rule::again},      // ready in some minutes: come back then
    Row{332, 332, k_any,                          Rule::stop},       // wants an account, and none is configured
    Row{421, 421, k_any,                          Rule::again},      // the service closes: connect anew
    Row{430, 430, k_any,                          Rule::stop},       // name or password wrong: never hammer a login
    Row{530, 530, k_any,                          Rule::stop},
    Row{532, 532, k_any,                          Rule::stop},
    // commands that can be left out
    Row{500, 599, at(Stage::pwd, Stage::quit),    Rule::go_on},
    Row{500, 599, at(Stage::epsv),                Rule::without, Fallback::no_epsv},
    Row{500, 599, at(Stage::size),                Rule::without, Fallback::no_size},
    Row{500, 599, at(Stage::mdtm),                Rule::without, Fallback::no_mdtm},
    Row{500, 599, at(Stage::rest),                Rule::without, Fallback::no_rest},
    Row{400, 499, at(Stage::pwd, Stage::quit),    Rule::go_on},
    // classes
    Row{100, 199, k_any,                          Rule::go_on},      // another reply follows
    Row{200, 299, k_any,                          Rule::go_on},
    Row{300, 399, k_any,                          Rule::go_on},      // it asks for the next command
    Row{400, 499, k_any,                          Rule::again},      // 425, 426, 450, 451, 452 ...
    Row{500, 599, k_any,                          Rule::elsewhere},  // 550, 551, 552, 553 ...
};

// RFC 9110 15. The fetcher follows redirects itself, so those that arrive here are answers of the last hop.
constexpr std::array k_http_rows = {
    Row{100, 299, k_any, Rule::go_on},
    Row{301, 303, k_any, Rule::go_on},
    Row{307, 308, k_any, Rule::go_on},
    Row{300, 399, k_any, Rule::elsewhere},
    Row{408, 408, k_any, Rule::again},
    Row{412, 412, k_any, Rule::afresh},     // the file is no longer the one that was begun
    Row{416, 416, k_any, Rule::satisfied},
    Row{425, 425, k_any, Rule::again},
    Row{429, 429, k_any, Rule::again},
    Row{400, 499, k_any, Rule::elsewhere},
    Row{501, 501, k_any, Rule::elsewhere},
    Row{505, 508, k_any, Rule::elsewhere},
    Row{510, 511, k_any, Rule::elsewhere},
    Row{500, 599, k_any, Rule::again},      // 500, 502, 503, 504, and those that proxies invent
};

// Our own codes; transfer rows without an entry follow the catalogue's retry rule.
constexpr std::array k_agent_rows = {
    Row{1005, 1005, k_any, Rule::elsewhere},  // limit_exceeded: the source sends more than is taken
    Row{1006, 1006, k_any, Rule::again},      // timed_out
    Row{1000, 1299, k_any, Rule::stop},       // cancelled, disk_full and all else that is local
    Row{1300, 1301, k_any, Rule::misfit},     // size_mismatch, digest_mismatch
    Row{1304, 1304, k_any, Rule::afresh},     // changed_on_server
    Row{1305, 1305, at(Stage::epsv), Rule::without, Fallback::no_epsv},  // protocol_garbage: 229 without a port
    Row{1305, 1305, at(Stage::rest), Rule::without, Fallback::no_rest},  // nothing but 350 means yes
    Row{1306, 1306, k_any, Rule::afresh},     // bad_range
    Row{1321, 1321, k_any, Rule::elsewhere},  // upload_failed
    Row{1322, 1322, k_any, Rule::afresh},     // partial_file_lost
    Row{1940, 1940, k_any, Rule::elsewhere},  // no_ranges
    Row{1400, UINT16_MAX, k_any, Rule::stop},
};
// clang-format on

const Row* row_of(std::span<const Row> rows, std::uint16_t number, Stage stage) {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
        return row.first <= number && number <= row.last && (row.stages & at(stage)) != 0;
    });
    return found == rows.end() ? nullptr : &*found;
}

constexpr Row k_transient{0, UINT16_MAX, k_any, Rule::again};
constexpr Row k_permanent{0, UINT16_MAX, k_any, Rule::elsewhere};
constexpr Row k_garbage{0, UINT16_MAX, k_any, Rule::elsewhere, Fallback::none, AgentCode::protocol_garbage};

/// For replies without a row in the tables above.
const Row& by_catalogue(errors::Id id) {
    return errors::describe(id).retry == errors::Retry::transient ? k_transient : k_permanent;
}

/// The first row of the protocol's table that fits; without one, what the catalogue says about trying again.
const Row& choose(errors::Id reply, Stage stage) {
    const auto or_else = [](const Row* row, const Row& other) -> const Row& { return row != nullptr ? *row : other; };
    switch (reply.protocol) {
        case Protocol::ftp: return or_else(row_of(k_ftp_rows, reply.number, stage), k_garbage);
        case Protocol::http: return or_else(row_of(k_http_rows, reply.number, stage), k_garbage);
        case Protocol::agent: return or_else(row_of(k_agent_rows, reply.number, stage), by_catalogue(reply));
        case Protocol::winsock:
        case Protocol::resolver:
        case Protocol::wininet: return by_catalogue(reply);
        case Protocol::xdsa: return k_permanent;
    }
    return k_permanent;
}

/// The same source once more, from as much as is at hand.
Decide same_source(const Situation& now) {
    if (now.bytes == 0) {
        return Decide::retry;
    }
    return now.can_resume ? Decide::resume : Decide::restart;
}

// A busy server gets one more chance before another one is asked: a change of source may cost the bytes at hand.
constexpr unsigned k_patience_with_one_source = 2;

/// Transient: the same request is worth another try after a wait, here or at the next source.
Decision again(const Situation& now, errors::Id because) {
    if (now.other_source && now.failures >= k_patience_with_one_source) {
        return {Decide::next_source, Wait::backoff, because};
    }
    return {same_source(now), Wait::backoff, because};
}

/// Permanent: the same request would be refused again.
Decision elsewhere(const Situation& now, errors::Id because) {
    return {now.other_source ? Decide::next_source : Decide::give_up, Wait::none, because};
}

bool left_out(const FtpHints& hints, Fallback fallback) {
    switch (fallback) {
        case Fallback::none: return true;
        case Fallback::no_epsv: return !hints.epsv;
        case Fallback::no_size: return !hints.size;
        case Fallback::no_mdtm: return !hints.mdtm;
        case Fallback::no_rest: return !hints.rest;
    }
    return true;
}

/// A command was refused that can be left out. When it is left out already, the refusal is meant for the file.
Decision without(const Situation& now, const Row& row, errors::Id because) {
    if (left_out(now.hints, row.fallback)) {
        return elsewhere(now, because);
    }
    Decision decision{same_source(now), Wait::none, because, row.fallback};
    const bool needed_to_resume = row.fallback == Fallback::no_rest || row.fallback == Fallback::no_size;
    if (now.bytes > 0 && needed_to_resume) {
        decision.kind = Decide::restart;
    }
    return decision;
}

/// The wrong file came, as a whole. One mended from several tries may be a mixture, and a cache may have sent an old
/// one: once more from the first byte. A second wrong file means that the promised digest or size is wrong.
Decision misfit(const Situation& now, errors::Id because) {
    if (now.misfits > 1) {
        return {Decide::give_up, Wait::none, because};
    }
    if (now.other_source) {
        return {Decide::next_source, Wait::none, because};
    }
    return {now.pieced || now.by_caches ? Decide::restart : Decide::give_up, Wait::none, because};
}

/// The first word of this source about a part that came from another one, or in another run. To ask for the whole
/// instead is another question; when it comes again it is a failure like any other.
bool part_is_old(const Situation& now) { return now.offset > 0 && now.failures <= 1; }

/// HTTP 416: there is nothing behind the bytes at hand, so they are the file or they are too many.
Decision satisfied(const Situation& now, errors::Id because) {
    const bool complete = now.total && *now.total == now.bytes && (!now.wanted || *now.wanted == now.bytes);
    const bool other_question = complete || part_is_old(now);
    return {complete ? Decide::accept : Decide::restart, other_question ? Wait::none : Wait::backoff, because};
}

/// The bytes at hand are of no use.
Decision afresh(const Situation& now, errors::Id because) {
    if (part_is_old(now) && now.reply != errors::agent(AgentCode::bad_range)) {
        return {Decide::restart, Wait::none, because};
    }
    // Asked for the whole file and still got another part: this server will not do better.
    if (now.reply == errors::agent(AgentCode::bad_range) && now.bytes == 0) {
        return elsewhere(now, because);
    }
    return {now.bytes == 0 ? Decide::retry : Decide::restart, Wait::backoff, because};
}

Decision judge(const Situation& now, const Row& row) {
    const errors::Id because = row.because ? errors::agent(*row.because) : now.reply;
    switch (row.rule) {
        case Rule::go_on: return {Decide::accept, Wait::none, because};
        case Rule::again: return again(now, because);
        case Rule::afresh: return afresh(now, because);
        case Rule::without: return without(now, row, because);
        case Rule::elsewhere: return elsewhere(now, because);
        case Rule::misfit: return misfit(now, because);
        case Rule::satisfied: return satisfied(now, because);
        case Rule::stop: return {Decide::give_up, Wait::none, because};
    }
    return {Decide::give_up, Wait::none, because};
}

/// A 206 is taken only when it begins exactly where the bytes at hand end and reaches as far as was asked for.
RangeVerdict judge_part(const ReplyHead& head, const AskedRange& asked, std::string_view validator,
                        std::optional<std::uint64_t> total) {
    const bool unasked = asked.from == 0 && !asked.until;
    if (head.range_broken || unasked || head.start != asked.from) {
        return RangeVerdict::broken;
    }
    if (!validator.empty() && !head.validator.empty() && validator != head.validator) {
        return RangeVerdict::changed;
    }
    if (total && head.total && *total != *head.total) {
        return RangeVerdict::changed;
    }
    const auto size = asked.until ? asked.until : (head.total ? head.total : total);
    return size && head.end && *head.end == *size ? RangeVerdict::fits : RangeVerdict::broken;
}

/// HTTP successes whose body is the file: 200, 203 (the same by way of a proxy) and 206. Others speak about something
/// else, and 204 would pass for an empty file.
bool brings_file(const ReplyHead& head) {
    return head.protocol != Protocol::http || head.number == 200 || head.number == 203 || head.number == 206;
}

}  // namespace

Decision decide(const Situation& situation) {
    const Decision decision = judge(situation, choose(situation.reply, situation.stage));
    // Another source or another way to ask is no repetition: only those with a wait are counted.
    if (decision.wait != Wait::backoff || situation.failures < situation.attempts) {
        return decision;
    }
    if (situation.other_source) {  // a source that is down costs the others none of their tries
        return {Decide::next_source, Wait::backoff, decision.because};
    }
    return {Decide::give_up, Wait::none, errors::agent(AgentCode::attempts_exhausted)};
}

bool is_misfit(errors::Id reply) {
    return reply == errors::agent(AgentCode::digest_mismatch) || reply == errors::agent(AgentCode::size_mismatch) ||
           reply == errors::agent(AgentCode::limit_exceeded);
}

bool is_doubtful(errors::Id reply) {
    return is_misfit(reply) || reply == errors::agent(AgentCode::changed_on_server) ||
           reply == errors::agent(AgentCode::bad_range) || reply == errors::http(412) || reply == errors::http(416);
}

void leave_out(FtpHints& hints, Fallback fallback) {
    switch (fallback) {
        case Fallback::none: return;
        case Fallback::no_epsv: hints.epsv = false; return;
        case Fallback::no_size: hints.size = false; return;
        case Fallback::no_mdtm: hints.mdtm = false; return;
        case Fallback::no_rest: hints.rest = false; return;
    }
}

RangeVerdict judge_range(const ReplyHead& head, const AskedRange& asked, std::string_view validator,
                         std::optional<std::uint64_t> total) {
    if (!brings_file(head)) {
        return RangeVerdict::no_file;
    }
    if (head.protocol == Protocol::http && head.number == 206) {
        return judge_part(head, asked, validator, total);
    }
    if (asked.from == 0) {
        return RangeVerdict::fits;
    }
    if (head.start != asked.from) {
        return RangeVerdict::afresh;
    }
    const bool other_file =
        (!validator.empty() && validator != head.validator) || (total && head.total && *total != *head.total);
    return other_file ? RangeVerdict::changed : RangeVerdict::fits;
}

std::string_view to_string(Decide kind) {
    switch (kind) {
        case Decide::accept: return "accept";
        case Decide::resume: return "resume";
        case Decide::restart: return "restart";
        case Decide::retry: return "retry";
        case Decide::next_source: return "next_source";
        case Decide::give_up: return "give_up";
    }
    return "";
}

}  // namespace hagent::transfer
