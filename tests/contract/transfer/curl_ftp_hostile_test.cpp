// SPDX-License-Identifier: Apache-2.0
// Owns the tests of libcurl's fetcher over FTP against answers that are garbage, smuggled or endless.
#include <doctest/doctest.h>

#include <algorithm>

#include "agent/transfer/curl_fetcher.h"
#include "agent/transfer/reply_policy.h"
#include "tests/contract/transfer/curl_ftp_get.h"
#include "tests/servers/ftp_server.h"

using namespace hagent;
using namespace hagent::transfer;
using namespace hagent::servers;
using errors::AgentCode;

TEST_CASE("STOR that is answered as done before the data were sent is garbage") {
    FtpServer server;
    server.change([&](auto& script) { script.replies["STOR"] = {"226 Done already"}; });
    const auto fetcher = curl_fetcher(Options());
    StringSink sink(100);
    Exchange exchange;
    exchange.url = server.url("/r.json");
    exchange.method = Method::put;
    exchange.body = "{}";
    const auto reply = fetcher->exchange(exchange, sink, CancelToken());
    REQUIRE(reply->error);
    CHECK(reply->error->is(AgentCode::protocol_garbage));
    CHECK(reply->stage == Stage::stor);
}

TEST_CASE("answers to EPSV and PASV that hold no address are garbage, and after EPSV the old way is tried") {
    for (const std::string answer :
         {"229 Passive", "229 Passive (|||0|)", "229 Passive (|||65536|)", "229 Passive (|||12a|)", "229 (",
          "229 Passive (|||-1|)", "229 Passive (|1|127.0.0.1|99999999999999999999|)", "229 ()()", "229 (||||||)"}) {
        CAPTURE(answer);
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/f"].bytes = "data";
            script.replies["EPSV"] = {answer};
        });
        const auto fetcher = curl_fetcher(Options());
        const auto asked = get(*fetcher, server.url("/f"));
        REQUIRE(asked.reply->error);
        Situation situation;
        situation.reply = asked.reply->error->id;
        situation.stage = asked.reply->stage;
        CHECK(situation.stage == Stage::epsv);
        CHECK(decide(situation).kind == Decide::retry);
        CHECK(decide(situation).fallback == Fallback::no_epsv);
    }
    for (const std::string answer : {"227 Passive", "227 Passive (127,0,0,1,5)", "227 Passive (127,0,0,1,256,1)",
                                     "227 (a,b,c,d,e,f)", "227 ,,,,,", "227 Passive (127,0,0,1,-1,-1)"}) {
        CAPTURE(answer);
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/f"].bytes = "data";
            script.replies["EPSV"] = {"500 What"};
            script.replies["PASV"] = {answer};
        });
        const auto fetcher = curl_fetcher(Options());
        const auto asked = get(*fetcher, server.url("/f"));
        REQUIRE(asked.reply->error);
        CHECK(asked.reply->error->is(AgentCode::protocol_garbage));
    }
}

TEST_CASE("an address in the answer to EPSV is not followed") {
    FtpServer server;
    server.change([&](auto& script) {
        script.files["/f"].bytes = "data";
        script.epsv_prefix = "|1|192.0.2.1|";
    });
    const auto fetcher = curl_fetcher(Options());
    CHECK(get(*fetcher, server.url("/f")).reply->error->is(AgentCode::protocol_garbage));  // not the form of RFC 2428
}

TEST_CASE("telnet bytes, NUL and many lines in a reply change nothing") {
    const std::string iac = "\xff\xfb\x01";
    const std::string nul(1, '\0');
    std::string many;
    for (int i = 0; i < 500; ++i) {
        many += "220-line " + std::to_string(i) + "\r\n";
    }
    for (const auto& greeting : {"220 Hello " + iac + " there", "220-a" + nul + "b\r\n220 c" + nul, many + "220 end",
                                 std::string("220-first\r\n 226 not the end\r\n530-neither\r\n220 end")}) {
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/f"].bytes = "data";
            script.replies[""] = {greeting};
        });
        const auto fetcher = curl_fetcher(Options());
        const auto asked = get(*fetcher, server.url("/f"));
        CHECK_FALSE(asked.reply->error);
        CHECK(asked.bytes == "data");
        CHECK(std::none_of(asked.reply->transcript.begin(), asked.reply->transcript.end(), [&](const auto& line) {
            return line.find(nul) != std::string::npos || line.size() > 1024;
        }));
    }
}

TEST_CASE("a reply of 100 kB ends the try with a clear error, not the program") {
    for (const auto& greeting : {"220 " + std::string(100000, 'x'), std::string(100000, 'x'), std::string(100000, '\0'),
                                 "220-" + std::string(100000, ' ')}) {
        FtpServer server;
        server.change([&](auto& script) {
            script.files["/f"].bytes = "data";
            script.replies[""] = {greeting};
        });
        Options options;
        options.stall_timeout = Seconds(2);
        const auto fetcher = curl_fetcher(options);
        const auto asked = get(*fetcher, server.url("/f"));
        REQUIRE(asked.reply.ok());
        REQUIRE(asked.reply->error);
        CHECK((asked.reply->error->is(AgentCode::protocol_garbage) || asked.reply->error->is(AgentCode::stalled)));
    }
}
