// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the text form: what is read, and the full text of each complaint.
#include <doctest/doctest.h>

#include "agent/base/limits.h"
#include "agent/script/parser.h"

namespace hagent::script {
namespace {

Script good(std::string_view text) {
    auto parsed = parse(text, "demo.rsp");
    if (const auto* complaints = std::get_if<1>(&parsed)) {
        FAIL(render(complaints->front()));
    }
    return std::get<Script>(std::move(parsed));
}

/// The rendered complaints, one after the other.
std::string bad(std::string_view text) {
    const auto parsed = parse(text, "demo.rsp");
    REQUIRE(std::holds_alternative<std::vector<Complaint>>(parsed));
    std::string all;
    for (const auto& complaint : std::get<1>(parsed)) {
        all += render(complaint);
    }
    return all;
}

TEST_CASE("a script has version keys in order and commands with places") {
    const Script script = good(
        "[Version]\r\n Number = demo \r\nDescription=A = b\r\n\r\n; a comment\r\n[script]\r\n"
        "CO \"SLX\"\r\n  sf*\t\"a\"  \"/b\" ; said\r\n# more\r\nEL\r\n");
    REQUIRE(script.version.size() == 2);
    CHECK(script.version[0] == std::pair<std::string, std::string>("Number", "demo"));
    CHECK(script.version[1] == std::pair<std::string, std::string>("Description", "A = b"));
    REQUIRE(script.commands.size() == 3);
    const Command& fetch = script.commands[1];
    CHECK(fetch.op == "SF");
    CHECK(fetch.optional);
    CHECK(fetch.line == 8);
    CHECK(fetch.column == 3);
    REQUIRE(fetch.arguments.size() == 2);
    CHECK(fetch.arguments[0].text == "a");
    CHECK(fetch.arguments[0].column == 7);
    CHECK(fetch.arguments[1].text == "/b");
    CHECK(fetch.arguments[1].column == 12);
    CHECK(script.commands[2].arguments.empty());
    CHECK(!script.commands[2].optional);
}

TEST_CASE("a byte order mark, a missing last newline and LF are fine") {
    const Script script = good("\xEF\xBB\xBF[Script]\nEX \"/bin/true\"");
    REQUIRE(script.commands.size() == 1);
    CHECK(script.commands[0].arguments[0].text == "/bin/true");
}

TEST_CASE("Latin-1 becomes UTF-8, and UTF-8 stays") {
    CHECK(good("[Script]\nAL \"/f\" \"caf\xE9\"").commands[0].arguments[1].text == "caf\xC3\xA9");
    CHECK(good("[Script]\nAL \"/f\" \"caf\xC3\xA9\"").commands[0].arguments[1].text == "caf\xC3\xA9");
}

TEST_CASE("a doubled quote is a quote, comment signs in quotes are text, empty arguments are kept") {
    const auto arguments = good("[Script]\nAL \"/f\" \"say \"\"hi\"\" ; # now\" \"\"").commands[0].arguments;
    REQUIRE(arguments.size() == 3);
    CHECK(arguments[1].text == "say \"hi\" ; # now");
    CHECK(arguments[2].text.empty());
}

TEST_CASE("unknown sections are ignored with a note") {
    const Script script = good("[Images]\nwhatever it says\n[Script]\nEL\n");
    CHECK(script.commands.size() == 1);
    REQUIRE(script.notes.size() == 1);
    CHECK(headline(script.notes[0]) == "demo.rsp:1:1: this section is not known and was ignored");
}

TEST_CASE("a missing closing quote is shown at the opening one") {
    CHECK(bad("[Script]\nCO \"SLX\"\nSF \"abc\n") ==
          "demo.rsp:3:4: expected a closing quote\n"
          "SF \"abc\n"
          "   ^\n");
}

TEST_CASE("each complaint shows its line and points at its column") {
    CHECK(bad("[Script]\nSF abc \"/x\"") ==
          "demo.rsp:2:4: expected an opening quote\n"
          "SF abc \"/x\"\n"
          "   ^\n");
    CHECK(bad("[Script]\nSF \"a\"\"b\" \"/x\"\"\n") ==
          "demo.rsp:2:11: expected a closing quote\n"
          "SF \"a\"\"b\" \"/x\"\"\n"
          "          ^\n");
    CHECK(bad("[Script]\nSF* \"a\"x\n") ==
          "demo.rsp:2:8: expected a blank\n"
          "SF* \"a\"x\n"
          "       ^\n");
    CHECK(bad("[Script]\nSF+ \"a\"\n") ==
          "demo.rsp:2:3: expected a blank\n"
          "SF+ \"a\"\n"
          "  ^\n");
    CHECK(bad("[Script]\n\t\"a\"\n") ==
          "demo.rsp:2:2: expected a command such as SF or EX\n"
          " \"a\"\n"
          " ^\n");
    CHECK(bad("CO \"SLX\"\n[Script]\n") ==
          "demo.rsp:1:1: expected a section such as [Version]\n"
          "CO \"SLX\"\n"
          "^\n");
    CHECK(bad("[Version\n[Script]\n") ==
          "demo.rsp:1:9: expected ']' after the section's name\n"
          "[Version\n"
          "        ^\n");
    CHECK(bad("[Script] x\n") ==
          "demo.rsp:1:10: expected nothing after the section's name\n"
          "[Script] x\n"
          "         ^\n");
    CHECK(bad("[Version]\nNumber\n[Script]\n") == "demo.rsp:2:1: expected Key=Value\nNumber\n^\n");
    CHECK(bad("[Version]\n=3\n[Script]\n") == "demo.rsp:2:1: expected a key before '='\n=3\n^\n");
    CHECK(bad("[Version]\nNumber=1\n") ==
          "demo.rsp:3:1: expected a [Script] section before the end of the file\n\n^\n");
    CHECK(bad("") == "demo.rsp:1:1: expected a [Script] section before the end of the file\n\n^\n");
}

TEST_CASE("columns count characters, not bytes") {
    CHECK(bad("[Script]\nAL \"caf\xC3\xA9\" \"x\n") ==
          "demo.rsp:2:11: expected a closing quote\n"
          "AL \"caf\xC3\xA9\" \"x\n"
          "          ^\n");
}

TEST_CASE("of a long line only the part around the column is shown") {
    const std::string text = bad("[Script]\nEX \"" + std::string(200, 'a') + "\" oops\n");
    CHECK(text == "demo.rsp:2:207: expected an opening quote\n..." + std::string(58, 'a') + "\" oops\n" +
                      std::string(63, ' ') + "^\n");
}

TEST_CASE("control characters are refused and never printed raw") {
    CHECK(bad("[Script]\nEX \"a\x07\"\n") ==
          "demo.rsp:2:6: expected text, not the control character 0x07\nEX \"a?\"\n     ^\n");
    CHECK(bad(std::string_view("[Script]\nEX \"\0\"\n", 14))
              .starts_with("demo.rsp:2:5: expected text, not the control character 0x00"));
    CHECK(bad("[Script]\rEL\n").starts_with("demo.rsp:1:9: expected text, not the control character 0x0D"));
    CHECK(
        bad("[Script]\nEX \"\xC2\x9B\"\n").starts_with("demo.rsp:2:5: expected text, not the control character 0x9B"));
    CHECK(bad("[Script]\nEX \x0F"
              "a\x0F\n")
              .starts_with("demo.rsp:2:4: expected text, not the control character 0x0F"));
}

TEST_CASE("every bad line is named once, up to twenty") {
    const std::string two = bad("[Script]\nSF \"a\nEL\nSF b\n");
    CHECK(two.find("demo.rsp:2:4: expected a closing quote") != std::string::npos);
    CHECK(two.find("demo.rsp:4:4: expected an opening quote") != std::string::npos);
    std::string many = "[Script]\n";
    for (int i = 0; i < 50; ++i) {
        many += "SF b\n";
    }
    const auto parsed = parse(many, "demo.rsp");
    CHECK(std::get<1>(parsed).size() == 20);
}

TEST_CASE("limits hold for the file, a line, the commands and the arguments") {
    CHECK(bad(std::string(limits::k_script_bytes + 1, ' ')) ==
          "demo.rsp:1:1: expected at most 1.0 MiB of script\n\n^\n");
    CHECK(bad("[Script]\nEX \"" + std::string(limits::k_script_line_bytes, 'a') + "\"\n")
              .find("expected at most 4096 bytes in a line") != std::string::npos);
    CHECK(bad("[Script]\nCO \"1\" \"2\" \"3\" \"4\" \"5\" \"6\" \"7\" \"8\" \"9\"\n")
              .starts_with("demo.rsp:2:36: expected at most 8 arguments"));
    std::string many = "[Script]\n";
    for (std::size_t i = 0; i < limits::k_script_commands; ++i) {
        many += "EL\n";
    }
    CHECK(good(many).commands.size() == limits::k_script_commands);
    CHECK(bad(many + "EL\n").starts_with("demo.rsp:1002:1: expected at most 1000 commands"));
}

}  // namespace
}  // namespace hagent::script
