// SPDX-License-Identifier: Apache-2.0
// Owns the promises of the error catalogue: texts, look-up by any name, and numbers that never change.
#include "agent/errors/catalogue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <tuple>
#include <vector>

using namespace hagent::errors;

namespace {

// "xdsa 75 SW_DSA_OVER_LIMIT" for every meaning, in the order explain gives them.
std::vector<std::string> meanings(std::string_view query) {
    std::vector<std::string> found;
    for (const Row* row : explain(query))
        found.push_back(id_text(row->id) + " " + std::string(row->name));
    return found;
}

using Meanings = std::vector<std::string>;

void check_sentence(std::string_view text) {
    CAPTURE(text);
    CHECK(text.size() <= 160);
    CHECK(text.size() >= 5);
    CHECK(text.ends_with('.'));
    CHECK(std::isupper(static_cast<unsigned char>(text.front())) != 0);
    CHECK(text.find("  ") == std::string_view::npos);
    CHECK(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }));
}

}  // namespace

TEST_CASE("every row has a cause and a next step that are one short sentence each") {
    REQUIRE(rows().size() > 400);
    for (const Row& row : rows()) {
        CAPTURE(row.name);
        check_sentence(row.cause.text());
        check_sentence(row.next.text());
        CHECK(row.cause != row.next);
    }
}

TEST_CASE("a row has the sentences that its line in the tables has") {
    struct Line {
        Id id;
        std::string_view group, cause, next;
    };
    constexpr Line k_lines[] = {
#define HAGENT_FTP_ROW(number, label, severity, retry, cause, next) {ftp(number), "reply", cause, next},
#include "agent/errors/ftp.def"
#undef HAGENT_FTP_ROW
#define HAGENT_HTTP_ROW(number, label, severity, retry, cause, next) {http(number), "status", cause, next},
#include "agent/errors/http.def"
#undef HAGENT_HTTP_ROW
#define HAGENT_WINSOCK_ROW(number, name, label, severity, retry, cause, next, alias) \
    {winsock(Winsock::name), "socket", cause, next},
#include "agent/errors/winsock.def"
#undef HAGENT_WINSOCK_ROW
#define HAGENT_RESOLVER_ROW(number, name, label, severity, retry, cause, next, alias) \
    {resolver(Resolver::name), "resolver", cause, next},
#include "agent/errors/resolver.def"
#undef HAGENT_RESOLVER_ROW
#define HAGENT_WININET_ROW(number, label, severity, retry, cause, next, alias) \
    {wininet(number), "internet", cause, next},
#include "agent/errors/wininet.def"
#undef HAGENT_WININET_ROW
#define HAGENT_XDSA_RESULT(number, name, label, severity, retry, cause, next, alias) \
    {xdsa(Xdsa::name), "result code", cause, next},
#define HAGENT_XDSA_VALUE(list, number, label, severity, retry, cause, next) \
    {Id{Protocol::xdsa, number}, list, cause, next},
#include "agent/errors/xdsa.def"
#undef HAGENT_XDSA_VALUE
#undef HAGENT_XDSA_RESULT
#define HAGENT_AGENT_ROW(number, name, severity, retry, cause, next, alias) {agent(AgentCode::name), "", cause, next},
#include "agent/errors/agent.def"
#undef HAGENT_AGENT_ROW
    };
    REQUIRE(rows().size() == std::size(k_lines));
    for (std::size_t i = 0; i < std::size(k_lines); ++i) {
        const Row& row = rows()[i];
        CAPTURE(row.name);
        CHECK(row.id == k_lines[i].id);
        if (!k_lines[i].group.empty()) CHECK(row.group == k_lines[i].group);
        CHECK(row.cause.text() == k_lines[i].cause);
        CHECK(row.next.text() == k_lines[i].next);
    }
}

TEST_CASE("no two codes of one list are explained by the same cause") {
    std::set<std::tuple<Protocol, std::string_view, std::string>> causes;
    for (const Row& row : rows()) {
        CAPTURE(row.name);
        CHECK(causes.emplace(row.id.protocol, row.group.view(), row.cause.text()).second);
    }
}

TEST_CASE("the examples of the specification are explained") {
    CHECK(meanings("550") == Meanings{"ftp-550 FTP_FILE_UNAVAILABLE"});
    CHECK(meanings("10061") == Meanings{"winsock-10061 WSAECONNREFUSED"});
    CHECK(meanings("WSAECONNREFUSED") == Meanings{"winsock-10061 WSAECONNREFUSED"});
    CHECK(meanings("SW_DSA_OVER_LIMIT") == Meanings{"xdsa-75 SW_DSA_OVER_LIMIT"});
    CHECK(meanings("503") == Meanings{"ftp-503 FTP_BAD_SEQUENCE", "http-503 HTTP_SERVICE_UNAVAILABLE"});
    CHECK(meanings("75") == Meanings{"xdsa-75 SW_DSA_OVER_LIMIT"});
    CHECK(meanings("39") == Meanings{"xdsa-39 SW_SOC_INCORRECT_MEDIA_TYPE"});
    CHECK(meanings("41") == Meanings{"xdsa-41 SW_SOC_INCORRECT_TYPE"});
}

TEST_CASE("a number with several meanings lists them all") {
    CHECK(meanings("18") == Meanings{"xdsa-18 SW_SOURCE_PHASE"});
    CHECK(meanings("9") ==
          Meanings{"xdsa-9 SW_DVERIFY_TASK", "xdsa-9 SW_REINSTALLED_STATE", "xdsa-9 SW_ANALYZING_SOFTWARE_PHASE"});
    CHECK(explain("4").size() == 6);  // result code, task, both software states, phase, status
    CHECK(explain("0004").size() == 6);
}

TEST_CASE("the spelling that the seed uses twice finds both codes") {
    CHECK(meanings("SW_SOC_INCORRECT_MEDIA_TYPE") ==
          Meanings{"xdsa-39 SW_SOC_INCORRECT_MEDIA_TYPE", "xdsa-41 SW_SOC_INCORRECT_TYPE"});
}

TEST_CASE("a state that analysis and execution number differently shows both") {
    CHECK(meanings("SW_NOT_YET_STATE") == Meanings{"xdsa-8 SW_NOT_YET_STATE", "xdsa-0 SW_NOT_YET_STATE"});
}

TEST_CASE("names are found in any letter case, without prefix, by errno and by resolver name") {
    CHECK(meanings("wsaeconnrefused") == Meanings{"winsock-10061 WSAECONNREFUSED"});
    CHECK(meanings("ECONNREFUSED") == Meanings{"winsock-10061 WSAECONNREFUSED"});
    CHECK(meanings("EAGAIN") == Meanings{"winsock-10035 WSAEWOULDBLOCK"});
    CHECK(meanings("EAI_NONAME") == Meanings{"resolver-11001 WSAHOST_NOT_FOUND"});
    CHECK(meanings("EAI_ADDRFAMILY") == Meanings{"resolver-11004 WSANO_DATA"});
    CHECK(meanings("TRY_AGAIN") == Meanings{"resolver-11002 WSATRY_AGAIN"});
    CHECK(meanings("dsa_over_limit") == Meanings{"xdsa-75 SW_DSA_OVER_LIMIT"});
    CHECK(meanings("service unavailable") == Meanings{"http-503 HTTP_SERVICE_UNAVAILABLE"});
    CHECK(meanings("digest-mismatch") == Meanings{"agent-1301 digest_mismatch"});
    CHECK(meanings("ENOSPC") == Meanings{"agent-1205 disk_full"});
    CHECK(meanings("EDQUOT") == Meanings{"winsock-10069 WSAEDQUOT", "agent-1206 quota_exceeded"});
    CHECK(meanings("access_denied") == Meanings{"xdsa-4 SW_ACCESS_DENIED", "agent-1806 access_denied"});
    CHECK(meanings("ERROR_INTERNET_TIMEOUT") == Meanings{"wininet-12002 ERROR_INTERNET_TIMEOUT"});
}

TEST_CASE("a qualified number means one protocol only") {
    for (const char* query : {"ftp 503", "ftp-503", "FTP:503", "ftp503", " ftps  503 "}) {
        CAPTURE(query);
        CHECK(meanings(query) == Meanings{"ftp-503 FTP_BAD_SEQUENCE"});
    }
    CHECK(meanings("http-503") == Meanings{"http-503 HTTP_SERVICE_UNAVAILABLE"});
    CHECK(meanings("agent-1301") == Meanings{"agent-1301 digest_mismatch"});
    CHECK(meanings("xdsa-5").size() == 5);  // every list of that protocol that has the number
}

TEST_CASE("every permanent id and every name finds its own row") {
    for (const Row& row : rows()) {
        CAPTURE(row.name);
        const auto by_id = explain(id_text(row.id));
        const auto by_name = explain(row.name);
        const auto by_number = explain(std::to_string(row.id.number));
        CHECK(std::ranges::find(by_id, &row) != by_id.end());
        CHECK(std::ranges::find(by_name, &row) != by_name.end());
        CHECK(std::ranges::find(by_number, &row) != by_number.end());
        CHECK(parse_id(id_text(row.id)) == row.id);
    }
}

TEST_CASE("what is not in the catalogue finds nothing") {
    for (const char* query : {"", " ", "599", "65536", "99999999999999999999", "-550", "+550", "550x", "0x226", "ftp",
                              "ftp-", "ftp-550x", "smtp-550", "WSA", "SW_", "HTTP_"}) {
        CAPTURE(query);
        CHECK(explain(query).empty());
    }
    CHECK_FALSE(parse_id("550").has_value());
    CHECK_FALSE(parse_id("gopher-550").has_value());
    CHECK_FALSE(parse_id("ftp-70000").has_value());
}

TEST_CASE("find gives the reply or result code, never a member of another XDSA list") {
    REQUIRE(find(ftp(550)) != nullptr);
    CHECK(find(ftp(550))->name == "FTP_FILE_UNAVAILABLE");
    REQUIRE(find(xdsa(Xdsa::access_denied)) != nullptr);
    CHECK(find(xdsa(Xdsa::access_denied))->name == "SW_ACCESS_DENIED");
    CHECK(find(Id{Protocol::xdsa, 0}) == nullptr);
    CHECK(find(Id{Protocol::xdsa, 9}) == nullptr);
    CHECK(find(ftp(10061)) == nullptr);
    CHECK(find(http(599)) == nullptr);
    CHECK(find(winsock(Winsock::econnrefused))->retry == Retry::transient);
    CHECK(find(agent(AgentCode::digest_mismatch))->retry == Retry::permanent);
    for (const Row& row : rows()) {
        const bool direct = row.id.protocol != Protocol::xdsa || row.group == "result code";
        if (direct) CHECK(find(row.id) == &row);
    }
}

TEST_CASE("an unlisted reply is explained by its digits and keeps its number") {
    CHECK(describe(ftp(550)).name == "FTP_FILE_UNAVAILABLE");
    const Row busy = describe(ftp(459));
    CHECK(busy.id == ftp(459));
    CHECK(busy.name == "FTP_4YZ");
    CHECK(busy.retry == Retry::transient);
    CHECK(busy.next.text().starts_with("It is about files"));
    CHECK(describe(ftp(539)).next.text().starts_with("It is about the login"));
    CHECK(describe(ftp(599)).retry == Retry::permanent);
    CHECK(describe(ftp(299)).severity == Severity::note);
    CHECK(describe(http(499)).name == "HTTP_4XX");
    CHECK(describe(http(599)).id == http(599));
    CHECK(describe(ftp(777)).name == "UNLISTED");
    CHECK(describe(http(42)).name == "UNLISTED");
    CHECK(describe(winsock(10099)).name == "UNLISTED");
    CHECK(describe(Id{Protocol::xdsa, 9}).name == "UNLISTED");
}

TEST_CASE("every number of every protocol gets a text") {
    for (const auto protocol : {Protocol::ftp, Protocol::http, Protocol::winsock, Protocol::resolver, Protocol::wininet,
                                Protocol::xdsa, Protocol::agent}) {
        for (unsigned number = 0; number < 1000; ++number) {
            const Id id{protocol, static_cast<std::uint16_t>(number)};
            const Row row = describe(id);
            REQUIRE(row.id == id);
            REQUIRE_FALSE(row.name.view().empty());
            REQUIRE_FALSE(row.group.view().empty());
            REQUIRE(row.cause.text().ends_with('.'));
            REQUIRE(row.next.text().ends_with('.'));
        }
    }
}

TEST_CASE("FTP: 4yz is transient, 5yz permanent, all else is no failure but the two that ask for what we do not have") {
    for (unsigned number = 100; number < 700; ++number) {
        const Row row = describe(ftp(static_cast<std::uint16_t>(number)));
        CAPTURE(number);
        const bool unmet = number == 332 || number == 336;
        CHECK((row.severity == Severity::error) == (number / 100 == 4 || number / 100 == 5 || unmet));
        if (row.severity == Severity::error) CHECK((row.retry == Retry::transient) == (number / 100 == 4));
    }
}

TEST_CASE("HTTP: exactly seven statuses are worth another try") {
    const std::set<unsigned> transient{408, 425, 429, 500, 502, 503, 504};
    for (unsigned number = 100; number < 600; ++number) {
        const Row row = describe(http(static_cast<std::uint16_t>(number)));
        CAPTURE(number);
        CHECK((row.retry == Retry::transient) == transient.contains(number));
        if (number < 300) CHECK(row.severity == Severity::note);
        if (number >= 400) CHECK(row.severity == Severity::error);
    }
}

TEST_CASE("all statuses of the IANA registry have a row") {
    constexpr struct {
        unsigned first, last;
    } k_ranges[] = {{100, 104}, {200, 208}, {226, 226}, {300, 308}, {400, 418}, {421, 426},
                    {428, 429}, {431, 431}, {451, 451}, {500, 508}, {510, 511}};
    for (const auto& range : k_ranges) {
        for (unsigned number = range.first; number <= range.last; ++number) {
            CAPTURE(number);
            CHECK(find(http(static_cast<std::uint16_t>(number))) != nullptr);
        }
    }
}

TEST_CASE("the gaps of the seed's lists are filled") {
    for (const unsigned reply :
         {229U, 232U, 234U, 334U, 335U, 336U, 431U, 522U, 533U, 534U, 535U, 536U, 537U, 631U, 632U, 633U}) {
        CAPTURE(reply);
        CHECK(find(ftp(static_cast<std::uint16_t>(reply))) != nullptr);
    }
    for (const unsigned number : {10059U, 10062U, 10063U, 10066U, 10068U, 10069U, 10070U, 10071U, 10102U, 10103U,
                                  10104U, 10105U, 10106U, 10107U, 10108U, 10109U, 10110U, 10111U, 10112U}) {
        CAPTURE(number);
        CHECK(find(winsock(static_cast<std::uint16_t>(number))) != nullptr);
    }
    for (const unsigned number : {12003U, 12007U, 12029U, 12030U, 12031U, 12152U}) {
        CAPTURE(number);
        CHECK(find(wininet(static_cast<std::uint16_t>(number))) != nullptr);
    }
}

TEST_CASE("agent codes that were given out keep number and name") {
    constexpr struct {
        AgentCode code;
        unsigned number;
        std::string_view label;
    } k_given[] = {
#define PERMANENT_ROW(value, code) {AgentCode::code, value, #code},
#include "permanent_numbers.def"
#undef PERMANENT_ROW
    };
    for (const auto& given : k_given) {
        CAPTURE(given.label);
        const Row* row = find(agent(given.code));
        REQUIRE(row != nullptr);
        CHECK(row->id.number == given.number);
        CHECK(row->name == given.label);
    }
}

TEST_CASE("words for protocol, severity and retry are those of the JSON interface") {
    CHECK(to_string(Protocol::ftp) == "ftp");
    CHECK(to_string(Protocol::http) == "http");
    CHECK(to_string(Protocol::winsock) == "winsock");
    CHECK(to_string(Protocol::resolver) == "resolver");
    CHECK(to_string(Protocol::wininet) == "wininet");
    CHECK(to_string(Protocol::xdsa) == "xdsa");
    CHECK(to_string(Protocol::agent) == "agent");
    CHECK(to_string(Severity::note) == "note");
    CHECK(to_string(Severity::warning) == "warning");
    CHECK(to_string(Severity::error) == "error");
    CHECK(to_string(Severity::suspend) == "suspend");
    CHECK(to_string(Retry::transient) == "transient");
    CHECK(to_string(Retry::permanent) == "permanent");
}
