// SPDX-License-Identifier: Apache-2.0
// Owns the tests of redirects and logins during downloads: chains, circles, resuming behind them, and who gets to see a
// secret.
#include <doctest/doctest.h>

#include <array>

#include "agent/base/limits.h"
#include "tests/contract/transfer/download_rig.h"

using namespace hagent;
using namespace hagent::servers;
using namespace hagent::transfer;
using errors::AgentCode;

namespace {

constexpr std::size_t k_bytes = 200001;

/// "/n" redirects to "/n-1", "/0" is the file.
HttpAnswer chain_answer(const HttpAsked& asked, const std::string& bytes, const std::string& status) {
    const auto left = parse_u64(std::string_view(asked.target).substr(1)).value_or(0);
    return left == 0 ? file_answer(asked, bytes, "\"e\"")
                     : status_answer(status, "Location: /" + std::to_string(left - 1) + "\r\n", "moved");
}

std::string with_login(std::string url, const std::string& login) { return url.insert(7, login + "@"); }

bool anywhere(const DownloadRig& rig, const std::string& secret) {
    for (const auto& line : rig.said) {
        if (line.find(secret) != std::string::npos) {
            return true;
        }
    }
    for (const auto& attempt : rig.attempts) {
        if ((attempt.source + attempt.context).find(secret) != std::string::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace

TEST_CASE("redirect chains are followed to their limit, by every redirecting status") {
    for (const char* status : {"301 A", "302 B", "303 C", "307 D", "308 E"}) {
        for (const std::size_t length :
             {std::size_t{1}, limits::k_redirects, limits::k_redirects + 1, std::size_t{1000}}) {
            INFO(std::string(status));
            CAPTURE(length);
            DownloadRig rig(pattern(k_bytes));
            HttpServer server([&](const HttpAsked& asked) { return chain_answer(asked, rig.content, status); });
            const bool fits = length <= limits::k_redirects;
            check_end(rig, rig.run(server.url("/" + std::to_string(length))),
                      fits ? k_arrives : ends(AgentCode::redirect_limit));
            CHECK(server.asked().size() == (fits ? length : limits::k_redirects) + 1);
        }
    }
}

TEST_CASE("circles and places that are none end at once with what is wrong") {
    struct Row {
        const char* location;
        AgentCode end;
    };
    for (const Row& row :
         {Row{"/f", AgentCode::redirect_limit}, Row{"", AgentCode::protocol_garbage},
          Row{"http://", AgentCode::protocol_garbage}, Row{"http://127.0.0.1:99999/", AgentCode::protocol_garbage},
          Row{"gopher://x/", AgentCode::protocol_garbage}, Row{"file:///etc/passwd", AgentCode::protocol_garbage},
          Row{"ftp://127.0.0.1/f", AgentCode::redirect_downgrade}}) {
        INFO(std::string(row.location));
        DownloadRig rig("x");
        HttpServer server([&](const HttpAsked&) {
            return status_answer("302 There", "Location: " + std::string(row.location) + "\r\n");
        });
        check_end(rig, rig.run(server.url("/f")), ends(row.end));
        CHECK(rig.attempts.size() == 1);
    }
}

TEST_CASE("a download behind a redirect is resumed behind it, also when the place moved meanwhile") {
    DownloadRig rig(pattern(k_bytes));
    unsigned count = 0;
    const auto cut = [&](const HttpAsked& asked) {
        auto answer = file_answer(asked, rig.content, "\"e\"");
        answer.cut_after = 50000;
        return answer;
    };
    HttpServer one(cut), two(cut);
    HttpServer door([&](const HttpAsked&) {
        const auto token = "?token=t" + std::to_string(++count);
        return status_answer("302 There",
                             "Location: " + (count % 2 == 1 ? one : two).url("/mirror/f" + token) + "\r\n");
    });
    check_end(rig, rig.run(door.url("/f")), k_arrives);
    CHECK(rig.resumed_at == std::vector<std::uint64_t>{50000, 100000, 150000, 200000});
    REQUIRE(two.asked().size() == 2);
    CHECK(two.asked().at(0).field("if-range") == "\"e\"");
}

TEST_CASE("mirrors behind a redirect that hold different files are never mixed") {
    DownloadRig rig(pattern(k_bytes));
    unsigned count = 0;
    HttpServer old_one([&](const HttpAsked& asked) {
        auto answer = file_answer(asked, pattern(k_bytes, 7), "\"old\"");
        answer.cut_after = 50000;
        return answer;
    });
    HttpServer new_one([&](const HttpAsked& asked) { return file_answer(asked, rig.content, "\"new\""); });
    HttpServer door([&](const HttpAsked&) {
        return status_answer("302 There", "Location: " + (++count == 1 ? old_one : new_one).url("/f") + "\r\n");
    });
    check_end(rig, rig.run(door.url("/f")), k_arrives);
    CHECK(rig.resumed_at.empty());
}

TEST_CASE("a login stays with its own server when it redirects elsewhere") {
    DownloadRig rig(pattern(1000));
    HttpServer far([&](const HttpAsked& asked) { return file_answer(asked, rig.content, "\"e\""); });
    HttpServer near([&](const HttpAsked& asked) {
        return asked.target == "/f" ? status_answer("302 Here", "Location: /g\r\n")
                                    : status_answer("302 There", "Location: " + far.url("/h") + "\r\n");
    });
    check_end(rig, rig.run(with_login(near.url("/f"), "bob:hunter2")), k_arrives);
    REQUIRE(near.asked().size() == 2);
    CHECK(near.asked().at(0).field("authorization") == "Basic Ym9iOmh1bnRlcjI=");
    CHECK(near.asked().at(1).field("authorization") == "Basic Ym9iOmh1bnRlcjI=");
    CHECK(far.asked().at(0).field("authorization").empty());
    CHECK_FALSE(anywhere(rig, "hunter2"));
}

TEST_CASE("the other server may ask for its own login and has it when the address says so, never the first one") {
    DownloadRig rig(pattern(1000));
    HttpServer far([&](const HttpAsked& asked) {
        return asked.field("authorization") == "Basic YW5uOnh5enp5"
                   ? file_answer(asked, rig.content, "\"e\"")
                   : status_answer("401 Who", "WWW-Authenticate: Basic realm=\"r\"\r\n");
    });
    for (const bool own : {true, false}) {
        CAPTURE(own);
        const auto place = own ? with_login(far.url("/g"), "ann:xyzzy") : far.url("/g");
        HttpServer near([&](const HttpAsked&) { return status_answer("302 There", "Location: " + place + "\r\n"); });
        DownloadRig fresh(rig.content);
        check_end(fresh, fresh.run(with_login(near.url("/f"), "bob:hunter2")),
                  own ? k_arrives : ends(errors::http(401)));
        CHECK_FALSE(anywhere(fresh, "hunter2"));
        CHECK_FALSE(anywhere(fresh, "xyzzy"));
    }
}

TEST_CASE("a proxy that loses the login on the way ends at once, without hammering") {
    DownloadRig rig(pattern(k_bytes));
    HttpServer server([&](const HttpAsked&) {
        return status_answer("401 Who", "WWW-Authenticate: Basic realm=\"r\"\r\n", "<html>login</html>");
    });
    check_end(rig, rig.run(with_login(server.url("/f"), "bob:hunter2")), ends(errors::http(401)));
    CHECK(server.asked().size() == 1);
    CHECK_FALSE(anywhere(rig, "hunter2"));
}
