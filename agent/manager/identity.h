// SPDX-License-Identifier: Apache-2.0
// Owns what this device calls itself at the manager, and the inventory that goes along.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/config/settings.h"
#include "agent/config/state_paths.h"
#include "agent/manager/dialect.h"
#include "platform/disk.h"
#include "platform/files.h"
#include "platform/host.h"

namespace hagent::manager {

/// The id of device.id, whose <mac>, <hostname> and <serial> are replaced: <mac> by the first permanent address as
/// twelve lower-case hexadecimal digits without colons ("008064aabbcc"), which needs no encoding in any address.
/// Errors: config_bad_value for an unknown name, for a fact that this machine does not have, and for an id that is
/// empty, longer than 128 characters or holds others than letters, digits and "-._:@+".
/// "localhost" is no hostname: every machine has that one.
[[nodiscard]] Result<std::string> device_id(const std::string& pattern, const platform::HostFacts& host);

/// What this device calls itself, and where that comes from.
struct DeviceId {
    std::string id;
    std::string from;          // for people: "configured", "kept", the name of a card, "the hostname" ...
    std::string pattern;       // that it was made of
    bool is_kept = false;      // in the state directory
    bool was_damaged = false;  // what was kept: of two copies one can be read at most
    bool is_sure = true;       // no card is missing that may still come
};

/// An id that is made of facts is made once: the kept one counts as long as device.id is the same text, whatever has
/// become of the card. Else it is made now. Errors: those of device_id(); is_missing_yet() tells them apart.
[[nodiscard]] Result<DeviceId> find_device_id(platform::Files& files, const config::StatePaths& state,
                                              const std::string& pattern, const platform::HostFacts& host);
/// Keeps it where that is to be done. Errors: those of Files.
[[nodiscard]] Status keep_device_id(platform::Files& files, const config::StatePaths& state, const DeviceId& id);
/// Whether device.id only waits for something that a machine gets some time after its start: a card, a name.
[[nodiscard]] bool is_missing_yet(const std::string& pattern, const platform::HostFacts& host);

/// What other parts of the agent know about the device.
/// An empty text: not known, and not told.
struct DeviceState {
    std::string image_version;
    std::string image_slot;
    /// More attributes, by name, for example {"agent.trust", "required, 2 keys"}; named "*.free" when they change all
    /// the time.
    std::vector<std::pair<std::string, std::string>> more;
};

/// Attributes without a value are left out. Order is fixed, names are ASCII and at most 32 bytes but for labels.
/// Sizes are in MiB where the name says so; those that end in ".free" are texts for people.
[[nodiscard]] Identity describe(std::string device_id, const config::DeviceSettings& settings,
                                const platform::HostFacts& host, const std::vector<platform::Volume>& volumes,
                                const DeviceState& state);

}  // namespace hagent::manager
