// SPDX-License-Identifier: Apache-2.0
// Owns the tests of files that change on an HTTP server between two tries: noticed by whatever the server tells, begun
// again, and never a mixture, whether the user knows a digest or not.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "tests/contract/transfer/download_rig.h"

using namespace hagent;
using namespace hagent::servers;
using namespace hagent::transfer;
using errors::AgentCode;

namespace {

constexpr std::size_t k_bytes = 150001, k_cut = 60000;

struct Version {
    std::string bytes;
    std::string fields;  // validators, as the head tells them
};

/// What the server tells about its file, before and after the change.
struct Validators {
    const char* what;
    const char* before;
    const char* after;
    bool resumes;  // the unchanged file is resumed although no digest is known
};

constexpr const char* k_now = "Date: Tue, 06 Oct 2026 10:00:00 GMT\r\n";

// clang-format off
const std::array<Validators, 8> k_validators = {{
    {"a strong ETag", "ETag: \"v1\"\r\n", "ETag: \"v2\"\r\n", true},
    {"an ETag without quotes, as hawkBit sends", "ETag: a94a8fe5\r\n", "ETag: b94a8fe5\r\n", true},
    {"Last-Modified", "Last-Modified: Mon, 05 Oct 2026 10:00:00 GMT\r\n", "Last-Modified: Mon, 05 Oct 2026 10:00:01 GMT\r\n", true},
    {"both", "ETag: \"v1\"\r\nLast-Modified: Mon, 05 Oct 2026 10:00:00 GMT\r\n", "ETag: \"v2\"\r\nLast-Modified: Mon, 05 Oct 2026 10:00:00 GMT\r\n", true},
    {"a weak ETag and Last-Modified", "ETag: W/\"v1\"\r\nLast-Modified: Mon, 05 Oct 2026 10:00:00 GMT\r\n", "ETag: W/\"v1\"\r\nLast-Modified: Mon, 05 Oct 2026 11:00:00 GMT\r\n", true},
    {"a weak ETag alone: it stays the same", "ETag: W/\"v1\"\r\n", "ETag: W/\"v1\"\r\n", false},
    {"Last-Modified of this very second: it stays the same", "Last-Modified: Tue, 06 Oct 2026 10:00:00 GMT\r\n", "Last-Modified: Tue, 06 Oct 2026 10:00:00 GMT\r\n", false},
    {"neither", "", "", false},
}};
// clang-format on

/// What If-Range must be to get a part: the ETag if there is a strong one, or the date.
bool still_fits(const std::string& if_range, const std::string& fields) {
    return if_range.empty() ||
           (!if_range.starts_with("W/") && fields.find(": " + if_range + "\r\n") != std::string::npos);
}

HttpAnswer answer_of(const HttpAsked& asked, const Version& file, bool knows_if_range) {
    const auto size = std::to_string(file.bytes.size());
    const auto first = first_asked(asked);
    if (!first || (knows_if_range && !still_fits(asked.field("if-range"), file.fields))) {
        return {"HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n" + k_now + file.fields, file.bytes};
    }
    if (*first >= file.bytes.size()) {
        return status_answer("416 Behind", "Content-Range: bytes */" + size + "\r\n" + k_now);
    }
    const auto part = file.bytes.substr(*first);
    return {"HTTP/1.1 206 Part\r\nContent-Length: " + std::to_string(part.size()) + "\r\nContent-Range: bytes " +
                std::to_string(*first) + "-" + std::to_string(file.bytes.size() - 1) + "/" + size + "\r\n" + k_now +
                file.fields,
            part};
}

/// The first try is cut; the file changes before the second one, which may be in another process's time.
void change_between_tries(const Validators& validators, std::size_t new_size, bool knows_if_range, bool known,
                          bool restarted) {
    DownloadRig rig(pattern(new_size, 99));
    const Version before{pattern(k_bytes, 1), validators.before}, after{rig.content, validators.after};
    if (known) {
        rig.know_the_file();
        if (new_size != k_bytes) {
            rig.request.bytes.reset();  // else the old file is refused at once by its size
        }
    }
    unsigned count = 0;
    HttpServer server([&](const HttpAsked& asked) {
        auto answer = answer_of(asked, ++count == 1 ? before : after, knows_if_range);
        if (count == 1) {
            answer.cut_after = k_cut;
        }
        return answer;
    });
    if (restarted) {
        rig.options.attempts = 1;
        REQUIRE_FALSE(rig.run(server.url("/f")).ok());
        rig.options.attempts = 4;
    }
    check_end(rig, rig.run(server.url("/f")), k_arrives);
    CHECK(count <= 4);
}

}  // namespace

TEST_CASE("a file that changed between two tries is begun again, by every validator and without any") {
    for (const auto& validators : k_validators) {
        for (const std::size_t size : {k_bytes, k_bytes + 7, k_cut + 5, k_cut, k_cut - 9, std::size_t{1}}) {
            for (const bool restarted : {true, false}) {
                INFO(std::string(validators.what), ", new size ", size, ", restarted ", restarted);
                change_between_tries(validators, size, true, false, restarted);
                change_between_tries(validators, size, true, true, restarted);
            }
        }
    }
}

TEST_CASE("a server that does not know If-Range is seen through by what its part tells") {
    for (const auto& validators : k_validators) {
        for (const std::size_t size : {k_bytes, k_bytes + 7, k_cut - 9}) {
            INFO(std::string(validators.what), ", new size ", size);
            change_between_tries(validators, size, false, false, false);
            change_between_tries(validators, size, false, true, false);
        }
    }
}

TEST_CASE(
    "Trap 9: a file that did not change is resumed where a validator says so, and the validator goes back as it came") {
    for (const auto& validators : k_validators) {
        INFO(std::string(validators.what));
        DownloadRig rig(pattern(k_bytes));
        const Version file{rig.content, validators.before};
        unsigned count = 0;
        HttpServer server([&](const HttpAsked& asked) {
            auto answer = answer_of(asked, file, true);
            if (++count == 1) {
                answer.cut_after = k_cut;
            }
            return answer;
        });
        check_end(rig, rig.run(server.url("/f")), k_arrives);
        CHECK(rig.resumed_at.empty() != validators.resumes);
        const auto if_range = server.asked().at(1).field("if-range");
        CHECK(if_range.empty() != validators.resumes);
        CHECK_FALSE(if_range.starts_with("W/"));
    }
}

TEST_CASE("a file that changes before every try ends with that, not with a mixture and not never") {
    DownloadRig rig("");
    unsigned count = 0;
    HttpServer server([&](const HttpAsked& asked) {
        ++count;
        auto answer =
            answer_of(asked, {pattern(k_bytes, count), "ETag: \"v" + std::to_string(count) + "\"\r\n"}, count % 2 == 0);
        answer.cut_after = k_cut;
        return answer;
    });
    const auto done = rig.run(server.url("/f"));
    REQUIRE_FALSE(done.ok());
    CHECK((done.error().is(AgentCode::truncated) || done.error().is(AgentCode::changed_on_server)));
    CHECK(count <= 8);
}

TEST_CASE("a known digest is never given up for a newer file: the mismatch is told") {
    DownloadRig rig(pattern(k_bytes));
    rig.know_the_file();
    unsigned count = 0;
    HttpServer server([&](const HttpAsked& asked) {
        auto answer = answer_of(
            asked, {++count == 1 ? rig.content : pattern(k_bytes, 5), "ETag: \"v" + std::to_string(count) + "\"\r\n"},
            true);
        if (count == 1) {
            answer.cut_after = k_cut;
        }
        return answer;
    });
    check_end(rig, rig.run(server.url("/f")), ends(AgentCode::digest_mismatch));
    CHECK_FALSE(rig.files->info(rig.request.directory + "/part").value_or(std::nullopt).has_value());
}
