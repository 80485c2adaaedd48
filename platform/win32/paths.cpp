// SPDX-License-Identifier: Apache-2.0
// Owns where things live on Windows and the forms of its paths.
#include "platform/paths.h"

#include <algorithm>

#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/win32/api.h"
#include "platform/win32/wide.h"
// After the Windows headers.
#include <shellapi.h>

namespace hagent::platform {
namespace {

std::string in_our_folder(std::string_view name) {
    const std::string data = environment("ProgramData");
    return (data.empty() ? "C:\\ProgramData" : data) + "\\hagent" + std::string(name);
}

bool is_separator(char c) { return c == '/' || c == '\\'; }

}  // namespace

std::string default_config_file() { return in_our_folder("\\hagent.json"); }
std::string default_script_root() {
    const std::string drive = environment("SystemDrive");
    return (drive.empty() ? "C:" : drive) + "\\";
}
std::string default_state_directory() { return in_our_folder("\\state"); }
std::string default_keys_directory() { return in_our_folder("\\keys"); }
std::string default_hooks_directory() { return in_our_folder("\\hooks"); }
std::vector<std::string> time_zone_folders() { return {}; }  // Windows has names of its own, and rules in its registry
std::string system_ca_file() { return {}; }                  // Windows keeps its authorities in a store, not in a file

std::string own_program() {
    std::wstring path(32768, L'\0');
    path.resize(GetModuleFileNameW(nullptr, path.data(), narrow<DWORD>(path.size())));
    return path_text(path);
}

std::vector<std::string> program_arguments(int count, char** values) {
    int found = 0;
    wchar_t** wide_values = CommandLineToArgvW(GetCommandLineW(), &found);
    const LocalMemory memory(wide_values);
    if (wide_values == nullptr) {
        return {values, values + count};
    }
    std::vector<std::string> arguments;
    for (int i = 0; i < found; ++i) {
        arguments.push_back(narrow_text(wide_values[i]));
    }
    return arguments;
}

std::string absolute(std::string_view path) { return path_text(wide_path(path.empty() ? "." : path)); }

bool is_absolute(std::string_view path) {
    const bool share = path.size() > 2 && is_separator(path[0]) && is_separator(path[1]);
    return share || (path.size() > 2 && path[1] == ':' && is_separator(path[2]));
}

std::string native(std::string_view path) {
    std::string out(path);
    std::replace(out.begin(), out.end(), '/', '\\');
    return out;
}

bool same_path(std::string_view a, std::string_view b) { return equal_ignoring_case(native(a), native(b)); }
std::string common_spelling(std::string_view path) { return to_lower(native(path)); }

std::string environment(const char* name) {
    const std::wstring wide_name = wide(name);
    std::wstring value(GetEnvironmentVariableW(wide_name.c_str(), nullptr, 0), L'\0');
    value.resize(GetEnvironmentVariableW(wide_name.c_str(), value.data(), narrow<DWORD>(value.size())));
    return narrow_text(value);
}

}  // namespace hagent::platform
