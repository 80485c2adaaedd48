// SPDX-License-Identifier: Apache-2.0
// Owns what this device calls itself at the manager, and the inventory that goes along.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/config/settings.h"
#include "agent/manager/dialect.h"
#include "platform/disk.h"
#include "platform/host.h"

namespace hagent::manager {

/// The id of device.id, whose <mac>, <hostname> and <serial> are replaced: <mac> by the first permanent address as
/// twelve lower-case hexadecimal digits without colons ("008064aabbcc"), which needs no encoding in any address.
/// Errors: config_bad_value for an unknown name, for a fact that this machine does not have, and for an id that is
/// empty, longer than 128 characters or holds others than letters, digits and "-._:@+".
[[nodiscard]] Result<std::string> device_id(const std::string& pattern, const platform::HostFacts& host);

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
