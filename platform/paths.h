// SPDX-License-Identifier: Apache-2.0
// Owns where configuration, keys and state live, and what a path means on this system. All paths are UTF-8.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hagent::platform {

[[nodiscard]] std::string default_config_file();  // /etc/hagent/hagent.json, %ProgramData%\hagent\hagent.json
[[nodiscard]] std::string default_state_directory();
[[nodiscard]] std::string default_keys_directory();
[[nodiscard]] std::string default_hooks_directory();
[[nodiscard]] std::string default_script_root();  // where scripts may work: /, the system's drive
/// Where the system may keep the rules of time zones by name ("Europe/Berlin"), best first; empty on Windows.
[[nodiscard]] std::vector<std::string> time_zone_folders();
/// CA bundle that the system keeps, or empty.
[[nodiscard]] std::string system_ca_file();
/// This program's own file, or empty.
[[nodiscard]] std::string own_program();
/// The arguments of main as UTF-8, argv[0] included: on Windows main itself gets them in another encoding.
[[nodiscard]] std::vector<std::string> program_arguments(int count, char** values);
/// The absolute form of a path against the working directory, with "." and ".." folded; symlinks are not looked at.
[[nodiscard]] std::string absolute(std::string_view path);
/// Whether the path means the same in every working directory (on Windows also on every drive).
[[nodiscard]] bool is_absolute(std::string_view path);
/// A device path of a script in this system's form: on Windows '/' becomes '\\'.
[[nodiscard]] std::string native(std::string_view path);
/// Whether two spellings name the same file here: Windows ignores ASCII case.
[[nodiscard]] bool same_path(std::string_view a, std::string_view b);
/// The spelling that all those of the same file have in common, to look a path up by.
[[nodiscard]] std::string common_spelling(std::string_view path);
/// An environment variable, or empty.
[[nodiscard]] std::string environment(const char* name);

}  // namespace hagent::platform
