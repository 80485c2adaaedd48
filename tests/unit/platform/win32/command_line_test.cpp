// SPDX-License-Identifier: Apache-2.0
// Owns the tests of quoting and program look-up.
#include "platform/win32/command_line.h"

#include <doctest/doctest.h>

#include "tests/fakes/temp_directory.h"

namespace hagent {
namespace {

using errors::AgentCode;
using platform::Command;

TEST_CASE("arguments are quoted as CommandLineToArgvW reads them") {
    CHECK(platform::quoted(L"plain") == L"plain");
    CHECK(platform::quoted(L"") == L"\"\"");
    CHECK(platform::quoted(L"a b") == L"\"a b\"");
    CHECK(platform::quoted(L"a\\b") == L"a\\b");
    CHECK(platform::quoted(L"a b\\") == L"\"a b\\\\\"");
    CHECK(platform::quoted(L"a\"b") == L"\"a\\\"b\"");
    CHECK(platform::quoted(L"a\\\"b") == L"\"a\\\\\\\"b\"");
}

TEST_CASE("names without a folder are found in the system's folders, with .exe added") {
    Command command;
    command.argv = {"cmd"};
    CHECK(platform::command_line(command).ok());
    command.argv = {"no-such-program"};
    CHECK(platform::command_line(command).error().is(AgentCode::command_not_found));
}

TEST_CASE("a batch file gets only arguments that the interpreter cannot misread") {
    const fakes::TempDirectory directory;
    REQUIRE(platform::system_files()->write_durable(directory.path() + "/x.cmd", "@echo off\r\n", 0755).ok());
    Command command;
    command.argv = {directory.path() + "/x.cmd", "a b"};
    CHECK(platform::command_line(command).ok());
    for (const char* argument : {"a\"b", "%PATH%", "a&b", "a|b", "a>b", "a^b", "a!b", "a\\"}) {
        CAPTURE(std::string(argument));
        command.argv[1] = argument;
        CHECK(platform::command_line(command).error().is(AgentCode::bad_argument));
    }
}

TEST_CASE("the environment is sorted, ended twice and has SystemRoot") {
    Command command;
    command.environment = {{"b", "2"}, {"A", "1"}};
    const auto block = platform::environment_block(command);
    CHECK(block.starts_with(std::wstring(L"A=1\0b=2\0SystemRoot=", 19)));
    CHECK(block.ends_with(std::wstring(L"\0\0", 2)));
}

}  // namespace
}  // namespace hagent
