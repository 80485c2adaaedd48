// SPDX-License-Identifier: Apache-2.0
// Owns how POSIX modes are kept on Windows: the read-only attribute and who the access list lets in.
#pragma once

#include <cstdint>
#include <string>

#include "agent/base/result.h"
#include "platform/win32/api.h"

namespace hagent::platform {

/// Creation attributes for the mode: nobody but the owner, administrators and the system for one without rights for
/// others, else what the directory hands down.
class CreationSecurity {
public:
    explicit CreationSecurity(std::uint32_t mode);
    /// For CreateFile and CreateDirectory; null: inherit.
    [[nodiscard]] SECURITY_ATTRIBUTES* get() { return descriptor_ ? &attributes_ : nullptr; }

private:
    LocalMemory descriptor_;
    SECURITY_ATTRIBUTES attributes_{};
};

/// Gives an existing file or directory the rights that the mode stands for.
[[nodiscard]] Status apply_mode(const std::string& path, std::uint32_t mode);

/// What everybody, all users or guests may do; both where the owner is neither we nor an administrator nor the system.
struct OthersMay {
    bool write = true;
    bool read = true;
};
[[nodiscard]] OthersMay others_may(const std::wstring& path);

}  // namespace hagent::platform
