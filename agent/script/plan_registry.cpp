// SPDX-License-Identifier: Apache-2.0
// Owns the planners of the registry commands: CR, SV, DV, DK, MR, GR.
#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/script/planning.h"
#include "agent/script/registry_key.h"
#include "agent/script/registry_text.h"
#include "agent/script/registry_value.h"
#include "agent/script/repository_path.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::RegistryChange;

constexpr std::size_t k_longest_name = 255;

/// Null after an objection.
platform::Registry* registry(Planning& planning) {
    auto* found = planning.context.options.registry;
    if (found == nullptr) {
        planning.fail(0, error(AgentCode::unsupported_here, "there is no registry and no key store here"));
    }
    return found;
}

/// The key and name of argument 0 after `split_up`; empty after an objection.
template <class Split>
auto key_argument(Planning& planning, Split split_up) {
    auto parts = split_up(planning.argument(0));
    if (!parts) {
        planning.refuse(0, parts.error());
    }
    return parts;
}

bool is_good_name(Planning& planning, std::size_t index, const std::string& name) {
    if (name.size() > k_longest_name) {
        planning.refuse(index, error(AgentCode::name_too_long, "expected a name of at most 255 bytes"));
        return false;
    }
    return true;
}

/// Refused and not failed: the agent's keys are out of reach for an optional step as well.
void check_change(Planning& planning, const RegistryChange& change) {
    if (const auto allowed = may_change(change); !allowed) {
        planning.refuse(0, allowed.error());
    }
}

Failure differs(const std::string& what, const std::optional<platform::RegistryValue>& found) {
    return error(AgentCode::registry_mismatch,
                 {what, (found ? concat({" is \"", clip(value_text(*found), 120), "\""}) : " is not there")});
}

std::string counted_changes(std::size_t count) {
    return concat({" (", std::to_string(count), (count == 1 ? " change)" : " changes)")});
}

/// A file that is on the device already is read now, so that a bad one stops the script before its first step.
void look_into(Planning& planning, const std::string& path) {
    auto text = planning.context.files.read(path, limits::k_edited_file_bytes);
    const auto changes = text ? read_registry_text(*text) : Result<std::vector<RegistryChange>>(text.error());
    if (!changes) {
        return planning.fail(0, changes.error());
    }
    for (const auto& change : *changes) {
        if (const auto allowed = may_change(change); !allowed) {
            return planning.refuse(0, allowed.error());
        }
    }
    planning.step.effect += counted_changes(changes->size());
}

}  // namespace

/// Compared by the type of what is there: 0x10 and 16 are the same REG_DWORD. Data that is none of that type differs.
void plan_confirm_value(Planning& planning) {
    planning.step.effect = "confirm a registry value";
    const auto key = key_argument(planning, registry_key);
    const std::string& name = planning.argument(1);
    if (!key || !is_good_name(planning, 1, name)) {
        return;
    }
    const std::string place = *key + " " + value_name_text(name);
    planning.step.effect = concat({"confirm that ", place, " is \"", planning.argument(2), "\""});
    auto* store = registry(planning);
    if (store == nullptr || planning.settled()) {
        return;
    }
    const auto found = store->value(*key, name);
    if (!found) {
        return planning.fail(0, found.error());
    }
    const auto wanted = *found ? value_of((*found)->type, planning.argument(2))
                               : Result<platform::RegistryValue>(error(AgentCode::bad_argument));
    if (!wanted || *wanted != **found) {
        planning.fail(2, differs(place, *found));
    }
}

void plan_set_value(Planning& planning) {
    planning.step.effect = "set a registry value";
    const auto place = key_argument(planning, registry_key_and_name);
    if (!place || !is_good_name(planning, 0, place->second)) {
        return;
    }
    const auto type = value_type(planning.count() > 2 ? planning.argument(2) : "REG_SZ");
    if (!type) {
        return planning.refuse(2, type.error());
    }
    const auto value = value_of(*type, planning.argument(1));
    if (!value) {
        return planning.refuse(1, value.error());
    }
    planning.step.effect = concat({"set ", place->first, " ", value_name_text(place->second), " to \"",
                                   value_text(*value), "\" (", type_name(*type), ")"});
    check_change(planning, {RegistryChange::Kind::set, place->first, place->second, *value});
    (void)registry(planning);
}

void plan_delete_value(Planning& planning) {
    planning.step.effect = "delete a registry value";
    const auto key = key_argument(planning, registry_key);
    if (!key || !is_good_name(planning, 1, planning.argument(1))) {
        return;
    }
    planning.step.effect = "delete the value " + value_name_text(planning.argument(1)) + " of " + *key;
    check_change(planning, {RegistryChange::Kind::remove_value, *key, planning.argument(1), {}});
    (void)registry(planning);
}

void plan_delete_key(Planning& planning) {
    planning.step.effect = "delete a registry key";
    const auto key = key_argument(planning, registry_key);
    if (!key) {
        return;
    }
    planning.step.effect = "delete the key " + *key + " with all that is in it";
    check_change(planning, {RegistryChange::Kind::remove_key, *key, {}, {}});
    (void)registry(planning);
}

/// A file that a step before this one brings for certain cannot be looked at yet; what is there now would be the wrong
/// one.
void plan_merge(Planning& planning) {
    planning.step.effect = "merge the registry file " + planning.argument(0);
    const std::string path = planning.real_path(0, PathUse::edit);
    if (path.empty() || registry(planning) == nullptr || planning.settled()) {
        return;
    }
    const auto bringer = earlier_step_brings(planning, planning.argument(0));
    const bool there = planning.context.files.info(path).value_or(std::nullopt).has_value();
    if (bringer == Bringer::yes) {
        return;
    }
    if (there) {
        return look_into(planning, path);
    }
    const std::string missing = planning.argument(0) + " is not on this device";
    if (bringer == Bringer::perhaps) {
        return planning.doubt(
            0, error(AgentCode::file_not_found, {missing, " as things are; an earlier step must bring it"}));
    }
    planning.fail(0, error(AgentCode::file_not_found, missing));
}

void plan_fetch_branch(Planning& planning) {
    planning.step.effect = "upload a registry key";
    const auto key = key_argument(planning, registry_key);
    const auto name = repository_path(planning.argument(1));
    if (!name) {
        return planning.refuse(1, name.error());
    }
    if (!key) {
        return;
    }
    planning.step.effect = "upload the key " + *key + " with all that is in it as " + *name;
    const bool folder = planning.argument(1).ends_with('/') || planning.argument(1).ends_with('\\');
    if (name->empty() || folder || has_wildcard(*name)) {
        return planning.refuse(1, error(AgentCode::bad_argument, "expected a file name without wildcards"));
    }
    if (registry(planning) != nullptr && !planning.context.options.uploads) {
        planning.fail(1, error(AgentCode::unsupported_here, "there is no repository that takes uploads"));
    }
}

}  // namespace hagent::script
