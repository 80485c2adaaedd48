// SPDX-License-Identifier: Apache-2.0
// Owns the bytes of the variables of the EFI boot manager, as efivarfs shows them. Source: UEFI 2.10, 3.1 and 3.3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hagent::boot {

inline constexpr std::string_view k_efi_global = "-8be4df61-93ca-11d2-aa0d-00e098032b8c";  // behind a variable's name
inline constexpr std::size_t k_efi_variable_bytes = std::size_t{64} << 10U;

/// A Boot#### variable.
struct EfiEntry {
    bool active = false;
    std::string description;  // ASCII; '?' for any other character
    std::string options;      // of the loader, the same way; UTF-16 or bytes
    friend bool operator==(const EfiEntry&, const EfiEntry&) = default;
};

/// Nothing for what is no load option.
[[nodiscard]] std::optional<EfiEntry> parse_efi_entry(std::string_view variable);
/// The variable with the entry switched on or off and nothing else changed. It is one that parse_efi_entry takes.
[[nodiscard]] std::string efi_entry_switched(std::string_view variable, bool active);

/// The numbers in a BootOrder, BootNext or BootCurrent; nothing for another length. An empty variable has none.
[[nodiscard]] std::optional<std::vector<std::uint16_t>> parse_efi_numbers(std::string_view variable);
/// Such a variable: non-volatile, for boot time and run time.
[[nodiscard]] std::string efi_numbers(const std::vector<std::uint16_t>& numbers);

/// 0x000B of "Boot000B" with k_efi_global; nothing for other names.
[[nodiscard]] std::optional<std::uint16_t> efi_entry_number(std::string_view file_name);
[[nodiscard]] std::string efi_entry_name(std::uint16_t number);

/// Whether a boot manager's entry starts the slot: it passes hagent.slot=NAME, or, where it passes no slot, is called
/// NAME or "hagent NAME".
[[nodiscard]] bool entry_is_of_slot(std::string_view description, std::string_view options, std::string_view slot);

}  // namespace hagent::boot
