// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the reply policy: the whole tables, then each rule by name.
#include "agent/transfer/reply_policy.h"

#include <doctest/doctest.h>

#include <array>
#include <utility>
#include <vector>

#include "agent/errors/catalogue.h"

using namespace hagent;
using namespace hagent::transfer;
using errors::AgentCode;

namespace {

/// The 39 replies of the seed (appendix C) and the later ones that FTPS and EPSV brought.
constexpr std::array k_ftp_codes = {110, 120, 125, 150, 200, 202, 211, 212, 213, 214, 215, 220, 221, 225, 226, 227,
                                    230, 250, 257, 331, 332, 350, 421, 425, 426, 450, 451, 452, 500, 501, 502, 503,
                                    504, 530, 532, 550, 551, 552, 553, 229, 232, 234, 522, 533, 534, 535, 536, 537};

Situation at(errors::Id reply, Stage stage) {
    Situation situation;
    situation.reply = reply;
    situation.stage = stage;
    return situation;
}

Situation midway(errors::Id reply, Stage stage) {
    auto situation = at(reply, stage);
    situation.bytes = 1000;
    situation.can_resume = true;
    return situation;
}

Decide kind(const Situation& situation) { return decide(situation).kind; }

std::vector<Stage> ftp_stages() {
    std::vector<Stage> stages;
    for (auto i = static_cast<unsigned>(k_first_ftp_stage); i <= static_cast<unsigned>(k_last_ftp_stage); ++i) {
        stages.push_back(static_cast<Stage>(i));
    }
    return stages;
}

}  // namespace

TEST_CASE("every FTP reply has a decision at every stage, and the row that it names exists") {
    for (const auto stage : ftp_stages()) {
        for (unsigned code = 100; code < 600; ++code) {
            CAPTURE(code);
            CAPTURE(to_string(stage));
            const auto decision = decide(midway(errors::ftp(static_cast<std::uint16_t>(code)), stage));
            CHECK_FALSE(to_string(decision.kind).empty());
            CHECK_FALSE(errors::describe(decision.because).cause.text().empty());
            if (code < 400 && code != 332 && code != 120) {
                CHECK(decision.kind == Decide::accept);
            }
            if (code >= 500 && code != 530 && decision.fallback == Fallback::none) {
                CHECK(decision.kind != Decide::resume);
            }
        }
    }
}

TEST_CASE("every FTP reply of the seed has a catalogue row of its own") {
    for (const int code : k_ftp_codes) {
        CAPTURE(code);
        CHECK(errors::find(errors::ftp(static_cast<std::uint16_t>(code))) != nullptr);
    }
}

TEST_CASE("421 reconnects wherever it comes") {
    for (const auto stage : ftp_stages()) {
        if (stage == Stage::pwd || stage == Stage::quit) {
            continue;
        }
        CAPTURE(to_string(stage));
        CHECK(decide(at(errors::ftp(421), stage)) ==
              Decision{Decide::retry, Wait::backoff, errors::ftp(421), Fallback::none});
        CHECK(kind(midway(errors::ftp(421), stage)) == Decide::resume);
    }
    CHECK(kind(at(errors::ftp(421), Stage::pwd)) == Decide::retry);
}

TEST_CASE("transient FTP replies go on from what is at hand after a wait") {
    for (const int code : {425, 426, 450, 451, 452, 499}) {
        CAPTURE(code);
        const auto reply = errors::ftp(static_cast<std::uint16_t>(code));
        CHECK(decide(midway(reply, Stage::done)).wait == Wait::backoff);
        CHECK(kind(midway(reply, Stage::done)) == Decide::resume);
        CHECK(kind(at(reply, Stage::retr)) == Decide::retry);
        auto fixed = midway(reply, Stage::done);
        fixed.can_resume = false;
        CHECK(kind(fixed) == Decide::restart);
    }
}

TEST_CASE("a login is never hammered, whatever other sources there are") {
    for (const auto& row : {std::pair{530, Stage::pass},
                            {530, Stage::user},
                            {530, Stage::retr},
                            {332, Stage::user},
                            {332, Stage::pass},
                            {532, Stage::stor},
                            {430, Stage::pass}}) {
        const auto code = row.first;
        CAPTURE(code);
        auto situation = at(errors::ftp(static_cast<std::uint16_t>(code)), row.second);
        situation.other_source = true;
        CHECK(kind(situation) == Decide::give_up);
    }
}

TEST_CASE("permanent FTP replies lead to the next source or to the end") {
    for (const int code : {500, 501, 502, 503, 504, 550, 551, 552, 553, 599}) {
        CAPTURE(code);
        auto situation = at(errors::ftp(static_cast<std::uint16_t>(code)), Stage::retr);
        CHECK(kind(situation) == Decide::give_up);
        situation.other_source = true;
        CHECK(kind(situation) == Decide::next_source);
        CHECK(decide(situation).wait == Wait::none);
    }
}

TEST_CASE("commands that a server does not know are left out once") {
    const std::array<std::pair<Stage, Fallback>, 4> rows = {{{Stage::epsv, Fallback::no_epsv},
                                                             {Stage::size, Fallback::no_size},
                                                             {Stage::mdtm, Fallback::no_mdtm},
                                                             {Stage::rest, Fallback::no_rest}}};
    for (const auto& row : rows) {
        const auto stage = row.first;
        const auto fallback = row.second;
        CAPTURE(to_string(stage));
        auto situation = at(errors::ftp(502), stage);
        situation.failures = situation.attempts;  // another way to ask is no repetition
        auto decision = decide(situation);
        CHECK(decision.kind == Decide::retry);
        CHECK(decision.fallback == fallback);
        CHECK(decision.wait == Wait::none);
        leave_out(situation.hints, fallback);
        decision = decide(situation);
        CHECK(decision.kind == Decide::give_up);
        CHECK(decision.fallback == Fallback::none);
    }
    CHECK(kind(midway(errors::ftp(502), Stage::rest)) == Decide::restart);
    CHECK(kind(midway(errors::ftp(502), Stage::mdtm)) == Decide::resume);
}

TEST_CASE("a server without TLS is not used in clear") {
    CHECK(decide(at(errors::ftp(502), Stage::auth)).because == errors::agent(AgentCode::tls_required));
    CHECK(kind(at(errors::ftp(534), Stage::auth)) == Decide::give_up);
    auto elsewhere = at(errors::ftp(530), Stage::auth);  // vsftpd without TLS
    elsewhere.other_source = true;
    CHECK(kind(elsewhere) == Decide::next_source);
    CHECK(decide(elsewhere).because == errors::agent(AgentCode::tls_required));
}

TEST_CASE("every HTTP status has a decision") {
    for (unsigned code = 0; code < 1000; ++code) {
        CAPTURE(code);
        CHECK_FALSE(
            errors::describe(decide(midway(errors::http(static_cast<std::uint16_t>(code)), Stage::http_body)).because)
                .cause.text()
                .empty());
    }
}

TEST_CASE("transient HTTP statuses go on after a wait, permanent ones elsewhere") {
    for (const int code : {408, 425, 429, 500, 502, 503, 504, 520}) {
        CAPTURE(code);
        const auto reply = errors::http(static_cast<std::uint16_t>(code));
        CHECK(kind(at(reply, Stage::http_body)) == Decide::retry);
        CHECK(kind(midway(reply, Stage::http_body)) == Decide::resume);
        CHECK(decide(at(reply, Stage::http_body)).wait == Wait::backoff);
    }
    for (const int code : {304, 400, 401, 403, 404, 405, 410, 451, 501, 505, 511}) {
        CAPTURE(code);
        auto situation = midway(errors::http(static_cast<std::uint16_t>(code)), Stage::http_body);
        CHECK(kind(situation) == Decide::give_up);
        situation.other_source = true;
        CHECK(kind(situation) == Decide::next_source);
    }
    for (const int code : {200, 201, 204, 206, 302}) {
        CAPTURE(code);
        CHECK(kind(at(errors::http(static_cast<std::uint16_t>(code)), Stage::http_body)) == Decide::accept);
    }
}

TEST_CASE("Trap 9: 416 means complete only when the sizes agree") {
    auto situation = midway(errors::http(416), Stage::http_body);
    CHECK(kind(situation) == Decide::restart);
    situation.total = 1000;
    CHECK(kind(situation) == Decide::accept);
    situation.wanted = 1000;
    CHECK(kind(situation) == Decide::accept);
    situation.wanted = 2000;
    CHECK(kind(situation) == Decide::restart);
    situation.wanted.reset();
    situation.total = 900;
    CHECK(kind(situation) == Decide::restart);
}

TEST_CASE("412 begins the file anew") { CHECK(kind(midway(errors::http(412), Stage::http_body)) == Decide::restart); }

TEST_CASE("socket and resolver errors follow their catalogue row") {
    for (const auto& row : errors::rows()) {
        if (row.id.protocol != errors::Protocol::winsock && row.id.protocol != errors::Protocol::resolver) {
            continue;
        }
        CAPTURE(row.name);
        const auto decided = kind(at(row.id, Stage::connect));
        CHECK(decided == (row.retry == errors::Retry::transient ? Decide::retry : Decide::give_up));
    }
    CHECK(kind(midway(errors::winsock(10054), Stage::data)) == Decide::resume);
    CHECK(kind(at(errors::resolver(11001), Stage::resolve)) == Decide::give_up);
    CHECK(kind(at(errors::resolver(11002), Stage::resolve)) == Decide::retry);
}

TEST_CASE("our own rows: what is local stops, what the network did goes on") {
    const auto own = [](AgentCode code) { return kind(midway(errors::agent(code), Stage::data)); };
    for (const auto code : {AgentCode::disk_full, AgentCode::cancelled, AgentCode::io_error, AgentCode::internal}) {
        CHECK(own(code) == Decide::give_up);
    }
    for (const auto code : {AgentCode::truncated, AgentCode::stalled, AgentCode::connect_timeout,
                            AgentCode::empty_reply, AgentCode::timed_out}) {
        CHECK(own(code) == Decide::resume);
    }
    for (const auto code : {AgentCode::changed_on_server, AgentCode::bad_range, AgentCode::partial_file_lost}) {
        CHECK(own(code) == Decide::restart);
    }
    for (const auto code : {AgentCode::tls_handshake, AgentCode::certificate_untrusted, AgentCode::pin_mismatch,
                            AgentCode::redirect_limit, AgentCode::redirect_downgrade, AgentCode::protocol_garbage}) {
        CHECK(own(code) == Decide::give_up);
    }
    CHECK(kind(at(errors::agent(AgentCode::bad_range), Stage::http_body)) == Decide::give_up);
}

TEST_CASE("the wrong file is fetched once more, from elsewhere or when it was put together") {
    auto situation = midway(errors::agent(AgentCode::digest_mismatch), Stage::done);
    situation.misfits = 1;
    CHECK(kind(situation) == Decide::give_up);
    situation.pieced = true;
    CHECK(kind(situation) == Decide::restart);
    situation.other_source = true;
    CHECK(kind(situation) == Decide::next_source);
    situation.misfits = 2;
    CHECK(kind(situation) == Decide::give_up);
}

TEST_CASE("attempts are bounded for what is repeated") {
    auto situation = midway(errors::http(503), Stage::http_body);
    situation.attempts = 3;
    situation.failures = 2;
    CHECK(kind(situation) == Decide::resume);
    situation.failures = 3;
    CHECK(decide(situation).because == errors::agent(AgentCode::attempts_exhausted));
    CHECK(kind(situation) == Decide::give_up);
}

TEST_CASE("patience with one source ends while another waits") {
    auto situation = at(errors::winsock(10061), Stage::connect);
    situation.other_source = true;
    CHECK(kind(situation) == Decide::retry);
    situation.failures = 2;
    CHECK(kind(situation) == Decide::next_source);
    CHECK(decide(situation).wait == Wait::backoff);
}

TEST_CASE("a part must continue exactly what is at hand") {
    ReplyHead part;
    part.number = 206;
    part.start = 100;
    part.end = 1000;
    part.total = 1000;
    part.validator = "\"a\"";
    const auto verdict = [&](const ReplyHead& head) { return judge_range(head, {100}, "\"a\"", 1000); };
    CHECK(verdict(part) == RangeVerdict::fits);
    for (const std::uint64_t start : {0U, 99U, 101U}) {
        auto other = part;
        other.start = start;
        CHECK(verdict(other) == RangeVerdict::broken);
    }
    auto other = part;
    other.end = 999;
    CHECK(verdict(other) == RangeVerdict::broken);
    other = part;
    other.range_broken = true;
    CHECK(verdict(other) == RangeVerdict::broken);
    other = part;
    other.total = other.end = 1001;
    CHECK(verdict(other) == RangeVerdict::changed);
    other = part;
    other.validator = "\"b\"";
    CHECK(verdict(other) == RangeVerdict::changed);
    other.validator.clear();
    CHECK(verdict(other) == RangeVerdict::fits);
    other = part;
    other.total.reset();
    CHECK(verdict(other) == RangeVerdict::fits);
    CHECK(judge_range(other, {100}, "", std::nullopt) == RangeVerdict::broken);
    CHECK(judge_range(part, {0}, "", std::nullopt) == RangeVerdict::broken);
    // with an end: that one and no other, also from the first byte on
    CHECK(judge_range(part, {100, *part.end}, "", std::nullopt) == RangeVerdict::fits);
    CHECK(judge_range(part, {100, *part.end - 1}, "", std::nullopt) == RangeVerdict::broken);
    CHECK(judge_range(part, {100, *part.end + 1}, "", std::nullopt) == RangeVerdict::broken);
    ReplyHead front = part;
    front.start = 0;
    CHECK(judge_range(front, {0, *front.end}, "", std::nullopt) == RangeVerdict::fits);
}

TEST_CASE("a whole file in answer to a range begins afresh") {
    ReplyHead whole;
    whole.number = 200;
    whole.total = 1000;
    CHECK(judge_range(whole, {100}, "\"a\"", 1000) == RangeVerdict::afresh);
    CHECK(judge_range(whole, {0}, "\"a\"", 1000) == RangeVerdict::fits);
}

TEST_CASE("FTP continues only the same size and time") {
    ReplyHead head;
    head.protocol = errors::Protocol::ftp;
    head.number = 150;
    head.start = 100;
    head.total = 1000;
    head.validator = "1000 20260101000000";
    CHECK(judge_range(head, {100}, "1000 20260101000000", 1000) == RangeVerdict::fits);
    CHECK(judge_range(head, {100}, "1000 20250101000000", 1000) == RangeVerdict::changed);
    CHECK(judge_range(head, {100}, "", 999) == RangeVerdict::changed);
    head.start = 0;
    CHECK(judge_range(head, {100}, "1000 20260101000000", 1000) == RangeVerdict::afresh);
}

TEST_CASE("a full server is waited for, then the next source is asked, and it ends") {
    for (const auto stage : {Stage::greeting, Stage::user, Stage::pass}) {
        auto situation = at(errors::agent(AgentCode::server_full), stage);
        CHECK(decide(situation) ==
              Decision{Decide::retry, Wait::backoff, errors::agent(AgentCode::server_full), Fallback::none});
        situation.other_source = true;
        situation.failures = 2;
        CHECK(kind(situation) == Decide::next_source);
        CHECK(decide(situation).wait == Wait::backoff);
        situation.other_source = false;
        situation.failures = situation.attempts;
        CHECK(kind(situation) == Decide::give_up);
    }
}

TEST_CASE("a source that has used its attempts hands over to one that has some left") {
    auto situation = at(errors::winsock(10061), Stage::connect);
    situation.attempts = 1;
    CHECK(kind(situation) == Decide::give_up);
    situation.other_source = true;
    CHECK(kind(situation) == Decide::next_source);
    CHECK(decide(situation).wait == Wait::backoff);  // it may come back
}

TEST_CASE("asking for all of a file that has changed is another question, once") {
    for (const auto& reply : {errors::agent(AgentCode::changed_on_server), errors::http(416), errors::http(412)}) {
        auto situation = midway(reply, Stage::http_body);
        situation.attempts = 1;
        CHECK(kind(situation) == Decide::give_up);  // all of it was asked for already
        situation.offset = situation.bytes;
        CHECK(kind(situation) == Decide::restart);
        CHECK(decide(situation).wait == Wait::none);
        situation.failures = 2;
        CHECK(kind(situation) == Decide::give_up);
    }
}
