// SPDX-License-Identifier: Apache-2.0
// Owns the key store: read whole, changed in memory, written whole.
#include "agent/script/key_store.h"

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/script/registry_text.h"
#include "agent/work/placing.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::RegistryChange;
using platform::RegistryKeyContent;
using platform::RegistryValue;

// it holds passwords and licence keys, as any registry does
constexpr std::uint32_t k_mode = 0600;

/// With a look at the separator: removing A\B must not take A\BC along.
bool is_at_or_below(std::string_view key, std::string_view top) {
    return key.starts_with(top) && (key.size() == top.size() || key[top.size()] == '\\');
}

}  // namespace

/// Parents are made first and what is there keeps its spelling, as the registry of Windows does it.
void KeyStore::change(Keys& keys, const RegistryChange& change) {
    const std::string id = to_lower(change.key);
    switch (change.kind) {
        case RegistryChange::Kind::remove_key:
            std::erase_if(keys, [&](const auto& entry) { return is_at_or_below(entry.first, id); });
            return;
        case RegistryChange::Kind::remove_value:
            if (const auto key = keys.find(id); key != keys.end()) {
                key->second.values.erase(to_lower(change.name));
            }
            return;
        case RegistryChange::Kind::make_key:
        case RegistryChange::Kind::set: break;
    }
    for (std::size_t end = 0; end != std::string::npos;) {
        end = change.key.find('\\', end + 1);
        keys.try_emplace(id.substr(0, end), Key{change.key.substr(0, end), {}});
    }
    if (change.kind == RegistryChange::Kind::set) {
        auto& value = keys[id].values.try_emplace(to_lower(change.name), change.name, change.value).first->second;
        value.second = change.value;
    }
}

/// A file that cannot be read is an error and not an empty store: the next change would write over what a person might
/// still save.
Result<KeyStore::Keys> KeyStore::load() const {
    Keys keys;
    if (!TRY(files_.info(file_))) {
        return keys;
    }
    auto changes = read_registry_text(TRY(files_.read(file_, limits::k_key_store_bytes)));
    if (!changes) {
        return error(AgentCode::io_error, {"the key store ", file_, " is damaged: ", changes.error().context});
    }
    for (const auto& each : *changes) {
        change(keys, each);
    }
    return keys;
}

Result<std::optional<RegistryValue>> KeyStore::value(const std::string& key, const std::string& name) {
    const Keys keys = TRY(load());
    const auto found = keys.find(to_lower(key));
    if (found == keys.end()) {
        return std::optional<RegistryValue>();
    }
    const auto value = found->second.values.find(to_lower(name));
    return value == found->second.values.end() ? std::optional<RegistryValue>() : std::optional(value->second.second);
}

std::vector<RegistryKeyContent> KeyStore::listed(const Keys& keys, const std::string& top) {
    std::vector<RegistryKeyContent> all;
    for (const auto& [id, content] : keys) {
        if (!top.empty() && !is_at_or_below(id, to_lower(top))) {
            continue;
        }
        RegistryKeyContent view{content.spelling, {}};
        for (const auto& [lower, value] : content.values) {
            view.values.push_back(value);
        }
        all.push_back(std::move(view));
    }
    return all;
}

Result<std::vector<RegistryKeyContent>> KeyStore::branch(const std::string& key) { return listed(TRY(load()), key); }

/// All is done in memory and written in one go, so that an error or a power cut at any point leaves the former file.
Status KeyStore::apply(const std::vector<RegistryChange>& changes) {
    Keys keys = TRY(load());
    for (const auto& each : changes) {
        change(keys, each);
    }
    const std::string text = registry_text(listed(keys, ""));
    if (text.size() > limits::k_key_store_bytes) {
        return error(AgentCode::file_too_large,
                     {"the key store takes ", std::to_string(limits::k_key_store_bytes), " bytes"});
    }
    TRY(work::make_parents(file_, files_));
    return files_.write_durable(file_, text, k_mode);
}

}  // namespace hagent::script
