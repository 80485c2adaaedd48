// SPDX-License-Identifier: Apache-2.0
// Owns the quoting of arguments and the look-up of programs. Windows passes one line of text; each program splits it by
// itself, mostly as the C library does.
#include "platform/win32/command_line.h"

#include <algorithm>
#include <array>

#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/paths.h"
#include "platform/win32/api.h"
#include "platform/win32/wide.h"

namespace hagent::platform {
namespace {

using errors::AgentCode;

// The command interpreter gives these a meaning even between quotation marks.
constexpr std::string_view k_unsafe_in_batch = "\"%!^&|<>\r\n";

std::string system_folder() {
    std::array<wchar_t, MAX_PATH> path{};
    return narrow_text({path.data(), GetSystemDirectoryW(path.data(), MAX_PATH)});
}

std::string windows_folder() {
    std::array<wchar_t, MAX_PATH> path{};
    return narrow_text({path.data(), GetWindowsDirectoryW(path.data(), MAX_PATH)});
}

bool is_file(const std::string& path) {
    const DWORD attributes = GetFileAttributesW(wide_path(path).c_str());
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

/// The file itself, or with ".exe" behind it; empty when neither is there.
std::string existing_program(const std::string& path) {
    if (is_file(path)) {
        return path;
    }
    return is_file(path + ".exe") ? path + ".exe" : std::string();
}

/// Names without a folder are looked up in the system's own folders only: PATH and the working directory could name a
/// program of somebody else.
std::string find_program(const std::string& name, const std::string& directory) {
    if (name.find_first_of("/\\:") != std::string::npos) {
        const bool relative = !is_absolute(name) && !directory.empty();
        return existing_program(absolute(relative ? directory + "\\" + name : name));
    }
    const std::string system = system_folder();
    for (const auto& folder : {system, windows_folder(), system + "\\wbem", system + "\\WindowsPowerShell\\v1.0"}) {
        if (auto found = name.empty() ? "" : existing_program(folder + "\\" + name); !found.empty()) {
            return found;
        }
    }
    return {};
}

bool is_batch(std::string_view program) {
    const std::string lower = to_lower(program);
    return lower.ends_with(".bat") || lower.ends_with(".cmd");
}

/// /d: no commands from the registry; /s: the outer quotation marks are taken off, the rest stays as it is.
Result<CommandLine> batch_line(const std::string& program, const std::vector<std::string>& arguments) {
    std::string inner = "\"" + program + "\"";
    for (const auto& argument : arguments) {
        if (argument.find_first_of(k_unsafe_in_batch) != std::string::npos || argument.ends_with('\\')) {
            return error(AgentCode::bad_argument, {"'", argument, "' cannot be given to a batch file"});
        }
        inner += " \"" + argument + "\"";
    }
    if (program.find_first_of(k_unsafe_in_batch) != std::string::npos) {
        return error(AgentCode::bad_argument, program);
    }
    const std::string interpreter = system_folder() + "\\cmd.exe";
    return CommandLine{wide(interpreter), wide("\"" + interpreter + "\" /d /s /c \"" + inner + "\"")};
}

}  // namespace

std::wstring quoted(const std::wstring& argument) {
    if (!argument.empty() && argument.find_first_of(L" \t\n\v\"") == std::wstring::npos) {
        return argument;
    }
    // Backslashes are plain unless a quotation mark follows them; then each counts half.
    std::wstring out = L"\"";
    std::size_t backslashes = 0;
    for (const wchar_t c : argument) {
        if (c == L'\\') {
            ++backslashes;
            continue;
        }
        out.append(c == L'"' ? 2 * backslashes + 1 : backslashes, L'\\');
        backslashes = 0;
        out += c;
    }
    return out.append(2 * backslashes, L'\\') + L"\"";
}

Result<CommandLine> command_line(const Command& command) {
    const std::string name = command.argv.empty() ? "" : command.argv.front();
    const std::string program = find_program(name, command.directory);
    if (program.empty()) {
        return Failure{errors::agent(AgentCode::command_not_found), ERROR_FILE_NOT_FOUND, name};
    }
    const std::vector<std::string> arguments(command.argv.begin() + 1, command.argv.end());
    if (is_batch(program)) {
        return batch_line(program, arguments);
    }
    CommandLine line{wide(program),
                     L"\"" + wide(name) + L"\""};  // argv[0] follows simpler rules: marks cannot be in it
    for (const auto& argument : arguments) {
        line.line += L" " + quoted(wide(argument));
    }
    return line;
}

Status program_is_there(const std::string& name, const std::string& directory) {
    if (find_program(name, directory).empty()) {
        return Failure{errors::agent(AgentCode::command_not_found), ERROR_FILE_NOT_FOUND, name};
    }
    return {};
}

std::wstring environment_block(const Command& command) {
    auto variables = command.environment;
    const bool has_root = std::any_of(variables.begin(), variables.end(), [](const auto& variable) {
        return equal_ignoring_case(variable.first, "SystemRoot");
    });
    if (!has_root) {
        variables.emplace_back("SystemRoot", windows_folder());
    }
    // CreateProcess wants the block sorted without regard to case.
    std::sort(variables.begin(), variables.end(),
              [](const auto& a, const auto& b) { return to_upper(a.first) < to_upper(b.first); });
    std::wstring block;
    for (const auto& [name, value] : variables) {
        block += wide(name + "=" + value) + L'\0';
    }
    return block + L'\0';
}

}  // namespace hagent::platform
