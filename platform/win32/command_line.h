// SPDX-License-Identifier: Apache-2.0
// Owns turning an argument list into the single line that Windows passes, and finding the program it names.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "platform/process.h"

namespace hagent::platform {

struct CommandLine {
    std::wstring program;  // the file that is started
    std::wstring line;     // argv[0] included
};

/// The argument so that CommandLineToArgvW and the C library read it back unchanged.
[[nodiscard]] std::wstring quoted(const std::wstring& argument);

/// Finds argv[0] (names without a folder only in the system's own folders; ".exe" may be left out) and quotes the rest.
/// A .bat or .cmd file runs in the command interpreter, which has no safe quoting for some characters: bad_argument for
/// those. Errors: command_not_found, bad_argument.
[[nodiscard]] Result<CommandLine> command_line(const Command& command);

/// Whether command_line() would find this argv[0]. Errors: command_not_found.
[[nodiscard]] Status program_is_there(const std::string& name, const std::string& directory);

/// The environment as CreateProcess takes it. SystemRoot is added when it is missing: nothing runs without it.
[[nodiscard]] std::wstring environment_block(const Command& command);

}  // namespace hagent::platform
