// SPDX-License-Identifier: Apache-2.0
// Owns the actions on the registry: SV, DV, DK, MR, GR. Each may be done twice: the second time finds what it wants.
#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/script/acting.h"
#include "agent/script/registry_key.h"
#include "agent/script/registry_text.h"
#include "agent/script/registry_value.h"
#include "agent/script/repository_path.h"
#include "platform/paths.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::RegistryChange;

// registries hold passwords and licence keys
constexpr std::uint32_t k_export_mode = 0600;

Result<platform::Registry*> registry(Acting& acting) {
    if (acting.services.registry == nullptr) {
        return error(AgentCode::unsupported_here, "there is no registry and no key store here");
    }
    return acting.services.registry;
}

/// All changes are looked at before the first is made, so that a merge that touches the agent's keys is refused whole.
Status apply(Acting& acting, const std::vector<RegistryChange>& changes) {
    for (const auto& change : changes) {
        TRY(may_change(change));
    }
    return TRY(registry(acting))->apply(changes);
}

}  // namespace

Status act_set_value(Acting& acting) {
    const auto& arguments = acting.step.arguments;
    auto [key, name] = TRY(registry_key_and_name(arguments[0]));
    const auto type = TRY(value_type(arguments.size() > 2 ? arguments[2] : "REG_SZ"));
    return apply(acting,
                 {{RegistryChange::Kind::set, std::move(key), std::move(name), TRY(value_of(type, arguments[1]))}});
}

Status act_delete_value(Acting& acting) {
    const auto& arguments = acting.step.arguments;
    return apply(acting, {{RegistryChange::Kind::remove_value, TRY(registry_key(arguments[0])), arguments[1], {}}});
}

Status act_delete_key(Acting& acting) {
    return apply(acting, {{RegistryChange::Kind::remove_key, TRY(registry_key(acting.step.arguments[0])), {}, {}}});
}

/// The file is read now and not in analysis only, since an earlier step may have brought or changed it.
Status act_merge(Acting& acting) {
    const std::string path = TRY(acting.real_path(acting.step.arguments[0], PathUse::edit));
    const auto changes = read_registry_text(TRY(acting.device_files().read(path, limits::k_edited_file_bytes)));
    return changes ? apply(acting, *changes) : Status(Error(changes.error()).with(acting.step.arguments[0]));
}

/// Uploads take files, so the branch is written to one that is gone again whatever becomes of the upload. A missing key
/// is an error: an empty file in the repository would look like an answer.
Status act_fetch_branch(Acting& acting) {
    auto& services = acting.services;
    if (services.uploads == nullptr || services.scratch_dir.empty()) {
        return error(AgentCode::unsupported_here, "there is no repository that takes uploads");
    }
    const auto key = TRY(registry_key(acting.step.arguments[0]));
    const auto keys = TRY(TRY(registry(acting))->branch(key));
    if (keys.empty()) {
        return error(AgentCode::file_not_found, key);
    }
    const std::string name = TRY(repository_path(acting.step.arguments[1]));
    const std::string file =
        concat({services.scratch_dir, platform::native("/"), "export-", std::to_string(acting.step.n)});
    TRY(services.files.write_durable(file, registry_text(keys), k_export_mode));
    const auto sent = services.uploads->upload(file, name, acting.cancel);
    TRY(services.files.remove_tree(file));
    TRY(services.files.sync_directory(
        services.scratch_dir));  // what the registry holds is not for anybody to find later
    return sent;
}

}  // namespace hagent::script
