// SPDX-License-Identifier: Apache-2.0
// Owns the tests of OutputTail.
#include "platform/output_tail.h"

#include <doctest/doctest.h>

namespace hagent {
namespace {

using platform::OutputTail;

TEST_CASE("the last bytes are kept, however the pieces come") {
    std::string all;
    for (int i = 0; i < 100; ++i) {
        all += std::to_string(i) + ",";
    }
    for (const std::size_t limit : {0U, 1U, 7U, 100U, 1000U}) {
        for (const std::size_t piece : {1U, 3U, 50U, 500U}) {
            OutputTail tail(limit);
            for (std::size_t at = 0; at < all.size(); at += piece) {
                tail.add(std::string_view(all).substr(at, piece));
            }
            CHECK(tail.take() == all.substr(all.size() - std::min(all.size(), limit)));
        }
    }
}

TEST_CASE("taking leaves nothing behind") {
    OutputTail tail(10);
    tail.add("abc");
    CHECK(tail.take() == "abc");
    CHECK(tail.take().empty());
}

}  // namespace
}  // namespace hagent
