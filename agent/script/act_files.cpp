// SPDX-License-Identifier: Apache-2.0
// Owns the actions on whole files: SF, XC, GF, DF, DT, RF.
#include "agent/base/concat.h"
#include "agent/script/acting.h"
#include "agent/script/repository_path.h"
#include "agent/work/placing.h"
#include "platform/paths.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::FileInfo;
using platform::FileKind;

/// What is in place already is left alone. So a step that is done again does not miss the staged copy that it moved
/// away, and costs no second write. Only the permission to execute is seen to: the same content may have been there
/// without it.
Status fetch_one(Acting& acting, const Placement& placement) {
    auto& files = acting.device_files();
    const std::string target = TRY(acting.real_path(placement.target, PathUse::place));
    if (TRY(work::is_in_place(placement.file, target, files))) {
        TRY(work::make_executable(target, files));
        return acting.settle(target);
    }
    // resolved, because the files of the jail refuse every link, and the state folder may lie behind one
    const std::string staged =
        TRY(acting.services.files.resolve(TRY(acting.package.staged(placement.file.path)), platform::Follow::trusted));
    const auto placing = placement.move && acting.package.disposable() ? work::Placing::move : work::Placing::copy;
    return work::place({staged, placement.file.sha256}, target, placing, files, acting.cancel);
}

bool is_kind(const std::optional<FileInfo>& info, FileKind kind) { return info && info->kind == kind; }

/// Across volumes only files can move: copied into place first, then removed, so that one of the two is always whole.
Status rename_across(const std::string& from, const std::string& to, Acting& acting) {
    const auto info = TRY(acting.device_files().info(from));
    if (!is_kind(info, FileKind::regular)) {
        return error(AgentCode::cross_device, {from, " to ", to});
    }
    TRY(work::make_parents(to, acting.device_files()));
    TRY(work::place_copy({from, {}}, to, info->mode & 0777U, acting.device_files(), acting.cancel));
    TRY(acting.device_files().remove(from));
    return work::sync_parent(from, acting.device_files());
}

}  // namespace

/// File after file. Each is whole or not there at all, so a step that goes on after an interruption fetches the rest.
Status act_fetch(Acting& acting) {
    for (const auto& placement : acting.step.files) {
        if (acting.cancel.requested()) {
            return error(AgentCode::cancelled, placement.target);
        }
        TRY(fetch_one(acting, placement));
    }
    return {};
}

/// The jail holds for reading too: without it a script could send keys and tokens of the agent to its repository.
Status act_upload(Acting& acting) {
    if (acting.services.uploads == nullptr) {
        return error(AgentCode::unsupported_here, "there is no repository that takes uploads");
    }
    const std::string path = TRY(acting.real_path(acting.step.arguments[0], PathUse::edit));
    const std::string name = TRY(repository_path(acting.step.arguments[1]));
    return acting.services.uploads->upload(path, name, acting.cancel);
}

/// What is absent is success: the step may have been done right before the power failed. A folder is refused, because
/// what is in it would go unnoticed; that is for DT.
Status act_delete_file(Acting& acting) {
    auto& files = acting.device_files();
    const std::string path = TRY(acting.real_path(acting.step.arguments[0], PathUse::remove));
    const auto info = TRY(files.info(path));
    if (is_kind(info, FileKind::directory)) {
        return error(AgentCode::is_a_directory, path);
    }
    if (info) {
        TRY(files.remove(path));
    }
    return info ? work::sync_parent(path, files) : acting.settle(path);
}

/// A file is refused: whoever writes DT thinks of a folder, so the path is probably not the one that was meant.
Status act_delete_tree(Acting& acting) {
    auto& files = acting.device_files();
    const std::string path = TRY(acting.real_path(acting.step.arguments[0], PathUse::remove));
    const auto info = TRY(files.info(path));
    if (info && info->kind != FileKind::directory) {
        return error(AgentCode::not_a_directory, path);
    }
    TRY(files.remove_tree(path));
    return info ? work::sync_parent(path, files) : acting.settle(path);
}

/// When the step was in flight and only the new name is there, the renaming was done before the interruption; both
/// folders are still synced, since it may not have reached the disk. Otherwise a missing file is an error.
Status act_rename(Acting& acting) {
    auto& files = acting.device_files();
    const std::string from = TRY(acting.real_path(acting.step.arguments[0], PathUse::remove));
    const std::string to = TRY(acting.real_path(acting.step.arguments[1], PathUse::place));
    if (!TRY(files.info(from))) {
        const bool renamed_before = acting.record.in_flight_before && TRY(files.info(to)).has_value();
        if (!renamed_before) {
            return error(AgentCode::file_not_found, from);
        }
        TRY(acting.settle(to));
        return acting.settle(from);
    }
    auto renamed = files.rename(from, to);
    return !renamed && renamed.error().is(AgentCode::cross_device) ? rename_across(from, to, acting) : renamed;
}

}  // namespace hagent::script
