// SPDX-License-Identifier: Apache-2.0
// Owns registry files, the INI-like text that MR merges, GR exports and the key store is kept in. Format: FORMAT.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "platform/registry.h"

namespace hagent::script {

/// The changes that a registry file stands for, in its order; keys are tidy. UTF-16 with its mark, UTF-8 or Latin-1.
/// Errors: bad_argument with the line. Whether they may be made is another question: may_change().
[[nodiscard]] Result<std::vector<platform::RegistryChange>> read_registry_text(std::string_view bytes);

/// The text (UTF-8) that makes these keys and values when it is merged.
[[nodiscard]] std::string registry_text(const std::vector<platform::RegistryKeyContent>& keys);

}  // namespace hagent::script
