// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the command table.
#include <algorithm>
#include <set>

#include "agent/base/limits.h"
#include "agent/script/commands.h"
#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

TEST_CASE("the table has every command of the specification once") {
    std::set<std::string_view> names;
    for (const auto& row : command_table()) {
        CAPTURE(row.name);
        CHECK(names.insert(row.name).second);
        CHECK(row.min_arguments <= row.max_arguments);
        CHECK(row.max_arguments <= limits::k_script_arguments);
        CHECK(row.repository_argument < static_cast<int>(row.max_arguments));
        CHECK((row.plan != nullptr || row.act == nullptr));
        CHECK((row.after == nullptr || row.act != nullptr));
        CHECK(find_command(row.name) == &row);
    }
    CHECK(names == std::set<std::string_view>{"CO", "CF", "CI", "CP", "CR", "CU", "SF", "XC", "GF", "EX",
                                              "DF", "DT", "RF", "AL", "DL", "SV", "DV", "DK", "MR", "GR",
                                              "LU", "EL", "QU", "RB", "SP", "IM", "SW", "UA"});
    CHECK(find_command("RP") == nullptr);
    CHECK(find_command("sf") == nullptr);
}

TEST_CASE("only EX may not be repeated, unless it says so") {
    for (const auto& row : command_table()) {
        CAPTURE(row.name);
        CHECK((row.repeat == Repeat::reported) == (row.name == "EX"));
    }
    Device device;
    device.files.put("/bin/true", "#!/bin/sh\n");
    const auto plan = device.plan("EX \"/bin/true\"\nEX \"/bin/true\" \"+r\"\n", nullptr);
    REQUIRE(plan.steps.size() == 2);
    CHECK_FALSE(plan.steps[0].may_repeat);
    CHECK(plan.steps[1].may_repeat);
}

TEST_CASE("a command that no planner has says what it would need") {
    for (const auto& row : command_table()) {
        CAPTURE(row.name);
        CHECK((row.plan == nullptr) == !row.lacks.empty());
    }
}

TEST_CASE("one argument too few or too many is refused for every command, optional or not") {
    Device device;
    for (const auto& row : command_table()) {
        for (const unsigned count : {row.min_arguments - 1, row.max_arguments + 1}) {
            if (count > limits::k_script_arguments) {
                continue;  // the parser does not let it through
            }
            std::string line = std::string(row.name) + "*";
            for (unsigned i = 0; i < count; ++i) {
                line += " \"1\"";
            }
            CAPTURE(line);
            const Plan plan = device.plan(line + "\n");
            REQUIRE(plan.results.size() == 1);
            CHECK(plan.results[0].id == errors::agent(errors::AgentCode::wrong_argument_count));
            CHECK(plan.results[0].status == errors::Severity::error);
        }
    }
}

TEST_CASE("the complaint about arity says what belongs there") {
    Device device;
    CHECK(render(device.plan("SF \"a\"\n").complaints.at(0)) ==
          "demo.rsp:2:1: SF: expected 2 arguments (repository file, device path), not 1\nSF \"a\"\n^\n");
    CHECK(headline(device.plan("EX\n").complaints.at(0)) ==
          "demo.rsp:2:1: EX: expected 1 to 3 arguments (command line, \"+\" \"-\" or \"+r\", seconds), not 0");
    CHECK(headline(device.plan("EL \"x\"\n").complaints.at(0)) == "demo.rsp:2:1: EL: expected 0 arguments, not 1");
    CHECK(headline(device.plan("DF\n").complaints.at(0)) == "demo.rsp:2:1: DF: expected 1 argument (path), not 0");
}

TEST_CASE("unknown commands are refused even when optional, known ones that cannot be run only when they are not") {
    Device device;
    const Plan unknown = device.plan("RP* \"x\"\n");
    CHECK(codes(unknown.results) == Codes{1501});
    CHECK(has_error(unknown.results));
    CHECK(render(unknown.complaints.at(0)) == "demo.rsp:2:1: RP: expected a command that exists\nRP* \"x\"\n^\n");

    const Plan required = device.plan("UA \"x\"\n");
    CHECK(codes(required.results) == Codes{1003});
    CHECK(has_error(required.results));
    CHECK(headline(required.complaints.at(0)) ==
          "demo.rsp:2:1: UA: this command is known, but it needs the upgrading of the agent, which this version of the "
          "agent does not have");

    const Plan optional = device.plan("UA* \"x\"\n");
    CHECK(codes(optional.results) == Codes{1003});
    CHECK_FALSE(has_error(optional.results));
    CHECK(optional.steps.at(0).finding.has_value());
}

}  // namespace
}  // namespace hagent::script
