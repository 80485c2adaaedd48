// SPDX-License-Identifier: Apache-2.0
// Owns the reading of what a legacy manager's hserver.dll answers (FORMAT.md). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"

namespace hagent::manager {

struct HserverReply {
    std::string verb;  // "00": nothing to do, "UP0": work to do; others are kept as they are
    std::string text;  // words for people
    std::vector<std::pair<std::string, std::string>> keys;  // in order, names without '&', unknown ones too
    std::string script;                    // commands and step numbers in wire form, in UTF-8; empty: none
    std::vector<unsigned> command_fields;  // in which field of the answer each command stands, the verb being the first
    std::string fault;  // of UP0: the first field that is not understood, and why; nothing of the answer may be done

    /// The first value of that name (ASCII case ignored), or empty.
    [[nodiscard]] std::string_view value(std::string_view name) const;
    /// Empty also when the value is no number up to `max`.
    [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name, std::uint64_t max) const;
};

/// Fields between '|', which may stand inside of 0x0F quotes. A '&' before a key may be there or not, keys come in any
/// order, fields may be empty. In UP0 each field is empty, a key, or a command with its number: what holds a 0x0F or
/// stands before a number is a command, and the last '|' has to be there, so that a guard is never lost between two
/// fields. Errors: manager_malformed_answer for what does not begin with '&' and a verb, or has too many keys.
/// Source: reference vxc-hagent 2.3.
[[nodiscard]] Result<HserverReply> parse_hserver_reply(std::string_view body);

/// "field 4 (CO "XP")": a field as people see it.
[[nodiscard]] std::string shown_field(unsigned number, std::string_view field);

/// Whether the agent knows what the key is for; others are logged by name and kept.
[[nodiscard]] bool known_hserver_key(std::string_view name);

}  // namespace hagent::manager
