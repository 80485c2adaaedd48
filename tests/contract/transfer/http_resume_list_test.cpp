// SPDX-License-Identifier: Apache-2.0
// Owns the list of misbehaving HTTP servers of Mender's http_resumer_test.cpp (names and situations, judged by our
// rules): the right bytes or the right error, never a wrong file, never an endless loop.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "tests/contract/transfer/download_rig.h"

using namespace hagent;
using namespace hagent::servers;
using namespace hagent::transfer;
using errors::AgentCode;

namespace {

constexpr std::size_t k_bytes = 234567;  // no multiple of any block

std::string text_of(std::size_t number) { return std::to_string(number); }

/// Everything from `first` under the Content-Range that is given, announced in full.
HttpAnswer part_of(const std::string& bytes, std::size_t first, const std::string& content_range) {
    const auto part = bytes.substr(std::min(first, bytes.size()));
    return {"HTTP/1.1 206 Partial Content\r\nContent-Length: " + text_of(part.size()) + "\r\nETag: \"e\"\r\n" +
                (content_range.empty() ? "" : "Content-Range: " + content_range + "\r\n"),
            part};
}

std::string honest_range(std::size_t first, std::size_t size) {
    return "bytes " + text_of(first) + "-" + text_of(size - 1) + "/" + text_of(size);
}

/// How the server answers a request for the rest of the file.
using Part = HttpAnswer (*)(const std::string& bytes, std::size_t first);

struct Row {
    const char* reference;  // the name in the reference list
    const char* what;
    Part part;
    Expected when_cut;  // when every answer is cut after a fifth of the file
};

HttpAnswer says(const std::string& bytes, std::size_t first, const std::string& range) {
    return part_of(bytes, first, range);
}

// clang-format off
const std::array<Row, 20> k_rows = {{
    {"BasicDownloadAndResume", "every answer is cut, ranges are honest",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, honest_range(first, bytes.size())); }, k_arrives},
    {"EarlyRangeStart", "the part begins five bytes early",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first - 5, honest_range(first - 5, bytes.size())); }, ends(AgentCode::bad_range)},
    {"LateRangeStart", "the part begins five bytes late",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first + 5, honest_range(first + 5, bytes.size())); }, ends(AgentCode::bad_range)},
    {"BrokenContentLength", "the file is told to be a byte shorter than before",
     [](const std::string& bytes, std::size_t first) { return says(bytes.substr(0, bytes.size() - 1), first, honest_range(first, bytes.size() - 1)); }, ends(AgentCode::changed_on_server)},
    {"MissingContentLength", "the range tells no total",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "bytes " + text_of(first) + "-" + text_of(bytes.size() - 1)); }, k_arrives},
    {"NoPartialContentSupport", "the whole file comes, whatever is asked for",
     [](const std::string& bytes, std::size_t) { return HttpAnswer{"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: " + text_of(bytes.size()) + "\r\n", bytes}; }, ends(AgentCode::truncated)},
    {"EmptyContentRange", "the range says only its unit",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "bytes "); }, ends(AgentCode::bad_range)},
    {"FormattedButInvalidContentRange", "the range is words in place of numbers",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "bytes abc-def/deadbeef"); }, ends(AgentCode::bad_range)},
    {"ImproperlyFormattedContentRange", "the range is one number",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "bytes 5"); }, ends(AgentCode::bad_range)},
    {"MissingBytesContentRange", "the range has no unit",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "5-6/2"); }, ends(AgentCode::bad_range)},
    {"MissingContentRange", "206 without any range",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, ""); }, ends(AgentCode::bad_range)},
    {"TooManyContentRanges", "two ranges in one field",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "bytes 5-6/20 7-8/20"); }, ends(AgentCode::bad_range)},
    {"InvalidContentRange", "a range of three numbers",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "bytes 100-200-300/400"); }, ends(AgentCode::bad_range)},
    {"ChangeContentLength", "another part of another file",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "bytes 10000-20000/30000"); }, ends(AgentCode::bad_range)},
    {"NegativeRange", "the range ends before it begins",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "bytes 20000-10000/" + text_of(bytes.size())); }, ends(AgentCode::bad_range)},
    {"GarbledContentStart", "the first number is a word",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "bytes abc-" + text_of(bytes.size() - 1) + "/" + text_of(bytes.size())); }, ends(AgentCode::bad_range)},
    {"GarbledBytes", "the unit is a word of its own",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "abcde" + honest_range(first, bytes.size()).substr(5)); }, ends(AgentCode::bad_range)},
    {"UnknownContentLength", "the total is an asterisk",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "bytes " + text_of(first) + "-" + text_of(bytes.size() - 1) + "/*"); }, k_arrives},
    {"InvalidEndRange", "the last number holds a letter",
     [](const std::string& bytes, std::size_t first) { return says(bytes, first, "bytes 1000-20o0/" + text_of(bytes.size())); }, ends(AgentCode::bad_range)},
    {"(ours)", "the part ends before the file does",
     [](const std::string& bytes, std::size_t first) { return says(bytes.substr(0, bytes.size() - 9), first, "bytes " + text_of(first) + "-" + text_of(bytes.size() - 10) + "/" + text_of(bytes.size())); }, ends(AgentCode::bad_range)},
}};
// clang-format on

/// What the list holds about servers that go away and come back.
struct Outage {
    const char* reference;
    unsigned times;     // how often it goes away, each time after its share of the file
    unsigned refused;   // tries that meet a closed port before it is back
    unsigned attempts;  // tries in a row without progress that the user allows
    bool returns;       // false: the last outage is for good
    Expected expected;
};

const std::array<Outage, 6> k_outages = {{
    {"ServerDownAndUp", 1, 1, 3, true, k_arrives},
    {"ServerDown", 1, 1, 4, false, ends(errors::winsock(errors::Winsock::econnrefused))},
    {"ServerDownAndUp20TimesSufficientRetries", 20, 2, 4, true, k_arrives},
    {"ServerDownAndUp20TimesInsufficientRetries", 20, 4, 4, true, ends(errors::winsock(errors::Winsock::econnrefused))},
    {"ServerDownAndUp3TimesSufficientRetries", 5, 1, 3, true, k_arrives},
    {"ServerDownAndUp3TimesInsufficientRetries", 5, 3, 3, true, ends(errors::winsock(errors::Winsock::econnrefused))},
}};

/// A server that serves a share of the file and is gone until so many tries were refused.
struct ComingAndGoing {
    ComingAndGoing(DownloadRig& rig_in, const Outage& outage_in) : rig(rig_in), outage(outage_in) {
        start(0);
        url = server->url("/f");
        rig.on_attempted = [this] { tried(); };
    }
    ~ComingAndGoing() { rig.on_attempted = nullptr; }
    ComingAndGoing(const ComingAndGoing&) = delete;
    ComingAndGoing& operator=(const ComingAndGoing&) = delete;

    void start(std::uint16_t port) {
        server = std::make_unique<HttpServer>(
            [this](const HttpAsked& asked) {
                auto answer = file_answer(asked, rig.content, "\"e\"");
                if (downs < outage.times) {
                    answer.cut_after = k_bytes / (outage.times + 1);
                }
                return answer;
            },
            port);
        last_port = server->port();
    }
    void tried() {
        if (server) {
            server.reset();
            ++downs;
            left = outage.refused;
        } else if (--left == 0 && (outage.returns || downs < outage.times)) {
            start(last_port);
        }
    }

    DownloadRig& rig;
    const Outage& outage;
    std::unique_ptr<HttpServer> server;
    std::string url;
    std::uint16_t last_port = 0;
    unsigned downs = 0, left = 0;
};

}  // namespace

TEST_CASE("the reference list is whole: 25 situations, each once") {
    std::set<std::string> names;
    for (const auto& row : k_rows) {
        names.insert(row.reference);
    }
    for (const auto& row : k_outages) {
        names.insert(row.reference);
    }
    names.erase("(ours)");
    CHECK(names.size() == 25);
}

TEST_CASE("a server that lies about parts and cuts every answer: the right bytes or the right error") {
    for (const bool known : {true, false}) {
        for (const auto& row : k_rows) {
            INFO(std::string(row.reference));
            INFO(std::string(row.what));
            CAPTURE(known);
            DownloadRig rig(pattern(k_bytes));
            if (known) {
                rig.know_the_file();
            }
            HttpServer server([&](const HttpAsked& asked) {
                const auto first = first_asked(asked);
                auto answer = first ? row.part(rig.content, *first) : file_answer(asked, rig.content, "\"e\"");
                answer.cut_after = k_bytes / 5;
                return answer;
            });
            const auto done = rig.run(server.url("/f"));
            check_end(rig, done, row.when_cut);
            if (!row.when_cut.end) {
                CHECK(rig.resumed_at.size() >= 5);
            }
        }
    }
}

TEST_CASE("a server that lies about parts but sends the whole file well: it is fetched whole") {
    for (const bool known : {true, false}) {
        for (const auto& row : k_rows) {
            INFO(std::string(row.reference));
            INFO(std::string(row.what));
            CAPTURE(known);
            DownloadRig rig(pattern(k_bytes));
            if (known) {
                rig.know_the_file();
            }
            unsigned count = 0;
            HttpServer server([&](const HttpAsked& asked) {
                const auto first = first_asked(asked);
                auto answer = first ? row.part(rig.content, *first) : file_answer(asked, rig.content, "\"e\"");
                if (++count == 1) {
                    answer.cut_after = k_bytes / 5;
                }
                return answer;
            });
            check_end(rig, rig.run(server.url("/f")), k_arrives);
            CHECK(rig.attempts.size() <= 3);
        }
    }
}

TEST_CASE("servers that go away and come back are waited for as long as the attempts last") {
    for (const auto& outage : k_outages) {
        INFO(std::string(outage.reference));
        DownloadRig rig(pattern(k_bytes));
        rig.know_the_file();
        rig.options.attempts = outage.attempts;
        ComingAndGoing server(rig, outage);
        const auto done = rig.run(server.url);
        check_end(rig, done, outage.expected);
        if (!done.ok()) {  // what came is kept for the next time
            CHECK(bytes_at_hand(*rig.files, rig.request.directory) >= k_bytes / (outage.times + 1));
        }
    }
}

// ---- the single tests of the same file

TEST_CASE("FullResponseNoResume: one answer, one request") {
    DownloadRig rig(pattern(k_bytes));
    HttpServer server([&](const HttpAsked& asked) { return file_answer(asked, rig.content, "\"e\""); });
    check_end(rig, rig.run(server.url("/f")), k_arrives);
    CHECK(server.asked().size() == 1);
}

TEST_CASE("TwoRangesClientReuse: the same fetcher serves the next download without a trace of the last") {
    DownloadRig rig(pattern(k_bytes));
    unsigned count = 0;
    HttpServer server([&](const HttpAsked& asked) {
        auto answer = file_answer(asked, rig.content, "\"e\"");
        if (++count % 2 == 1) {
            answer.cut_after = 123456;
        }
        return answer;
    });
    for (const char* folder : {"/one", "/two"}) {
        rig.request.directory += folder;
        check_end(rig, rig.run(server.url("/f")), k_arrives);
    }
    const auto asked = server.asked();
    REQUIRE(asked.size() == 4);
    CHECK(asked[0].field("range").empty());
    CHECK(asked[1].field("range") == "bytes=123456-");
    CHECK(asked[2].field("range").empty());
    CHECK(asked[3].field("range") == "bytes=123456-");
}

TEST_CASE("SmallIntervalsErrorOnFirstRead: a part that brings nothing is asked for again") {
    DownloadRig rig("abcdefghijklmno");
    unsigned count = 0;
    HttpServer server([&](const HttpAsked& asked) {
        auto answer = file_answer(asked, rig.content, "\"e\"");
        answer.cut_after = ++count == 3 ? 0 : 5;
        return answer;
    });
    check_end(rig, rig.run(server.url("/f")), k_arrives);
    CHECK(count == 4);
    CHECK(rig.resumed_at == std::vector<std::uint64_t>{5, 10});
}

TEST_CASE("OtherStatusThan200: an answer that brings no file is never taken for an empty one") {
    for (const char* status :
         {"201 Made", "202 Later", "204 No Content", "205 Reset", "207 Many", "226 Delta", "299 Odd"}) {
        for (const bool known : {true, false}) {
            INFO(std::string(status));
            CAPTURE(known);
            DownloadRig rig("");
            if (known) {
                rig.content = "something";
                rig.know_the_file();
            }
            HttpServer server([&](const HttpAsked&) { return status_answer(status); });
            check_end(rig, rig.run(server.url("/f")), ends(AgentCode::protocol_garbage));
            CHECK(server.asked().size() == 1);
        }
    }
}

TEST_CASE("ContentLengthZero: an empty file is a file") {
    DownloadRig rig("");
    HttpServer server([&](const HttpAsked& asked) { return file_answer(asked, rig.content, "\"e\""); });
    check_end(rig, rig.run(server.url("/f")), k_arrives);
}

TEST_CASE(
    "UserCancelInHeaderHandler, UserCancelInBodyHandler, UserDestroysReader: a cancel is seen at once and the part "
    "kept") {
    for (const std::size_t sent : {std::size_t{0}, std::size_t{100000}}) {
        CAPTURE(sent);
        DownloadRig rig(pattern(k_bytes));
        HttpServer server([&](const HttpAsked& asked) {
            auto answer = file_answer(asked, rig.content, "\"e\"");
            answer.body = answer.body.substr(0, sent);
            answer.hang = true;
            rig.cancel.request();
            return answer;
        });
        const auto done = rig.run(server.url("/f"));
        REQUIRE_FALSE(done.ok());
        CHECK(done.error().is(AgentCode::cancelled));
        CHECK(rig.took < std::chrono::seconds(1));
    }
}

TEST_CASE("CallerDestroysReaderInTheMiddleOfAWait: a cancel between two tries is seen at once") {
    DownloadRig rig(pattern(k_bytes));
    rig.options.backoff_base = rig.options.backoff_cap = Millis(3600000);
    rig.on_attempted = [&] { rig.cancel.request(); };
    HttpServer server([&](const HttpAsked& asked) {
        auto answer = file_answer(asked, rig.content, "\"e\"");
        answer.cut_after = 100000;
        return answer;
    });
    CHECK(rig.run(server.url("/f")).error().is(AgentCode::cancelled));
    CHECK(server.asked().size() == 1);
    CHECK(bytes_at_hand(*rig.files, rig.request.directory) == 100000);
}
