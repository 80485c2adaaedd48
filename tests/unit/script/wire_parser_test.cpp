// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the wire form.
#include <doctest/doctest.h>

#include "agent/base/limits.h"
#include "agent/script/parser.h"

namespace hagent::script {
namespace {

Script good(std::string_view bytes) {
    auto parsed = parse_wire(bytes, "reply");
    if (const auto* complaints = std::get_if<1>(&parsed)) {
        FAIL(render(complaints->front()));
    }
    return std::get<Script>(std::move(parsed));
}

std::string bad(std::string_view bytes) {
    const auto parsed = parse_wire(bytes, "reply");
    REQUIRE(std::holds_alternative<std::vector<Complaint>>(parsed));
    return render(std::get<1>(parsed).front());
}

TEST_CASE("commands alternate with the manager's step numbers") {
    const Script script = good(
        "CO \x0FSLX\x0F|10|SF* \x0F"
        "fw//kernel\x0F \x0F//boot//kernel\x0F|11|EL|12|");
    REQUIRE(script.commands.size() == 3);
    CHECK(script.commands[0].op == "CO");
    CHECK(script.commands[0].line == 10);
    CHECK(script.commands[1].optional);
    CHECK(script.commands[1].line == 11);
    REQUIRE(script.commands[1].arguments.size() == 2);
    CHECK(script.commands[1].arguments[1].text == "//boot//kernel");
    CHECK(script.commands[1].source_line == "SF* \"fw//kernel\" \"//boot//kernel\"");
    CHECK(script.commands[2].line == 12);
}

TEST_CASE("blanks of EX come back, elsewhere the byte is a letter") {
    const Script script = good(
        "EX \x0F/bin/sh\xFCrun\xFC"
        "a\x0F \x0F+\x0F|1|AL \x0F/f\x0F \x0Fgr\xFCn\x0F|2|");
    CHECK(script.commands[0].arguments[0].text == "/bin/sh run a");
    CHECK(script.commands[0].arguments[1].text == "+");
    CHECK(script.commands[1].arguments[1].text == "gr\xC3\xBCn");
}

TEST_CASE("the separator and the quote sign may stand in an argument") {
    const auto arguments = good(
                               "AL \x0F/f\x0F \x0F"
                               "a|\"b\" ; # c\x0F|7|")
                               .commands[0]
                               .arguments;
    CHECK(arguments[1].text == "a|\"b\" ; # c");
}

TEST_CASE("complaints count commands and show them in text form") {
    CHECK(bad("EL|1|SF \x0F"
              "abc|2|") == "reply:2:4: expected a closing quote\nSF \"abc|2|\n   ^\n");
    CHECK(bad("SF \"abc\"|1|") == "reply:1:4: expected an opening quote\nSF \"abc\"\n   ^\n");
    CHECK(bad("EL|x|") == "reply:1:3: expected '|' and a step number after the command\nEL\n  ^\n");
    CHECK(bad("EL") == "reply:1:3: expected '|' and a step number after the command\nEL\n  ^\n");
    CHECK(bad("EL|1|EL\n|2|") == "reply:2:3: expected text, not the control character 0x0A\nEL?\n  ^\n");
    CHECK(bad("EL|1|EL|2") ==
          "reply:2:3: expected '|' after the step number: the end of the list is missing\nEL\n  ^\n");
    CHECK(bad("|1|").starts_with("reply:1:1: expected a command"));
}

TEST_CASE("an empty list is an empty script, a huge one is refused") {
    CHECK(good("").commands.empty());
    CHECK(bad(std::string(limits::k_script_bytes + 1, '|')).starts_with("reply:1:1: expected at most 1.0 MiB"));
    std::string many;
    for (std::size_t i = 0; i <= limits::k_script_commands; ++i) {
        many += "EL|1|";
    }
    CHECK(bad(many).starts_with("reply:1001:1: expected at most 1000 commands"));
}

}  // namespace
}  // namespace hagent::script
