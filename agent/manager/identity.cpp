// SPDX-License-Identifier: Apache-2.0
// Owns the list of attributes and the filling of the id's template.
#include "agent/manager/identity.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "agent/base/concat.h"
#include "agent/base/crc32.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/trust/digest.h"

namespace hagent::manager {
namespace {

using errors::AgentCode;

constexpr std::size_t k_id_bytes = 128;
constexpr std::uint32_t k_kept_mode = 0600;
constexpr std::size_t k_listed = 8;  // addresses and volumes: a thin client has a few

Failure bad_id(const std::string& why) { return error(AgentCode::config_bad_value, {"device.id: ", why}); }

/// What a system is called before anybody has named it does not count.
std::string own_name(const platform::HostFacts& host) {
    const std::string name = to_lower(host.hostname);
    return name == "localhost" || name.starts_with("localhost.") || name == "(none)" ? "" : host.hostname;
}

bool holds(std::string_view pattern, std::string_view name) { return pattern.find(name) != std::string_view::npos; }

/// Half of the file, which has it twice so that one damaged byte costs nothing: the sum of the rest, the id, the
/// pattern.
std::string kept_line(const std::string& id, const std::string& pattern) {
    const std::string text = concat({id, " ", pattern});
    return concat({std::to_string(crc32(text)), " ", text, "\n"});
}

struct Kept {
    std::string id;  // empty: none that can be used
    bool damaged = false;
};

Kept read_kept(platform::Files& files, const std::string& path, const std::string& pattern) {
    const auto content = files.read(path, limits::k_config_bytes);
    Kept kept;
    if (!content.ok()) {
        kept.damaged = !content.error().is(AgentCode::file_not_found);
        return kept;
    }
    const std::string_view text = *content;
    for (auto half : {text.substr(0, text.size() / 2), text.substr(text.size() / 2)}) {
        const auto first = half.find(' '), second = half.find(' ', first + 1);
        const bool good =
            second != std::string_view::npos && half.back() == '\n' &&
            parse_u64(half.substr(0, first), UINT32_MAX) == crc32(half.substr(first + 1, half.size() - first - 2));
        kept.damaged = kept.damaged || !good;
        if (good && half.substr(second + 1, half.size() - second - 2) == pattern) {
            kept.id = half.substr(first + 1, second - first - 1);
        }
    }
    return kept;
}

/// For people: what an id that was made now is made of.
std::string made_of(const std::string& pattern, const platform::HostFacts& host) {
    if (holds(pattern, "<mac>")) {
        return host.card_names.empty() ? "the first network card" : host.card_names.front();
    }
    return holds(pattern, "<hostname>") ? "the hostname"
           : holds(pattern, "<serial>") ? "the serial number"
                                        : "configured";
}

/// A fact that is missing is an error, not an empty text: all devices without a serial number would share one id.
Result<std::string> fact(std::string_view name, const platform::HostFacts& host) {
    std::string value;
    if (name == "mac") {
        value = host.macs.empty() ? "" : to_lower(replace_all(host.macs.front(), ":", ""));
    } else if (name == "hostname") {
        value = own_name(host);
    } else if (name == "serial") {
        value = host.serial;
    } else {
        return bad_id(concat({"<", printable(clip(name, 32)), "> is none of <mac>, <hostname>, <serial>"}));
    }
    return value.empty() ? Result<std::string>(bad_id(concat({"this machine has no ", name, "; write an id out"})))
                         : Result<std::string>(std::move(value));
}

/// What needs no encoding in a path, and cannot be mistaken for a part of one.
bool plain(char c) { return is_letter_or_digit(c) || std::string_view("-._:@+").find(c) != std::string_view::npos; }

std::string joined(const std::vector<std::string>& texts) {
    std::string out;
    for (std::size_t i = 0; i < std::min(texts.size(), k_listed); ++i) {
        out += (i == 0 ? "" : " ") + texts[i];
    }
    return out;
}

std::string mebibytes(std::uint64_t bytes) { return bytes == 0 ? std::string() : std::to_string(bytes >> 20U); }

using Attributes = std::vector<std::pair<std::string, std::string>>;

void add_volumes(Attributes& out, const std::vector<platform::Volume>& volumes) {
    for (std::size_t i = 0; i < std::min(volumes.size(), k_listed); ++i) {
        const std::string name = "disk" + std::to_string(i);
        out.emplace_back(name, volumes[i].mount_point);
        out.emplace_back(name + ".total_mib", mebibytes(volumes[i].total_bytes));
        out.emplace_back(name + ".free", human_bytes(volumes[i].available_bytes));
    }
}

/// Free space changes with each file; with it in the digest every check-in would send the whole inventory.
std::string digest_of(const Identity& identity) {
    std::string text = identity.device_id + '\n';
    for (const auto& [name, value] : identity.attributes) {
        if (!name.ends_with(".free")) {
            text += name + '=' + value + '\n';
        }
    }
    return trust::sha256_hex(text);
}

}  // namespace

Result<std::string> device_id(const std::string& pattern, const platform::HostFacts& host) {
    std::string id;
    std::string_view rest = pattern;
    while (!rest.empty()) {
        const auto open = rest.find('<');
        id += rest.substr(0, open);
        if (open == std::string_view::npos) {
            break;
        }
        const auto close = rest.find('>', open);
        if (close == std::string_view::npos) {
            return bad_id("a '<' without '>'");
        }
        id += TRY(fact(rest.substr(open + 1, close - open - 1), host));
        rest.remove_prefix(close + 1);
    }
    if (id.empty() || id.size() > k_id_bytes || !std::all_of(id.begin(), id.end(), plain)) {
        return bad_id(concat({"'", printable(clip(id, k_id_bytes)), "' is not 1 to 128 letters, digits or -._:@+"}));
    }
    return id;
}

Result<DeviceId> find_device_id(platform::Files& files, const config::StatePaths& state, const std::string& pattern,
                                const platform::HostFacts& host) {
    auto made = device_id(pattern, host);
    DeviceId out;
    out.pattern = pattern;
    const bool is_made = holds(pattern, "<");
    const auto kept = is_made ? read_kept(files, state.device_id(), pattern) : Kept();
    out.was_damaged = kept.damaged;
    if (!kept.id.empty()) {
        out.id = kept.id;
        out.is_kept = true;
        out.from = made.ok() && *made == kept.id ? "kept"
                   : made.ok()                   ? concat({"kept; this machine would now be ", *made})
                                                 : "kept; what it was made of is not there now";
        out.from += kept.damaged ? "; the note of it is damaged" : "";
        return out;
    }
    out.id = TRY(std::move(made));
    out.from = made_of(pattern, host);
    out.is_sure = !holds(pattern, "<mac>") || host.has_real_card;
    return out;
}

Status keep_device_id(platform::Files& files, const config::StatePaths& state, const DeviceId& id) {
    if (!holds(id.pattern, "<") || (id.is_kept && !id.was_damaged)) {
        return {};
    }
    const std::string line = kept_line(id.id, id.pattern);
    return files.write_durable(state.device_id(), line + line, k_kept_mode);
}

bool is_missing_yet(const std::string& pattern, const platform::HostFacts& host) {
    return (holds(pattern, "<mac>") && host.macs.empty()) || (holds(pattern, "<hostname>") && own_name(host).empty());
}

Identity describe(std::string device_id, const config::DeviceSettings& settings, const platform::HostFacts& host,
                  const std::vector<platform::Volume>& volumes, const DeviceState& state) {
    Identity identity;
    identity.device_id = std::move(device_id);
    Attributes& out = identity.attributes;
    out = {{"device.id", identity.device_id}, {"mac", joined(host.macs)},
           {"ip", joined(host.addresses)},    {"hostname", host.hostname},
           {"vendor", host.vendor},           {"product", host.product},
           {"serial", host.serial},           {"cpu", host.cpu},
           {"machine", host.machine},         {"memory_mib", mebibytes(host.memory_bytes)},
           {"os.name", host.os_name},         {"os.release", host.os_release},
           {"os.code", settings.os_code},     {"image.version", state.image_version},
           {"image.slot", state.image_slot},  {"agent.version", std::string(agent_version())},
           {"boot.id", host.boot_id}};
    add_volumes(out, volumes);
    out.insert(out.end(), state.more.begin(), state.more.end());
    out.insert(out.end(), settings.labels.begin(), settings.labels.end());
    std::erase_if(out, [](const auto& attribute) { return attribute.second.empty(); });
    identity.digest = digest_of(identity);
    return identity;
}

}  // namespace hagent::manager
