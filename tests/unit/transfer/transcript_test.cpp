// SPDX-License-Identifier: Apache-2.0
// Owns the tests of transcripts.
#include "agent/transfer/transcript.h"

#include <doctest/doctest.h>

#include "agent/base/limits.h"

using namespace hagent;
using namespace hagent::transfer;

TEST_CASE("only the last lines are kept, each of bounded length and printable") {
    Transcript transcript;
    for (std::size_t i = 0; i < limits::k_transcript_lines + 5; ++i) {
        transcript.add("line " + std::to_string(i));
    }
    CHECK(transcript.lines().size() == limits::k_transcript_lines);
    CHECK(transcript.lines().front() == "line 5");
    transcript.add(std::string(100000, 'x'));
    CHECK(transcript.lines().back().size() == limits::k_reply_line_bytes);
    transcript.add("a\x1b[2Jb");
    CHECK(transcript.lines().back() == "a?[2Jb");
}

TEST_CASE("a secret inside a longer secret does not give the longer one away") {
    Transcript transcript;
    transcript.hide("key");
    transcript.hide("keymaster");
    transcript.hide("");
    transcript.add("the keymaster has a key");
    CHECK(transcript.lines().back() == "the *** has a ***");
}

TEST_CASE("a short secret is hidden where it stands for itself and leaves other words alone") {
    Transcript transcript;
    transcript.hide("u");
    transcript.hide("user");
    transcript.hide("long-secret");
    CHECK(transcript.scrubbed("too many users (u, user:u) in use, user.") ==
          "too many users (***, ***:***) in use, ***.");
    CHECK(transcript.scrubbed("xlong-secretx") == "x***x");
}

TEST_CASE("what opens something in an address is hidden, whole and in parts") {
    Transcript transcript;
    transcript.hide_secrets_of(*parse_url("https://user:pass-word@host/file?v=1&ticket=abcdefgh&ijklmnop"));
    CHECK(transcript.scrubbed("no /file?v=1&ticket=abcdefgh&ijklmnop") == "no /file?***");
    CHECK(transcript.scrubbed("ticket abcdefgh, ijklmnop, pass-word of 1 user") == "ticket ***, ***, *** of 1 user");
}

TEST_CASE("what a request proves itself with is hidden, as it was sent and decoded") {
    Transcript transcript;
    transcript.hide_secrets_of(
        "GET / HTTP/1.1\r\nHost: h\r\nauthorization: Basic dXNlcjpwYXNzLXdvcmQ=\r\nProxy-Authorization: Bearer "
        "abc.def\r\n\r\n");
    CHECK(transcript.scrubbed("Basic dXNlcjpwYXNzLXdvcmQ= is user:pass-word, abc.def, GET h") ==
          "Basic *** is user:***, ***, GET h");
}
