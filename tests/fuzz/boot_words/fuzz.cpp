// SPDX-License-Identifier: Apache-2.0
// Fuzzes what boot loaders say: GRUB's environment block, variables of EFI, printed answers of bcdedit and of the hook
// `boot`. Each input is tried as all of them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/boot/bcd_text.h"
#include "agent/boot/boot.h"
#include "agent/boot/efi_entry.h"
#include "agent/boot/grub_env.h"
#include "agent/boot/hook_answer.h"
#include "tests/fuzz/require.h"

namespace {

using namespace hagent;
using hagent::fuzz::require;

/// What is written of a block that was read is read as the same, and ours lie in the first sector.
void check_block(std::string_view input) {
    std::string block(input);
    if (block.starts_with("# GRUB") && block.size() < boot::k_env_bytes) {
        block.resize(boot::k_env_bytes, '#');
    }
    const auto env = boot::parse_grub_env(block);
    if (!env.ok()) {
        return;
    }
    const auto written = boot::grub_env_block(*env);
    if (written.ok()) {
        require(written->size() == boot::k_env_bytes);
        const auto again = boot::parse_grub_env(*written);
        require(again.ok() && *again == *env);
        const auto second = boot::grub_env_block(*again);
        require(second.ok() && *second == *written);
    }
}

void check_variable(std::string_view input) {
    if (const auto entry = boot::parse_efi_entry(input)) {
        require(entry->description.size() <= input.size() && entry->options.size() <= input.size());
        for (const bool active : {true, false}) {
            const auto switched = boot::efi_entry_switched(input, active);
            const auto again = boot::parse_efi_entry(switched);
            require(again && again->active == active && again->description == entry->description &&
                    again->options == entry->options && boot::efi_entry_switched(switched, entry->active) == input);
        }
        (void)boot::entry_is_of_slot(entry->description, entry->options, "A");
    }
    if (const auto numbers = boot::parse_efi_numbers(input)) {
        const auto again = boot::parse_efi_numbers(boot::efi_numbers(*numbers));
        require(again && *again == *numbers);
    }
    if (const auto number = boot::efi_entry_number(input)) {
        require(boot::efi_entry_number(boot::efi_entry_name(*number)) == number);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    check_block(input);
    check_variable(input);
    if (const auto entries = boot::parse_bcd(input); entries.ok()) {
        require(!entries->empty());
        for (const auto& entry : *entries) {
            require(entry.id.starts_with('{') && entry.id.ends_with('}'));
        }
    }
    if (const auto state = boot::parse_hook_answer(input); state.ok()) {
        require(!state->trial || state->trial->tries_left <= limits::k_trial_tries);
        require(state->unfit.size() <= size && !state->is_unfit(""));
    }
    (void)boot::command_line_value(input, "hagent.slot");
    return 0;
}
