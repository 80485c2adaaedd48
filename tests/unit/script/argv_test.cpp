// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the command line rules.
#include <doctest/doctest.h>

#include "agent/script/argv.h"

namespace hagent::script {
namespace {

using Words = std::vector<std::string>;

TEST_CASE("blanks separate and quotes keep together") {
    CHECK(split_command_line("  /bin/a  b\tc ").value() == Words{"/bin/a", "b", "c"});
    CHECK(split_command_line("a 'b c' --d='e f'g \"h 'i\" ''").value() == Words{"a", "b c", "--d=e fg", "h 'i", ""});
    CHECK(split_command_line("'C:\\Program Files\\a.exe' \\x").value() == Words{"C:\\Program Files\\a.exe", "\\x"});
}

TEST_CASE("what a shell would do is not done") {
    CHECK(split_command_line("a $HOME `id` * ; rm|b > c").value() ==
          Words{"a", "$HOME", "`id`", "*", ";", "rm|b", ">", "c"});
}

TEST_CASE("an open quote and a line without a program are refused") {
    for (const char* line : {"a 'b", "a \"b", "", "   ", "'' a"}) {
        const auto words = split_command_line(line);
        REQUIRE(!words.ok());
        CHECK(words.error().is(errors::AgentCode::bad_argument));
    }
    CHECK(split_command_line("a 'b").error().context == "expected another ' in the command line");
}

TEST_CASE("a joined line splits into the same words") {
    const Words words = {"/bin/a b", "", "c", "it's", "say \"x\"", "tab\there", "a' b; \"rm\" -rf", "\"'", "'\"'\"'"};
    CHECK(split_command_line(join_command_line(words)).value() == words);
    CHECK(join_command_line({"a", "b;c", "$(d)", "it's \"e\""}) == "a \"b;c\" \"$(d)\" \"it's \"'\"e\"'");
    CHECK(join_command_line({"a", "b c", ""}) == "a \"b c\" \"\"");
}

}  // namespace
}  // namespace hagent::script
