// SPDX-License-Identifier: Apache-2.0
// Owns the other rigs against HTTP downloads: truncation everywhere, errors in a rhythm or behind an offset, slow
// servers, redirects, proxies that lose the login, heads and framings that are broken on purpose.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>

#include "agent/base/limits.h"
#include "tests/contract/transfer/download_rig.h"

using namespace hagent;
using namespace hagent::servers;
using namespace hagent::transfer;
using errors::AgentCode;

namespace {

constexpr std::size_t k_bytes = 200001;

std::string head_of(const std::string& status, const std::string& fields) {
    return "HTTP/1.1 " + status + "\r\n" + fields;
}
std::string length_field(std::size_t bytes) { return "Content-Length: " + std::to_string(bytes) + "\r\n"; }

/// Every answer is `text`, byte for byte, and then the connection ends.
struct RawServer {
    explicit RawServer(std::string text_in) : text(std::move(text_in)) {}
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server.port()) + "/f"; }

    std::string text;
    LoopbackServer server{[this](Connection& peer) {
        for (auto line = peer.line(); line && !line->empty(); line = peer.line()) {
        }
        peer.write(text);
    }};
};

/// Answers that are no HTTP, or not the HTTP that they claim to be. The file is "0123456789".
struct Wire {
    const char* what;
    std::string text;
    Expected known;    // size and digest are known to the user
    Expected unknown;  // neither is
};

// clang-format off
std::vector<Wire> broken_heads() {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    return {
        {"nothing", "", ends(AgentCode::empty_reply), ends(AgentCode::empty_reply)},
        {"half a status line", "HTTP/1.1 2", ends(AgentCode::empty_reply), ends(AgentCode::empty_reply)},
        {"a head that does not end", ok + "A: b\r\n", ends(AgentCode::protocol_garbage), ends(AgentCode::protocol_garbage)},
        {"a status of two digits", "HTTP/1.1 20 OK\r\n\r\n0123456789", ends(AgentCode::protocol_garbage), ends(AgentCode::protocol_garbage)},
        {"a status above all classes", "HTTP/1.1 999 Odd\r\n\r\n0123456789", ends(AgentCode::protocol_garbage), ends(AgentCode::protocol_garbage)},
        {"HTTP/0.9: no head at all", "0123456789", ends(AgentCode::protocol_garbage), ends(AgentCode::protocol_garbage)},
        {"another protocol", "220 ftp ready\r\n", ends(AgentCode::protocol_garbage), ends(AgentCode::protocol_garbage)},
        {"NUL in a field", ok + std::string("A: \0b\r\n", 7) + length_field(10) + "\r\n0123456789", ends(AgentCode::protocol_garbage), ends(AgentCode::protocol_garbage)},
        {"a field of a megabyte", ok + "A: " + std::string(1U << 20U, 'a') + "\r\n" + length_field(10) + "\r\n0123456789", ends(AgentCode::protocol_garbage), ends(AgentCode::protocol_garbage)},
        {"a negative length", ok + "Content-Length: -1\r\n\r\n0123456789", ends(AgentCode::protocol_garbage), ends(AgentCode::protocol_garbage)},
        {"a length beyond all numbers", ok + "Content-Length: 99999999999999999999\r\n\r\n0123456789", ends(AgentCode::protocol_garbage), ends(AgentCode::protocol_garbage)},
        {"two lengths", ok + length_field(10) + length_field(5) + "\r\n0123456789", ends(AgentCode::protocol_garbage), ends(AgentCode::protocol_garbage)},
        {"304 although nothing was at hand", "HTTP/1.1 304 Same\r\n\r\n", ends(errors::http(304)), ends(errors::http(304))},
        {"206 although the whole file was asked for", "HTTP/1.1 206 Part\r\nContent-Range: bytes 2-9/10\r\n" + length_field(8) + "\r\n23456789", ends(AgentCode::bad_range), ends(AgentCode::bad_range)},
        {"206 in many parts", "HTTP/1.1 206 Parts\r\nContent-Type: multipart/byteranges; boundary=x\r\n" + length_field(12) + "\r\n--x\r\n\r\n01234", ends(AgentCode::bad_range), ends(AgentCode::bad_range)},
    };
}

std::vector<Wire> broken_bodies() {
    const std::string ok = "HTTP/1.1 200 OK\r\n", chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
    return {
        {"interim answers before the real one", "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + ok + length_field(10) + "\r\n0123456789", k_arrives, k_arrives},
        {"the end of the connection ends the file", "HTTP/1.0 200 OK\r\n\r\n0123456789", k_arrives, k_arrives},
        {"fewer bytes than announced", ok + length_field(10) + "\r\n01234567", ends(AgentCode::truncated), ends(AgentCode::truncated)},
        {"more bytes than announced", ok + length_field(10) + "\r\n0123456789more", k_arrives, k_arrives},
        {"chunks", chunked + "4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n", k_arrives, k_arrives},
        {"chunks without the last one", chunked + "4\r\n0123\r\n6\r\n456789\r\n", k_arrives, ends(AgentCode::truncated)},
        {"a chunk cut in two", chunked + "4\r\n0123\r\n6\r\n45", ends(AgentCode::truncated), ends(AgentCode::truncated)},
        {"a chunk size that is no number", chunked + "4\r\n0123\r\nxyz\r\n456789\r\n0\r\n\r\n", ends(AgentCode::protocol_garbage), ends(AgentCode::protocol_garbage)},
        {"a chunk size beyond all numbers", chunked + "ffffffffffffffffff\r\n0123456789", ends(AgentCode::protocol_garbage), ends(AgentCode::protocol_garbage)},
        {"a file that is announced too large", ok + length_field(11) + "\r\n0123456789x", ends(AgentCode::size_mismatch), ends(AgentCode::size_mismatch)},
        {"another file of the same size", ok + length_field(10) + "\r\n9876543210", ends(AgentCode::digest_mismatch), ends(AgentCode::digest_mismatch)},
        {"a page that says sorry with 200", ok + length_field(12) + "\r\n<html>sorry!", ends(AgentCode::size_mismatch), ends(AgentCode::size_mismatch)},
    };
}
// clang-format on

void run_wires(const std::vector<Wire>& wires) {
    for (const auto& wire : wires) {
        for (const bool known : {true, false}) {
            const auto& expected = known ? wire.known : wire.unknown;
            const bool only_digest_tells = expected.end == errors::agent(AgentCode::size_mismatch) ||
                                           expected.end == errors::agent(AgentCode::digest_mismatch);
            if (!known && only_digest_tells) {
                continue;  // who knows nothing about a file takes what the server says it is
            }
            INFO(std::string(wire.what));
            CAPTURE(known);
            DownloadRig rig("0123456789");
            rig.options.attempts = 2;
            if (known) {
                rig.know_the_file();
            }
            RawServer server(wire.text);
            check_end(rig, rig.run(server.url()), expected);
        }
    }
}

}  // namespace

TEST_CASE("heads that are broken on purpose end with a clear error") { run_wires(broken_heads()); }
TEST_CASE("bodies that are broken on purpose bring the right bytes or a clear error") { run_wires(broken_bodies()); }

TEST_CASE("interim answers without end are given up") {
    // a thousand at a time, so that their number ends the try and not the stall time, on a slow machine too
    std::string many;
    for (int i = 0; i < 1000; ++i) {
        many += "HTTP/1.1 100 Wait\r\nA: b\r\n\r\n";
    }
    LoopbackServer server([&many](Connection& peer) {
        (void)peer.line();
        while (peer.write(many)) {
        }
    });
    DownloadRig rig("x");
    rig.options.attempts = 1;
    check_end(rig, rig.run("http://127.0.0.1:" + std::to_string(server.port()) + "/f"),
              ends(AgentCode::protocol_garbage));
}

TEST_CASE("truncation after every n bytes: the file arrives as long as each try brings something") {
    for (const std::size_t every :
         {std::size_t{3126}, std::size_t{4096}, std::size_t{16383}, std::size_t{65536}, k_bytes - 1}) {
        CAPTURE(every);
        DownloadRig rig(pattern(k_bytes));
        rig.options.attempts = 2;
        HttpServer server([&](const HttpAsked& asked) {
            auto answer = file_answer(asked, rig.content, "\"e\"");
            answer.cut_after = every;
            return answer;
        });
        check_end(rig, rig.run(server.url("/f")), k_arrives);
        CHECK(server.asked().size() == (k_bytes + every - 1) / every);
    }
}

TEST_CASE("truncation after single bytes is no progress and ends, and what came is kept") {
    DownloadRig rig(pattern(k_bytes));
    HttpServer server([&](const HttpAsked& asked) {
        auto answer = file_answer(asked, rig.content, "\"e\"");
        answer.cut_after = 1;
        return answer;
    });
    check_end(rig, rig.run(server.url("/f")), ends(AgentCode::truncated));
    CHECK(server.asked().size() == rig.options.attempts);
    CHECK(bytes_at_hand(*rig.files, rig.request.directory) == rig.options.attempts);
}

TEST_CASE("the first answer is cut in half, the rest comes by ranges") {
    DownloadRig rig(pattern(k_bytes));
    HttpServer server([&](const HttpAsked& asked) {
        auto answer = file_answer(asked, rig.content, "\"e\"");
        if (!first_asked(asked)) {
            answer.cut_after = k_bytes / 2;
        }
        return answer;
    });
    check_end(rig, rig.run(server.url("/f")), k_arrives);
    CHECK(rig.resumed_at == std::vector<std::uint64_t>{k_bytes / 2});
    CHECK(server.asked().size() == 2);
}

TEST_CASE("errors in a rhythm, errors behind an offset: waited out") {
    struct Rhythm {
        const char* what;
        unsigned every;      // this many requests, one of them fails
        std::size_t offset;  // only requests from here on
        const char* status;
        unsigned times;  // so many failures, then all is well
    };
    for (const Rhythm& rhythm :
         {Rhythm{"every second request", 2, 0, "500 Flaky", 1000},
          Rhythm{"every second request", 2, 0, "503 Busy", 1000},
          Rhythm{"two of the first requests", 1, 0, "502 Gateway", 2},
          Rhythm{"behind an offset", 1, 100000, "500 Late", 2}, Rhythm{"behind an offset", 1, 1, "504 Late", 2},
          Rhythm{"behind an offset", 1, 1, "429 Slower", 2}, Rhythm{"behind an offset", 1, 1, "408 Late", 2},
          Rhythm{"behind an offset", 1, 1, "425 Early", 2}}) {
        INFO(std::string(rhythm.what), " ", std::string(rhythm.status));
        DownloadRig rig(pattern(k_bytes));
        unsigned requests = 0, failed = 0;
        HttpServer server([&](const HttpAsked& asked) {
            if (++requests % rhythm.every == 0 && first_asked(asked).value_or(0) >= rhythm.offset &&
                failed < rhythm.times) {
                ++failed;
                return status_answer(rhythm.status, "Retry-After: 0\r\n", "sorry");
            }
            auto answer = file_answer(asked, rig.content, "\"e\"");
            answer.cut_after = 30000;
            return answer;
        });
        check_end(rig, rig.run(server.url("/f")), k_arrives);
        CHECK(failed >= 2);
    }
}

TEST_CASE("errors that do not end are given up, transient ones after the attempts, others at once") {
    struct Row {
        const char* status;
        std::uint16_t number;
        std::size_t tries;
    };
    for (const Row& row : {Row{"500 X", 500, 4}, Row{"503 X", 503, 4}, Row{"599 X", 599, 4}, Row{"400 X", 400, 1},
                           Row{"401 X", 401, 1}, Row{"403 X", 403, 1}, Row{"404 X", 404, 1}, Row{"410 X", 410, 1},
                           Row{"451 X", 451, 1}, Row{"501 X", 501, 1}, Row{"505 X", 505, 1}}) {
        INFO(std::string(row.status));
        DownloadRig rig(pattern(k_bytes));
        HttpServer server([&](const HttpAsked&) { return status_answer(row.status, "", "<html>"); });
        check_end(rig, rig.run(server.url("/f")), ends(errors::http(row.number)));
        CHECK(server.asked().size() == row.tries);
        CHECK(rig.kept().empty());
    }
}

TEST_CASE("Trap 9: 416 and 412 while resuming: complete, begun again, or given up, as the sizes say") {
    struct Row {
        const char* what;
        std::string answer, fields;
        bool arrives;
    };
    const std::array<Row, 5> rows = {
        {{"the file is shorter now", "416 Range", "Content-Range: bytes */1000\r\n", true},
         {"without a size", "416 Range", "", true},
         {"garbled size", "416 Range", "Content-Range: bytes */x\r\n", true},
         {"the size that we have: we were not done", "416 Range", "Content-Range: bytes */200001\r\n", true},
         {"no longer the same", "412 Changed", "", true}}};
    for (const auto& row : rows) {
        INFO(std::string(row.what));
        DownloadRig rig(pattern(k_bytes));
        unsigned requests = 0;
        HttpServer server([&](const HttpAsked& asked) {
            auto answer =
                first_asked(asked) ? status_answer(row.answer, row.fields) : file_answer(asked, rig.content, "\"e\"");
            if (++requests == 1) {
                answer.cut_after = 100000;
            }
            return answer;
        });
        check_end(rig, rig.run(server.url("/f")), k_arrives);
        CHECK(server.asked().size() == 3);
    }
}

TEST_CASE("a slow server is waited for, one that stops is left and asked again") {
    DownloadRig rig(pattern(20000));
    rig.options.stall_timeout = Seconds(1);
    LoopbackServer server([&](Connection& peer) {
        std::string range;
        for (auto line = peer.line(); line && !line->empty(); line = peer.line()) {
            range = line->starts_with("Range: bytes=") ? line->substr(13) : range;
        }
        const auto first =
            range.empty()
                ? 0
                : narrow<std::size_t>(parse_u64(std::string_view(range).substr(0, range.size() - 1)).value_or(0));
        const auto size = std::to_string(rig.content.size());
        peer.write(head_of(first == 0 ? "200 OK" : "206 Part",
                           length_field(rig.content.size() - first) + "ETag: \"e\"\r\nContent-Range: bytes " +
                               std::to_string(first) + "-19999/" + size + "\r\n\r\n"));
        const auto end = std::min(first + 10000, rig.content.size());
        for (auto at = first; at < end && peer.write(std::string_view(rig.content).substr(at, 500)); at += 500) {
            std::this_thread::sleep_for(
                std::chrono::milliseconds(20));  // the server is slow, the test waits for nothing
        }
        if (end < rig.content.size()) {
            peer.hang();
        }
    });
    check_end(rig, rig.run("http://127.0.0.1:" + std::to_string(server.port()) + "/f"), k_arrives);
    CHECK(rig.resumed_at == std::vector<std::uint64_t>{10000});
    CHECK(rig.attempts.at(0).reply == errors::agent(AgentCode::stalled));
    CHECK(rig.took < std::chrono::seconds(15));
}
