// SPDX-License-Identifier: Apache-2.0
// Owns the planners of the confirming commands: CO, CF, CI, CP, CU. They are settled here; running them does nothing.
#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/script/planning.h"
#include "agent/script/repository_path.h"

namespace hagent::script {
namespace {

using errors::AgentCode;

std::string list(const std::vector<std::string>& items, std::string_view between) {
    std::string text;
    for (const auto& item : items) {
        text.append(text.empty() ? "" : between).append(item);
    }
    return text;
}

/// The codes in all arguments, separated by blanks or commas.
std::vector<std::string> codes(const Planning& planning) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < planning.count(); ++i) {
        const std::string blanks_only = replace_all(planning.argument(i), ",", " ");
        for (const auto word : words(blanks_only)) {
            all.emplace_back(word);
        }
    }
    return all;
}

/// Bytes on the volume of `path` that staged parts of this package hold: they are part of what the script may use.
std::uint64_t staged_bytes_beside(Planning& planning, const platform::Volume& volume) {
    auto& context = planning.context;
    if (!context.package.disposable() || context.options.staging_dir.empty()) {
        return 0;
    }
    const auto staging = context.disks.volume_of(context.options.staging_dir);
    if (!staging || staging->mount_point != volume.mount_point) {
        return 0;
    }
    std::uint64_t bytes = 0;
    for (const auto& file : context.package.files()) {
        bytes += file.bytes - std::min(file.bytes, context.package.bytes_to_stage(file));
    }
    return bytes;
}

}  // namespace

/// Any of the codes that the device goes by will do, in any case of letters, since scripts for one system are written
/// with several.
void plan_os(Planning& planning) {
    const auto wanted = codes(planning);
    planning.step.effect = "confirm operating system " + list(wanted, " or ");
    if (wanted.empty()) {
        return planning.refuse(0, error(AgentCode::bad_argument, "expected an OS code such as SLX"));
    }
    const auto& own = planning.context.facts.os_codes;
    const bool found = std::any_of(wanted.begin(), wanted.end(), [&](const std::string& code) {
        return std::any_of(own.begin(), own.end(), [&](const std::string& o) { return equal_ignoring_case(code, o); });
    });
    if (!found) {
        planning.fail(0,
                      error(AgentCode::os_mismatch, {"this device runs ", (own.empty() ? "an unknown OS" : own.front()),
                                                     ", not ", list(wanted, " or ")}));
    }
}

/// Compared with what is free and what is staged already, or a script that goes on after a restart would fail for the
/// space that its own downloads take.
void plan_space(Planning& planning) {
    const auto wanted = parse_size(planning.argument(1));
    if (!wanted) {
        return planning.refuse(1, error(AgentCode::bad_argument, "expected a size such as 500K, 20M or 2G"));
    }
    planning.step.effect = concat({"confirm ", human_bytes(*wanted), " free on the volume of ", planning.argument(0)});
    const std::string path = planning.real_path(0, PathUse::edit);
    if (path.empty()) {
        return;
    }
    const auto volume = planning.context.disks.volume_of(path);
    if (!volume) {
        return planning.fail(0, error(volume.error().id, {"the volume of ", planning.argument(0), " cannot be found"}));
    }
    const std::uint64_t there = volume->available_bytes + staged_bytes_beside(planning, volume.value());
    if (there < *wanted) {
        const auto [wants, has] = human_bytes_apart(*wanted, there);
        planning.fail(1,
                      error(AgentCode::not_enough_space, {wants, " wanted, ", has, " free on ", volume->mount_point}));
    }
}

/// The condition is read even when this device does not know its version: a malformed one is wrong on every device.
void plan_image_version(Planning& planning) {
    const std::string& own = planning.context.facts.image_version;
    planning.step.effect = "confirm image version " + planning.argument(0);
    const auto holds = version_holds(planning.argument(0), own);
    if (!holds) {
        return planning.refuse(0, holds.error());
    }
    if (own.empty()) {
        return planning.fail(0, error(AgentCode::image_mismatch, "this device does not say its image version"));
    }
    if (!holds.value()) {
        planning.fail(
            0, error(AgentCode::image_mismatch, {"this device has image ", own, ", wanted is ", planning.argument(0)}));
    }
}

void plan_platform(Planning& planning) {
    const std::string all = list(planning.step.arguments, " or ");
    planning.step.effect = "confirm platform " + all;
    const auto& own = planning.context.facts.platforms;
    for (std::size_t i = 0; i < planning.count(); ++i) {
        const auto wanted = to_lower(trim(planning.argument(i)));
        if (wanted.empty()) {
            return planning.refuse(
                i, error(AgentCode::bad_argument, "expected a platform such as \"VXC 6215\" or \"VXC*\""));
        }
        if (std::any_of(own.begin(), own.end(),
                        [&](const std::string& name) { return matches(wanted, to_lower(name)); })) {
            return;
        }
    }
    planning.fail(0, error(AgentCode::platform_mismatch,
                           {"this device is ", (own.empty() ? "of an unknown platform" : own.back()), ", not ", all}));
}

void plan_user(Planning& planning) {
    const std::string& wanted = planning.argument(0);
    const std::string& own = planning.context.facts.user;
    planning.step.effect = wanted == "*"   ? "confirm that somebody is logged on"
                           : wanted == "-" ? "confirm that nobody is logged on"
                                           : concat({"confirm that ", wanted, " is logged on"});
    const bool holds = wanted == "*" ? !own.empty() : wanted == "-" ? own.empty() : equal_ignoring_case(wanted, own);
    if (wanted.empty()) {
        planning.refuse(0, error(AgentCode::bad_argument, "expected a user name, \"*\" or \"-\""));
    } else if (!holds) {
        planning.fail(0, error(AgentCode::user_mismatch, own.empty() ? "nobody is logged on" : own + " is logged on"));
    }
}

}  // namespace hagent::script
