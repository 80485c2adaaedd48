// SPDX-License-Identifier: Apache-2.0
// Owns the two ways between the paths of tests and those of this system.
#include "tests/fakes/rooted.h"

#include "platform/paths.h"

namespace hagent::fakes {
namespace {

bool has_drives() { return !platform::is_absolute("/"); }

/// "C:\", "C:/": where a path of this system begins.
bool begins_path(std::string_view text) { return text.starts_with("C:\\") || text.starts_with("C:/"); }

bool ends_path(std::string_view text, bool in_json) {
    constexpr std::string_view k_ends = " \t\n\r,'\"";
    const bool quote_in_json = in_json && text.starts_with("\\\"");
    return quote_in_json || k_ends.find(text.front()) != std::string_view::npos;
}

/// Takes a path away from the text: separators of either kind, doubled ones of JSON too, become one '/'.
std::string take_plain_path(std::string_view& text) {
    std::string path = "/";
    text.remove_prefix(3);
    for (const bool in_json = text.starts_with('\\'); !text.empty() && !ends_path(text, in_json);
         text.remove_prefix(1)) {
        const bool separator = text.front() == '\\' || text.front() == '/';
        if (!separator || !path.ends_with('/')) {
            path += separator ? '/' : text.front();
        }
    }
    return path;
}

}  // namespace

std::string rooted(std::string_view path) {
    const bool drive = has_drives() && path.starts_with('/');
    return drive ? platform::native("C:" + std::string(path)) : std::string(path);
}

std::string rooted_script(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto begin = text.find("\"/");
        const auto end = begin == std::string_view::npos ? begin : text.find('"', begin + 1);
        if (end == std::string_view::npos) {
            break;
        }
        out.append(text.substr(0, begin + 1)).append(rooted(text.substr(begin + 1, end - begin - 1)));
        text.remove_prefix(end);
    }
    return out.append(text);
}

std::string plain(std::string_view text) {
    if (!has_drives()) {
        return std::string(text);
    }
    std::string out;
    while (!text.empty()) {
        if (begins_path(text)) {
            out += take_plain_path(text);
        } else {
            out += text.front();
            text.remove_prefix(1);
        }
    }
    return out;
}

}  // namespace hagent::fakes
