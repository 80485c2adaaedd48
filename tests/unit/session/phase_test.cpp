// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the phase tables. Source: seed "Session Phase" and the functions that each phase allows.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "agent/session/phase.h"

namespace hagent::session {
namespace {

using enum Phase;

const std::set<unsigned> k_analyzing = {7, 8, 9, 10, 11};
const std::set<unsigned> k_executing = {12, 13, 14, 15, 16, 17};

std::set<unsigned> operator+(std::set<unsigned> a, const std::set<unsigned>& b) {
    a.insert(b.begin(), b.end());
    return a;
}

TEST_CASE("every pair of phases: which may follow which") {
    std::map<unsigned, std::set<unsigned>> allowed;
    allowed[0] = {1, 18};
    allowed[1] = std::set<unsigned>{5, 6} + k_analyzing;
    allowed[2] = std::set<unsigned>{5, 6} + k_analyzing + k_executing;
    allowed[3] = std::set<unsigned>{5} + k_executing;
    allowed[4] = std::set<unsigned>{6} + k_executing;
    for (const unsigned phase : k_analyzing) {
        allowed[phase] = std::set<unsigned>{1, 2, 5, 6} + k_analyzing;
    }
    for (const unsigned phase : k_executing) {
        allowed[phase] = std::set<unsigned>{3, 4, 5, 6} + k_executing;
    }
    for (unsigned from = 0; from <= 18; ++from) {
        for (unsigned to = 0; to <= 18; ++to) {
            CAPTURE(from);
            CAPTURE(to);
            CHECK(may_follow(static_cast<Phase>(from), static_cast<Phase>(to)) == allowed[from].contains(to));
        }
    }
}

TEST_CASE("nothing comes after an end, and every other phase has a way to one") {
    for (unsigned number = 0; number <= 18; ++number) {
        CAPTURE(number);
        const auto phase = static_cast<Phase>(number);
        std::set<unsigned> reached = {number};
        for (int round = 0; round < 19; ++round) {
            for (unsigned from = 0; from <= 18; ++from) {
                for (unsigned to = 0; to <= 18; ++to) {
                    if (reached.contains(from) && may_follow(static_cast<Phase>(from), static_cast<Phase>(to))) {
                        reached.insert(to);
                    }
                }
            }
        }
        if (is_final(phase) || phase == source) {
            CHECK(reached == std::set<unsigned>{number});
        } else {
            CHECK(reached.contains(5));
            CHECK(reached.contains(6));
        }
    }
}

TEST_CASE("the permanent numbers and names of the phases") {
    const std::map<unsigned, std::string> names = {
        {0, "SW_INITIAL_PHASE"},          {1, "SW_SELECTION_PHASE"},        {2, "SW_ANALYSIS_COMPLETED_PHASE"},
        {3, "SW_SUSPENDED_PHASE"},        {4, "SW_READY_FOR_REBOOT_PHASE"}, {5, "SW_ABORTED_PHASE"},
        {6, "SW_COMPLETED_PHASE"},        {7, "SW_ANALYZING_PHASE"},        {12, "SW_EXECUTING_PHASE"},
        {14, "SW_EXECUTING_FILES_PHASE"}, {18, "SW_SOURCE_PHASE"}};
    for (const auto& [number, name] : names) {
        const auto given = number;
        CAPTURE(given);
        REQUIRE(phase_from_number(number).has_value());
        CHECK(to_string(*phase_from_number(number)) == name);
    }
    std::set<std::string_view> seen, words;
    for (unsigned number = 0; number <= 18; ++number) {
        const auto phase = phase_from_number(number);
        REQUIRE(phase.has_value());
        CHECK(static_cast<unsigned>(*phase) == number);
        CHECK(seen.insert(to_string(*phase)).second);
        CHECK(words.insert(plain_words(*phase)).second);
    }
    CHECK_FALSE(phase_from_number(19).has_value());
    CHECK_FALSE(phase_from_number(UINT64_MAX).has_value());
}

TEST_CASE("a cancel comes too late from the first change on") {
    for (const Phase phase : {executing, executing_prescript, executing_files, executing_postscript,
                              executing_configure, executing_kernel_build, ready_for_reboot, suspended}) {
        CHECK(is_executing(phase));
    }
    for (const Phase phase : {initial, selection, analyzing, analyzing_target, analyzing_software, analyzing_scripts,
                              analyzing_files, analysis_completed, completed, aborted, source}) {
        CHECK_FALSE(is_executing(phase));
    }
}

}  // namespace
}  // namespace hagent::session
