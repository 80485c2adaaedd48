// SPDX-License-Identifier: Apache-2.0
#include "agent/boot/hook_answer.h"

#include <array>

#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::boot {
namespace {

Failure unreadable(std::string_view line, std::string_view why) {
    return error(errors::AgentCode::boot_program_failed, {"the hook boot answers ", peer_words(line), ", ", why});
}

}  // namespace

Result<State> parse_hook_answer(std::string_view text) {
    static constexpr std::array<std::string_view, 5> k_once = {"running", "chosen", "trial", "tries", "over"};
    std::array<std::optional<std::string_view>, k_once.size()> values;
    State state;
    for (auto line : split(text, '\n')) {
        line = line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
        const auto equals = line.find('=');
        const auto name = line.substr(0, equals);
        const auto value = equals == std::string_view::npos ? std::string_view() : line.substr(equals + 1);
        if (line.empty()) {
            continue;
        }
        if (equals == std::string_view::npos || value.size() > limits::k_slot_name_bytes) {
            return unreadable(line, "which is no NAME=VALUE");
        }
        if (name == "unfit" && !value.empty() && !state.is_unfit(value)) {
            state.unfit.emplace_back(value);
            continue;
        }
        std::size_t i = 0;
        while (i < k_once.size() && k_once[i] != name) {
            ++i;
        }
        if (i == k_once.size() || values[i]) {
            return unreadable(line, "which is not known, or is said twice");
        }
        values[i] = value;
    }
    const auto& [running, chosen, trial, tries, over] = values;
    state.running = running.value_or("");
    state.chosen = chosen.value_or("");
    if (!trial || trial->empty()) {
        return state;
    }
    const auto number = parse_u64(tries.value_or("0"), limits::k_trial_tries);
    if (!number || (over && *over != "0" && *over != "1")) {
        return unreadable(number ? *over : *tries, "which is no number that fits");
    }
    state.trial = Trial{std::string(*trial), narrow<unsigned>(*number), over == "1"};
    return state;
}

}  // namespace hagent::boot
