// SPDX-License-Identifier: Apache-2.0
// Owns the tests of libcurl's fetcher over FTP: each reply at each command, fallbacks, scrubbed transcripts.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "agent/transfer/curl_fetcher.h"
#include "agent/transfer/reply_policy.h"
#include "tests/contract/transfer/curl_ftp_get.h"
#include "tests/servers/ftp_server.h"

using namespace hagent;
using namespace hagent::transfer;
using namespace hagent::servers;
using errors::AgentCode;

namespace {

struct Place {
    const char* command;
    Stage stage;
};
constexpr std::array k_places = {Place{"", Stage::greeting}, Place{"USER", Stage::user}, Place{"PASS", Stage::pass},
                                 Place{"CWD", Stage::cwd},   Place{"TYPE", Stage::type}, Place{"RETR", Stage::retr}};

}  // namespace

TEST_CASE("every refusal is reported with its number and the command it answered") {
    for (const auto& place : k_places) {
        for (const int code : {421, 425, 426, 450, 451, 452, 500, 501, 502, 503, 504, 530, 532, 550, 551, 552, 553}) {
            CAPTURE(place.command);
            CAPTURE(code);
            FtpServer server;
            server.change([&](auto& script) {
                script.files["/d/f"].bytes = "data";
                script.replies[place.command] = {std::to_string(code) + "-because\r\n" + std::to_string(code) +
                                                 " of that"};
                script.for_ever = true;
            });
            const auto fetcher = curl_fetcher(Options());
            const auto asked = get(*fetcher, server.url("/d/f", "bob:x@"));
            REQUIRE(asked.reply.ok());
            REQUIRE(asked.reply->error);
            // before anybody gave a name and a password, neither can be wrong
            const bool full = code == 530 && place.stage == Stage::greeting;
            CHECK(asked.reply->error->id ==
                  (full ? errors::agent(AgentCode::server_full) : errors::ftp(static_cast<std::uint16_t>(code))));
            CHECK(asked.reply->head.number == code);
            CHECK(asked.reply->stage == place.stage);
            CHECK(asked.bytes.empty());
            CHECK(contains(asked.reply->transcript, std::to_string(code) + " of that"));
        }
    }
}

TEST_CASE("a reply at the end of the data counts, whatever was received") {
    for (const int code : {421, 425, 426, 450, 451, 452, 550, 552}) {
        CAPTURE(code);
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/f"].bytes = "data";
            script.after_data = std::to_string(code) + " sorry";
        });
        const auto fetcher = curl_fetcher(Options());
        const auto asked = get(*fetcher, server.url("/f"));
        REQUIRE(asked.reply->error);
        CHECK(asked.reply->error->id == errors::ftp(static_cast<std::uint16_t>(code)));
        CHECK(asked.reply->stage == Stage::done);
        CHECK(asked.bytes == "data");
    }
}

TEST_CASE("a wordy or unusual good end is a good end") {
    for (const std::string end : {"226-Done\r\n226 really", "250 Done", "200 Fine", "226 "}) {
        CAPTURE(end);
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/f"].bytes = "data";
            script.after_data = end;
        });
        const auto fetcher = curl_fetcher(Options());
        const auto asked = get(*fetcher, server.url("/f"));
        REQUIRE(asked.reply.ok());
        CHECK_FALSE(asked.reply->error);
        CHECK(asked.bytes == "data");
    }
}

TEST_CASE("an account that is asked for is not given") {
    for (const char* command : {"USER", "PASS"}) {
        CAPTURE(command);
        FtpServer server;
        server.change([&](auto& script) { script.replies[command] = {"332 Account?"}; });
        const auto fetcher = curl_fetcher(Options());
        const auto asked = get(*fetcher, server.url("/f"));
        CHECK(asked.reply->error->id == errors::ftp(332));
        CHECK_FALSE(contains(server.commands(), "ACCT"));
    }
}

TEST_CASE("replies of the wrong class are garbage, a busy greeting is not") {
    const std::array<std::pair<const char*, const char*>, 5> rows = {
        {{"", "150 What"}, {"USER", "150 What"}, {"PASS", "314 What"}, {"RETR", "314 What"}, {"RETR", "226 Nothing"}}};
    for (const auto& row : rows) {
        const auto* command = row.first;
        const auto* reply = row.second;
        CAPTURE(command);
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/f"].bytes = "data";
            script.replies[command] = {reply};
        });
        const auto fetcher = curl_fetcher(Options());
        const auto asked = get(*fetcher, server.url("/f"));
        REQUIRE(asked.reply->error);
        CHECK(asked.reply->error->is(AgentCode::protocol_garbage));
    }
    FtpServer server;
    server.change([&](auto& script) { script.replies[""] = {"120 In 3 minutes"}; });
    const auto fetcher = curl_fetcher(Options());
    CHECK(get(*fetcher, server.url("/f")).reply->error->id == errors::ftp(120));
}

TEST_CASE("EPSV gives way to PASV, whose foreign address is ignored") {
    for (const char* refusal : {"500 What", "502 No", "522 No such family"}) {
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/f"].bytes = "data";
            script.replies["EPSV"] = {refusal};
            script.pasv_address = "192,0,2,1";
        });
        const auto fetcher = curl_fetcher(Options());
        const auto asked = get(*fetcher, server.url("/f"));
        CHECK_FALSE(asked.reply->error);
        CHECK(asked.bytes == "data");
        CHECK(contains(server.commands(), "PASV"));
    }
}

TEST_CASE("EPSV is not sent when the hint says so") {
    FtpServer server;
    server.change([&](auto& script) { script.files["/f"].bytes = "data"; });
    const auto fetcher = curl_fetcher(Options());
    StringSink sink(100);
    Exchange exchange;
    exchange.url = server.url("/f");
    exchange.ftp = {.epsv = false, .size = false, .mdtm = false, .rest = true};
    REQUIRE(fetcher->exchange(exchange, sink, CancelToken()).ok());
    CHECK(sink.text() == "data");
    for (const char* command : {"EPSV", "SIZE", "MDTM"}) {
        CHECK_FALSE(contains(server.commands(), command));
    }
}

TEST_CASE("servers without SIZE, MDTM or REST are told by the reply that failed") {
    FtpServer server;
    server.change([&](auto& script) {
        script.files["/f"].bytes = "0123456789";
        script.replies["SIZE"] = {"500 What"};
        script.replies["MDTM"] = {"500 What"};
    });
    const auto fetcher = curl_fetcher(Options());
    auto asked = get(*fetcher, server.url("/f"), 4);
    CHECK_FALSE(asked.reply->error);
    CHECK(asked.bytes == "456789");
    CHECK(asked.reply->head.validator.empty());

    server.change([&](auto& script) { script.replies["REST"] = {"502 No"}; });
    asked = get(*fetcher, server.url("/f"), 4);
    CHECK(asked.reply->error->id == errors::ftp(502));
    CHECK(asked.reply->stage == Stage::rest);

    server.change([&](auto& script) { script.replies["SIZE"] = {"550 In ASCII?"}; });
    asked = get(*fetcher, server.url("/f"));
    CHECK_FALSE(asked.reply->error);
    CHECK(asked.bytes == "0123456789");
}

TEST_CASE("when resuming, a passing refusal of SIZE or MDTM ends the try, so that the part at hand is not given up") {
    for (const auto& place : {Place{"SIZE", Stage::size}, Place{"MDTM", Stage::mdtm}}) {
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/f"].bytes = "0123456789";
            script.replies[place.command] = {"450 Busy", "450 Busy"};
        });
        const auto fetcher = curl_fetcher(Options());
        CHECK_FALSE(get(*fetcher, server.url("/f")).reply->error);  // nothing at stake yet
        const auto asked = get(*fetcher, server.url("/f"), 4);
        REQUIRE(asked.reply->error);
        CHECK(asked.reply->error->id == errors::ftp(450));
        CHECK(asked.reply->stage == place.stage);
        CHECK(asked.bytes.empty());
        CHECK(get(*fetcher, server.url("/f"), 4).bytes == "456789");
    }
}

TEST_CASE("only 350 means that the offset counts") {
    for (const std::string answer : {"200 Fine", "150 Soon", "331 Password?", "226 Done"}) {
        CAPTURE(answer);
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/f"].bytes = "0123456789";
            script.replies["REST"] = {answer};
        });
        const auto fetcher = curl_fetcher(Options());
        const auto asked = get(*fetcher, server.url("/f"), 4);
        REQUIRE(asked.reply->error);
        CHECK(asked.bytes.empty());
        Situation situation;
        situation.reply = asked.reply->error->id;
        situation.stage = asked.reply->stage;
        situation.bytes = 4;
        situation.can_resume = true;
        CHECK(decide(situation).kind == Decide::restart);
        CHECK(decide(situation).fallback == Fallback::no_rest);
    }
}

TEST_CASE("when data are cut the server's own reason is heard") {
    for (const int code : {426, 451, 552, 421}) {
        CAPTURE(code);
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/f"].bytes = "0123456789";
            script.cut_after = 4;
            script.after_cut = std::to_string(code) + " Cut.";
        });
        const auto fetcher = curl_fetcher(Options());
        const auto asked = get(*fetcher, server.url("/f"));
        REQUIRE(asked.reply->error);
        CHECK(asked.reply->error->id == errors::ftp(static_cast<std::uint16_t>(code)));
        CHECK(asked.reply->stage == Stage::done);
        CHECK(asked.bytes == "0123");
    }
}

TEST_CASE("the size in the words of the reply to RETR is not believed") {
    for (const char* words : {"150 Here it comes (3 bytes).", "150 Here it comes (99 bytes)."}) {
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/f"].bytes = "0123456789";
            script.replies["SIZE"] = {"500 What"};
            script.before_data = words;
        });
        const auto fetcher = curl_fetcher(Options());
        const auto asked = get(*fetcher, server.url("/f"));
        CHECK_FALSE(asked.reply->error);
        CHECK(asked.bytes == "0123456789");
    }
}

TEST_CASE("a connection that refused TYPE is not asked for the next file, which would come as text") {
    FtpServer server;
    server.change([&](auto& script) {
        script.files["/f"].bytes = "data";
        script.replies["TYPE"] = {"450 Busy"};
    });
    const auto fetcher = curl_fetcher(Options());
    CHECK(get(*fetcher, server.url("/f")).reply->error->id == errors::ftp(450));
    CHECK(get(*fetcher, server.url("/f")).bytes == "data");
    CHECK(server.connections() == 2);
    const auto commands = server.commands();
    CHECK(std::count(commands.begin(), commands.end(), "TYPE I") == 2);
}

TEST_CASE("a file that shrank below what is at hand has changed") {
    FtpServer server;
    server.change([&](auto& script) { script.files["/f"].bytes = "0123"; });
    const auto fetcher = curl_fetcher(Options());
    CHECK(get(*fetcher, server.url("/f"), 9).reply->error->is(AgentCode::changed_on_server));
}

TEST_CASE("a control connection that dies is transient wherever it happens") {
    for (const auto& place : k_places) {
        CAPTURE(place.command);
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/d/f"].bytes = "data";
            script.replies[place.command] = {"close"};
            script.for_ever = true;
        });
        const auto fetcher = curl_fetcher(Options());
        const auto asked = get(*fetcher, server.url("/d/f"));
        REQUIRE(asked.reply.ok());
        REQUIRE(asked.reply->error);
        Situation situation;
        situation.reply = asked.reply->error->id;
        situation.stage = asked.reply->stage;
        CHECK(decide(situation).kind == Decide::retry);
    }
}

TEST_CASE("a server that stops answering is given up after the stall time, or at once when cancelled") {
    FtpServer server;
    server.change([&](auto& script) {
        script.replies["CWD"] = {"hang"};
        script.for_ever = true;
    });
    Options options;
    options.stall_timeout = Seconds(1);
    const auto fetcher = curl_fetcher(options);
    const auto asked = get(*fetcher, server.url("/d/f"));
    CHECK(asked.reply->error->is(AgentCode::stalled));
    CHECK(asked.reply->stage == Stage::cwd);
}

TEST_CASE("a login may take longer than a connection may take") {
    FtpServer server;
    server.change([&](auto& script) {
        script.replies["PASS"] = {"hang"};
        script.for_ever = true;
    });
    Options options;
    options.connect_timeout = Seconds(1);
    options.stall_timeout = Seconds(3);
    const auto fetcher = curl_fetcher(options);
    const auto began = std::chrono::steady_clock::now();
    const auto reply = get(*fetcher, server.url("/d/f")).reply;
    CHECK((reply->error->is(AgentCode::stalled) && reply->stage == Stage::pass));
    CHECK(std::chrono::steady_clock::now() - began > Seconds(2));
}

TEST_CASE("a login does not show in the transcript") {
    FtpServer server;
    server.change([&](auto& script) {
        script.files["/f"].bytes = "data";
        script.replies["USER"] = {"331 Password for robert?"};
    });
    const auto fetcher = curl_fetcher(Options());
    const auto asked = get(*fetcher, server.url("/f", "robert:hunter%202@"));
    CHECK_FALSE(asked.reply->error);
    CHECK(contains(server.commands(), "PASS hunter 2"));
    CHECK(contains(asked.reply->transcript, "> PASS ***"));
    CHECK_FALSE(contains(asked.reply->transcript, "hunter"));
    CHECK_FALSE(contains(asked.reply->transcript, "robert"));
    CHECK(asked.reply->url.find("robert") == std::string::npos);
}

TEST_CASE("a server without TLS is refused before any login") {
    FtpServer server;
    const auto fetcher = curl_fetcher(Options());
    auto url = server.url("/f", "robert:hunter2@");
    url.replace(0, 3, "ftpes");
    const auto asked = get(*fetcher, url);
    REQUIRE(asked.reply->error);
    Situation situation;
    situation.reply = asked.reply->error->id;
    situation.stage = asked.reply->stage;
    CHECK(decide(situation).because == errors::agent(AgentCode::tls_required));
    CHECK_FALSE(contains(server.commands(), "USER"));
}

TEST_CASE("folders are made for what is stored, and a full server says so") {
    FtpServer server;
    server.change([&](auto& script) { script.replies["CWD"] = {"550 No such folder"}; });
    const auto fetcher = curl_fetcher(Options());
    StringSink sink(100);
    Exchange exchange;
    exchange.url = server.url("/reports/r.json");
    exchange.method = Method::put;
    exchange.body = "{}";
    CHECK_FALSE(fetcher->exchange(exchange, sink, CancelToken())->error);
    CHECK(contains(server.commands(), "MKD reports"));
    for (const int code : {452, 552, 553}) {
        server.change([&](auto& script) { script.replies["STOR"] = {std::to_string(code) + " no"}; });
        const auto reply = fetcher->exchange(exchange, sink, CancelToken());
        CHECK(reply->error->id == errors::ftp(static_cast<std::uint16_t>(code)));
        CHECK(reply->stage == Stage::stor);
    }
}

TEST_CASE("connections are kept for the next file") {
    FtpServer server;
    server.change([&](auto& script) { script.files["/f"].bytes = "data"; });
    const auto fetcher = curl_fetcher(Options());
    CHECK(get(*fetcher, server.url("/f")).bytes == "data");
    CHECK(get(*fetcher, server.url("/f")).bytes == "data");
    CHECK(server.connections() == 1);
}

TEST_CASE("an address that names a folder, or smuggles a command, never reaches the server") {
    FtpServer server;
    const auto fetcher = curl_fetcher(Options());
    CHECK(get(*fetcher, server.url("/folder/")).reply.error().is(AgentCode::bad_url));
    CHECK(get(*fetcher, server.url("/a%0D%0ADELE%20b")).reply.error().is(AgentCode::bad_url));
    CHECK(server.connections() == 0);
}
