// SPDX-License-Identifier: Apache-2.0
// Owns the tests of checkpoints.
#include "agent/transfer/checkpoint.h"

#include <doctest/doctest.h>

#include "tests/fakes/fake_files.h"

using namespace hagent;
using namespace hagent::transfer;

namespace {
Checkpoint sample() {
    Checkpoint checkpoint;
    checkpoint.url = "http://h/f";
    checkpoint.validator = "\"a b\"";
    checkpoint.wanted = "-";
    checkpoint.boot_id = "3f2a-1";
    checkpoint.bytes = 5;
    checkpoint.total = 9;
    checkpoint.sha256.update("hello");
    return checkpoint;
}
}  // namespace

TEST_CASE("a checkpoint comes back as it was") {
    auto checkpoint = sample();
    for (const bool complete : {false, true}) {
        checkpoint.complete = complete;
        const auto back = decode_checkpoint(encode(checkpoint));
        REQUIRE(back);
        CHECK(back->url == checkpoint.url);
        CHECK(back->validator == checkpoint.validator);
        CHECK(back->boot_id == checkpoint.boot_id);
        CHECK(back->bytes == 5);
        CHECK(back->total == 9);
        CHECK(back->complete == complete);
        CHECK(back->sha256.finish() == checkpoint.sha256.finish());
    }
    checkpoint.total.reset();
    checkpoint.validator.clear();
    REQUIRE(decode_checkpoint(encode(checkpoint)));
    CHECK_FALSE(decode_checkpoint(encode(checkpoint))->total);
}

TEST_CASE("a torn or damaged checkpoint is none") {
    const auto text = encode(sample());
    for (std::size_t length = 0; length < text.size(); ++length) {
        CAPTURE(length);
        CHECK_FALSE(decode_checkpoint(text.substr(0, length)));
    }
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto damaged = text;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        CAPTURE(at);
        CHECK_FALSE(decode_checkpoint(damaged));
    }
    CHECK_FALSE(decode_checkpoint(text + "x"));
    CHECK_FALSE(decode_checkpoint("hagent download 1\n"));
}

TEST_CASE("a checkpoint whose digest covers another length is none") {
    auto checkpoint = sample();
    checkpoint.bytes = 6;
    CHECK_FALSE(decode_checkpoint(encode(checkpoint)));
}

TEST_CASE("a checkpoint counts only beside a part that is long enough") {
    fakes::FakeFiles files;
    files.put("/d/checkpoint", encode(sample()));
    CHECK_FALSE(load_checkpoint(files, "/d"));
    files.put("/d/part", "hell");
    CHECK_FALSE(load_checkpoint(files, "/d"));
    files.put("/d/part", "hello and more");
    CHECK(load_checkpoint(files, "/d"));
}
