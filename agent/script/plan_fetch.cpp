// SPDX-License-Identifier: Apache-2.0
// Owns the planners of the commands that move files between package and device: SF, XC, GF.
#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/script/planning.h"
#include "agent/script/repository_path.h"
#include "agent/work/placing.h"
#include "platform/paths.h"

namespace hagent::script {
namespace {

using errors::AgentCode;

std::string below(const std::string& directory, const std::string& name) {
    const std::string between = platform::native("/");
    return directory + (directory.ends_with(between) ? "" : between) + platform::native(name);
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string total(const std::vector<Placement>& files) {
    std::uint64_t bytes = 0;
    for (const auto& placement : files) {
        bytes += placement.file.bytes;
    }
    return human_bytes(bytes);
}

std::string counted(std::size_t files) { return std::to_string(files) + (files == 1 ? " file" : " files"); }

/// Whether it stands for a folder cannot be told, so neither can what it would be replaced by.
void refuse_link_of_others(Planning& planning, const std::string& path, const Error& why) {
    const auto place = device_path(path, PathUse::place, planning.context.jail, planning.context.files);
    const auto info = place ? planning.context.files.info(*place) : Result<std::optional<platform::FileInfo>>(why);
    if (info && info.value() && info.value()->kind == platform::FileKind::symlink && info.value()->foreign) {
        planning.refuse(1, why);
    }
}

/// There now, or made by an earlier step.
bool is_directory(Planning& planning, const std::string& path) {
    auto& context = planning.context;
    if (context.directories.contains(platform::common_spelling(path))) {
        return true;
    }
    const auto real = device_path(path, PathUse::edit, context.jail, context.files);
    if (!real) {
        refuse_link_of_others(planning, path, real.error());
        return false;
    }
    const auto info = context.files.info(*real);
    return info && info.value() && info.value()->kind == platform::FileKind::directory;
}

/// A parent that is known ends the loop: those above it were remembered with it.
void remember_parents(Planning& planning, const std::string& target) {
    const char separator = platform::native("/").front();
    for (auto at = target.rfind(separator); at != std::string::npos && at > 0; at = target.rfind(separator, at - 1)) {
        if (!planning.context.directories.insert(platform::common_spelling(target.substr(0, at))).second) {
            return;
        }
    }
}

/// A file is downloaded once however many steps place it, but it takes space at each place.
void account_for(Planning& planning, const PackageFile& file, const std::string& real) {
    auto& context = planning.context;
    if (planning.in_flight() && work::is_in_place(file, real, context.files).value_or(false)) {
        return;  // placed just before the interruption: neither fetched nor stored again
    }
    if (context.downloads.insert(file.path).second) {
        context.plan.downloads.push_back(file);
    }
    const auto old = context.files.info(real).value_or(std::nullopt);
    const bool replaces = old && old->kind == platform::FileKind::regular;
    context.changes.push_back({real, file.bytes, replaces ? old->bytes : 0,
                               std::pair(context.plan.steps.size(), planning.step.files.size() - 1)});
}

/// False after an objection. The place of a step that is done already is nobody's business any more: later steps may
/// have made a link of it.
bool add_placement(Planning& planning, const PackageFile& file, const std::string& target) {
    const auto real = device_path(target, PathUse::place, planning.context.jail, planning.context.files);
    if (!real) {
        planning.refuse(1, real.error());
        return planning.settled();
    }
    planning.step.files.push_back({file, target, false});
    remember_parents(planning, target);
    if (!planning.settled()) {
        account_for(planning, file, real.value());
    }
    return true;
}

/// A name that differs in case only is the likeliest cause: scripts come from Windows.
std::string other_case(const PackageFiles& package, const std::string& path) {
    for (const auto& file : package.files()) {
        const auto start = std::string_view(file.path).substr(0, path.size());
        if (start != path && equal_ignoring_case(start, path)) {
            return concat({"; there is ", clip(file.path, 200), ", and upper case counts"});
        }
    }
    return {};
}

/// Where nobody has signed a list, it is a file that is missing and not a line in a manifest.
Failure not_listed(const PackageFiles& package, const std::string& path) {
    const auto shown = clip(path, 200);
    return error(package.has_manifest() ? AgentCode::file_not_listed : AgentCode::file_not_found,
                 {(path.empty() ? "the package" : shown), (shown.size() < path.size() ? "..." : ""),
                  (package.has_manifest() ? " has no file in the package's manifest"
                                          : " is not in the folder that <regroot> stands for"),
                  other_case(package, path)});
}

std::vector<const PackageFile*> matching_files(const Planning& planning, const std::string& pattern) {
    std::vector<const PackageFile*> found;
    for (const auto& file : planning.context.package.files()) {
        if (has_wildcard(pattern) ? matches(pattern, file.path) : file.path == pattern) {
            found.push_back(&file);
        }
    }
    return found;
}

/// Empty after an objection.
std::optional<std::string> repository_argument(Planning& planning, std::size_t index) {
    auto path = repository_path(planning.argument(index));
    if (!path) {
        planning.refuse(index, path.error());
        return std::nullopt;
    }
    return std::move(path).value();
}

std::optional<std::string> tidy_target(Planning& planning) {
    if (planning.has_wildcards(1)) {
        return std::nullopt;
    }
    auto target = tidy_path(planning.argument(1));
    if (!target) {
        planning.refuse(1, target.error());
        return std::nullopt;
    }
    return std::move(target).value();
}

/// Wildcards may find one name in two folders; the second file would replace the first without a word.
void place_matches(Planning& planning, const std::vector<const PackageFile*>& found, const std::string& target,
                   bool directory) {
    std::set<std::string> names;
    for (const auto* file : found) {
        const std::string name = base_name(file->path);
        if (!names.insert(name).second) {
            return planning.refuse(
                0, error(AgentCode::bad_argument, {"two files named ", name, " would go to one place"}));
        }
        if (!add_placement(planning, *file, directory ? below(target, name) : target)) {
            return;
        }
    }
}

}  // namespace

/// Folder or file is decided here and kept in each placement, so that the run cannot decide otherwise because of what a
/// step before it made.
void plan_fetch_files(Planning& planning) {
    const auto pattern = repository_argument(planning, 0);
    const auto target = tidy_target(planning);
    if (!pattern || !target) {
        return;
    }
    if (pattern->empty()) {
        return planning.refuse(0, error(AgentCode::bad_argument, "expected a file of the package"));
    }
    const auto found = matching_files(planning, *pattern);
    const std::string& written = planning.argument(1);
    const bool directory = has_wildcard(*pattern) || written.back() == '/' ||
                           written.back() == platform::native("/").front() || is_directory(planning, *target);
    planning.step.effect = "fetch " + *pattern + " to " + *target;
    if (found.empty()) {
        return planning.fail(0, not_listed(planning.context.package, *pattern));
    }
    place_matches(planning, found, *target, directory);
    const auto& files = planning.step.files;
    if (files.size() == 1) {
        planning.step.effect = concat({"fetch ", files[0].file.path, " (", total(files), ") to ", files[0].target});
    } else if (!files.empty()) {
        planning.step.effect =
            "fetch " + counted(files.size()) + " matching " + *pattern + " (" + total(files) + ") to " + *target;
    }
}

void plan_fetch_tree(Planning& planning) {
    auto tree = repository_argument(planning, 0);
    const auto target = tidy_target(planning);
    if (!tree || !target) {
        return;
    }
    if (*tree == "*" || tree->ends_with("/*")) {  // all that is in a folder, as these scripts say it
        tree->resize(tree->size() - std::min<std::size_t>(tree->size(), 2));
    }
    planning.step.effect = "fetch the tree " + *tree + " to " + *target;
    if (has_wildcard(*tree)) {
        return planning.refuse(
            0, error(AgentCode::bad_argument, "expected a folder of the package; only one \\* at its end may follow"));
    }
    if (const auto real = device_path(*target, PathUse::edit, planning.context.jail, planning.context.files)) {
        look_at(planning, 1, *real, Needed::folder_or_nothing);
    }
    // with the separator, so that "fw" does not take "fw2/..." along
    const std::string prefix = tree->empty() ? "" : *tree + "/";
    for (const auto& file : planning.context.package.files()) {
        if (file.path.starts_with(prefix) &&
            !add_placement(planning, file, below(*target, file.path.substr(prefix.size())))) {
            return;
        }
    }
    const auto& files = planning.step.files;
    if (files.empty()) {
        return planning.fail(0, not_listed(planning.context.package, *tree));
    }
    planning.step.effect = "fetch the " + (tree->empty() ? "whole package" : "tree " + *tree) + " (" +
                           counted(files.size()) + ", " + total(files) + ") to " + *target;
}

void plan_upload(Planning& planning) {
    const auto name = repository_argument(planning, 1);
    planning.step.effect = concat({"upload ", planning.argument(0), (name ? " as " + *name : "")});
    look_at(planning, 0, planning.real_path(0, PathUse::edit), Needed::file);
    if (const auto written = std::string_view(planning.argument(1));
        written.ends_with('/') || written.ends_with('\\')) {
        return planning.refuse(
            1, error(AgentCode::bad_argument, "expected the name of the file in the repository, not a folder"));
    }
    if (name && (name->empty() || has_wildcard(*name))) {
        return planning.refuse(1, error(AgentCode::bad_argument, "expected a file name without wildcards"));
    }
    if (!planning.context.options.uploads) {
        planning.fail(1, error(AgentCode::unsupported_here, "there is no repository that takes uploads"));
    }
}

}  // namespace hagent::script
