// SPDX-License-Identifier: Apache-2.0
#include "agent/base/sort.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using hagent::sort_all;

TEST_CASE("what is sorted ascends and is what was there, whatever its order was") {
    std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same numbers in every run
    for (std::size_t count = 0; count < 200; ++count) {
        std::vector<int> numbers(count);
        for (auto& number : numbers) {
            number = static_cast<int>(random() % 50);
        }
        auto wanted = numbers;
        std::sort(wanted.begin(), wanted.end());
        sort_all(numbers);
        CHECK(numbers == wanted);
        sort_all(numbers);
        CHECK(numbers == wanted);
    }
    std::vector<std::string> texts{"b", "", "a b", "a", "B"};
    sort_all(texts);
    CHECK(texts == std::vector<std::string>{"", "B", "a", "a b", "b"});
}
