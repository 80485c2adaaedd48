// SPDX-License-Identifier: Apache-2.0
// Owns Error: what went wrong, as a catalogue row, the native number behind it and where it happened.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/errors/id.h"

namespace hagent {

/// A failure as a value. `id` names a row of the error catalogue (permanent number, plain text, retry rule);
/// `os` is the operating system's own number (errno, GetLastError; 0 when none); `context` says which file,
/// host or step in a few words and never holds a secret.
struct Error {
    errors::Id id;
    std::int64_t os = 0;
    std::string context;

    /// The same error with `where` put in front of the context ("where: context").
    [[nodiscard]] Error with(std::string_view where) &&;

    [[nodiscard]] bool is(errors::AgentCode code) const { return id == errors::agent(code); }
};

[[nodiscard]] Error error(errors::AgentCode code, std::string_view context = {});
[[nodiscard]] Error error(errors::Id id, std::string_view context = {});

}  // namespace hagent
