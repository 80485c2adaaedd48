// SPDX-License-Identifier: Apache-2.0
// Owns the path jail's code.
#include "agent/script/paths.h"

#include <algorithm>
#include <array>
#include <optional>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "platform/paths.h"

namespace hagent::script {
namespace {

using errors::AgentCode;

// The platform's own form of a path says which system this is; so no `#if` is needed here.
char separator() { return platform::native("/").front(); }
bool has_drives() { return separator() == '\\'; }

Failure refused(std::string_view path, std::string_view why) {
    return error(AgentCode::path_refused, {"\"", clip(path, 200), "\" ", why});
}

/// Names that Windows gives a meaning of its own: devices, streams, and endings that it drops.
bool is_special_name(std::string_view part) {
    constexpr std::array<std::string_view, 6> k_devices = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"};
    const auto stem = trim(part.substr(0, part.find('.')));
    const bool port = stem.size() == 4 && stem[3] >= '0' && stem[3] <= '9' &&
                      (equal_ignoring_case(stem.substr(0, 3), "COM") || equal_ignoring_case(stem.substr(0, 3), "LPT"));
    const bool device = std::any_of(k_devices.begin(), k_devices.end(),
                                    [&](std::string_view name) { return equal_ignoring_case(stem, name); });
    return port || device || part.ends_with('.') || part.ends_with(' ') || part.find_first_of(":*?\"<>|") != part.npos;
}

bool is_drive(std::string_view part) { return part.size() == 2 && part[1] == ':'; }

/// A drive keeps its separator: "C:" alone would be the folder in which that drive happens to be.
std::string joined(const std::vector<std::string_view>& parts) {
    const std::string between(1, separator());
    std::string path = has_drives() ? std::string() : between;
    for (const auto part : parts) {
        path.append(path.empty() || path == between ? "" : between).append(part);
    }
    return has_drives() && parts.size() == 1 ? path + between : path;
}

/// Below the relocation a drive "C:" is the folder "C".
std::string relocated(const std::string& path, const Jail& jail) {
    if (jail.relocation.empty()) {
        return path;
    }
    std::string below = path;
    if (has_drives()) {
        below = separator() + replace_all(path, ":", "");
    }
    std::string base = jail.relocation;
    while (!base.empty() && (base.back() == '/' || base.back() == separator())) {
        base.pop_back();
    }
    return base + below;
}

/// Links of the parents resolved, the last part as written.
Result<std::string> with_resolved_parent(const std::string& path, platform::Files& files) {
    const auto last = path.find_last_of(std::string("/") + separator());
    if (last == std::string::npos || last + 1 == path.size()) {
        return files.resolve(path, platform::Follow::trusted);
    }
    const bool at_root = last == 0 || path[last - 1] == ':';
    std::string parent = TRY(files.resolve(path.substr(0, at_root ? last + 1 : last), platform::Follow::trusted));
    if (parent.back() != '/' && parent.back() != separator()) {
        parent += separator();
    }
    return parent + path.substr(last + 1);
}

/// Roots are resolved as well, because a root may itself be a link. With the root "/" every place is inside, on Windows
/// on every drive.
Status check_roots(const std::string& real, PathUse use, const Jail& jail, platform::Files& files,
                   std::string_view named) {
    bool inside = false;
    for (const auto& root : jail.roots) {
        const std::string real_root = TRY(files.resolve(relocated(platform::native(root), jail)));
        if (use == PathUse::remove && is_within(real_root, real) && is_within(real, real_root)) {
            return refused(named, "is a folder that scripts may work in, not one that they may remove");
        }
        const bool everywhere = jail.relocation.empty() && is_within("", platform::native(root));  // "/": all drives
        inside = inside || everywhere || is_within(real, real_root);
    }
    return inside ? Status() : Status(refused(named, "leads through a link to a place outside of the allowed folders"));
}

/// Another name that somebody gave a file in a folder of theirs would pass that file off as his own. Looked at again
/// when it is opened.
Status check_second_name(const platform::FileInfo& file, const std::string& real, platform::Files& files,
                         std::string_view named) {
    if (file.kind != platform::FileKind::regular || file.names < 2) {
        return {};
    }
    const auto folder = TRY(files.info(real.substr(0, real.find_last_of(std::string("/") + separator()) + 1)));
    if (!folder || !folder->writable_by_others || (folder->foreign && folder->owner == file.owner)) {
        return {};
    }
    return refused(named, concat({"is another name of a file of user ", std::to_string(file.owner),
                                  " in a folder that others may write to"}));
}

/// "%TEMP%" or empty. Nobody means a folder of that name.
std::string_view windows_variable(std::string_view path) {
    const auto begin = path.find('%');
    const auto end = begin == std::string_view::npos ? begin : path.find('%', begin + 1);
    if (end == std::string_view::npos || end == begin + 1) {
        return {};
    }
    const auto name = path.substr(begin + 1, end - begin - 1);
    const bool plain = std::all_of(name.begin(), name.end(),
                                   [](char c) { return is_letter_or_digit(c) || c == '_' || c == '(' || c == ')'; });
    return plain && is_letter(name.front()) ? path.substr(begin, end - begin + 1) : std::string_view();
}

}  // namespace

Result<std::string> program_path(const std::string& name, const Jail& jail, platform::Files& files) {
    const std::string path = platform::native(name);
    if (!platform::is_absolute(path)) {
        return name;
    }
    const auto real = files.resolve(path, platform::Follow::trusted);
    if (!real && real.error().is(AgentCode::path_refused)) {
        return real.error();  // whoever owns the link would choose the program
    }
    if (jail.relocation.empty()) {
        return name;
    }
    const auto relocated = device_path(name, PathUse::edit, jail, files);
    return relocated && TRY(files.info(relocated.value())) ? relocated.value() : name;
}

/// Looks at the text only. A ".." is refused and not resolved: through a link it would lead to another place than it
/// seems to.
Result<std::string> tidy_path(std::string_view argument) {
    const std::string path = platform::native(argument);
    const bool control =
        std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (control) {
        return refused(printable(argument), "holds a control character");
    }
    if (path.size() > limits::k_path_bytes) {
        return error(AgentCode::name_too_long,
                     {"expected a path of at most ", std::to_string(limits::k_path_bytes), " bytes"});
    }
    if (const auto variable = windows_variable(path); !variable.empty()) {
        return refused(argument, concat({"holds ", variable,
                                         ", and variables of Windows are not put in; scripts have "
                                         "<mac> <ip> <hostname> <serial> <os> <image>"}));
    }
    const bool network = path.starts_with("\\\\");
    if (network || !platform::is_absolute(path)) {
        const bool drive = !has_drives() && path.size() > 1 && is_letter(path[0]) && path[1] == ':';
        return refused(argument, network ? "is a network or device name"
                                 : drive ? "is a path of Windows, and paths of this device begin with /"
                                         : "is not an absolute path");
    }
    std::vector<std::string_view> parts;
    for (const auto part : split(path, separator())) {
        if (part == "..") {
            return refused(argument, "has a part \"..\"");
        }
        if (part.empty() || part == ".") {
            continue;
        }
        const bool drive = has_drives() && parts.empty() && is_drive(part);
        if (has_drives() && !drive && (parts.empty() || is_special_name(part))) {
            return refused(argument,
                           parts.empty() ? "does not begin with a drive" : "has a name with a special meaning");
        }
        parts.push_back(part);
    }
    if (has_drives() && parts.empty()) {
        return refused(argument, "does not begin with a drive");
    }
    return joined(parts);
}

/// Asked twice: the path as written, so that the objection speaks of script.roots, and the real one, which a link may
/// have led outside. Devices are refused because a write could hit a disk and a read could wait for ever.
Result<std::string> device_path(const std::string& argument, PathUse use, const Jail& jail, platform::Files& files) {
    const std::string tidy = TRY(tidy_path(argument));
    const bool allowed = std::any_of(jail.roots.begin(), jail.roots.end(),
                                     [&](const std::string& root) { return is_within(tidy, platform::native(root)); });
    if (!allowed) {
        return refused(argument, "lies outside of the folders in script.roots");
    }
    if (use == PathUse::remove && tidy.back() == separator()) {
        return refused(argument, "is the root of a volume");
    }
    const std::string path = relocated(tidy, jail);
    std::string real =
        TRY(use == PathUse::edit ? files.resolve(path, platform::Follow::trusted) : with_resolved_parent(path, files));
    TRY(check_roots(real, use, jail, files, argument));
    TRY(work::check_protected(real, use == PathUse::remove ? work::Touch::name : work::Touch::content,
                              jail.protected_paths, files, argument));
    const auto info = TRY(files.info(real));
    if (info && info->kind == platform::FileKind::other) {
        return refused(argument, "is a device, a pipe or a socket");
    }
    if (info && use == PathUse::edit) {
        TRY(check_second_name(*info, real, files, argument));
    }
    return real;
}

}  // namespace hagent::script
