// SPDX-License-Identifier: Apache-2.0
#include "agent/boot/grub_env.h"

#include <array>

#include "agent/base/concat.h"

namespace hagent::boot {
namespace {

using errors::AgentCode;

constexpr std::string_view k_header = "# GRUB Environment Block\n";

struct Variable {
    std::string_view name;  // with the '='
    std::string GrubEnv::*value;
};
// in the order in which they are written
constexpr std::array<Variable, 4> k_ours = {{{"hagent_slot=", &GrubEnv::slot},
                                             {"hagent_trial=", &GrubEnv::trial},
                                             {"hagent_tries=", &GrubEnv::tries},
                                             {"hagent_generation=", &GrubEnv::generation}}};

/// GRUB puts a backslash before each backslash and line feed of a value.
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            ++i;
        }
        out += text[i];
    }
    return out;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '\n') {
            out += '\\';
        }
        out += c;
    }
    return out;
}

/// The line at the start of `text` with its line feed; empty when it has no end.
std::string_view first_line(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '\n') {
            return text.substr(0, i + 1);
        }
    }
    return {};
}

/// A comment of ours that brings the lines of others to the second sector.
bool is_filler(std::string_view line) { return line.front() == '#' && line.find_first_not_of('#') == line.size() - 1; }

bool take(GrubEnv& env, std::string_view line) {
    for (const auto& [name, value] : k_ours) {
        if (line.starts_with(name)) {
            env.*value = unescaped(line.substr(name.size(), line.size() - name.size() - 1));
            return true;
        }
    }
    return false;
}

Failure damaged(std::string_view why) { return error(AgentCode::boot_env_damaged, why); }

}  // namespace

Result<GrubEnv> parse_grub_env(std::string_view block) {
    if (block.size() != k_env_bytes) {
        return damaged(
            concat({"it has ", std::to_string(block.size()), " bytes and not ", std::to_string(k_env_bytes)}));
    }
    if (!block.starts_with(k_header)) {
        return damaged("it does not begin with \"# GRUB Environment Block\"");
    }
    if (block.find('\0') != std::string_view::npos) {
        return damaged("there are zeros in it");
    }
    const auto end = block.find_last_not_of('#');
    auto rest = block.substr(0, end + 1).substr(k_header.size());
    GrubEnv env;
    while (!rest.empty()) {
        const auto line = first_line(rest);
        if (line.empty()) {
            return damaged("its last line has no end");
        }
        if (!is_filler(line) && !take(env, line)) {
            env.foreign += line;
        }
        rest.remove_prefix(line.size());
    }
    return env;
}

/// GRUB changes values of the same length in place: with a digit for a digit nothing moves. A filler ends with a line
/// feed: an empty line would be the start of a name.
Result<std::string> grub_env_block(const GrubEnv& env) {
    std::string block(k_header);
    for (const auto& [name, value] : k_ours) {
        block.append(name).append(escaped(env.*value)).append("\n");
    }
    if (block.size() > k_env_sector - 2) {
        return error(AgentCode::boot_env_full, "the agent's own variables end past the first sector");
    }
    if (block.size() + env.foreign.size() > k_env_sector) {
        block.resize(k_env_sector - 1, '#');
        block += '\n';
    }
    block += env.foreign;
    if (block.size() > k_env_bytes) {
        return error(AgentCode::boot_env_full,
                     {"the variables of others take ", std::to_string(env.foreign.size()), " bytes; there is room for ",
                      std::to_string(k_env_bytes - k_env_sector)});
    }
    block.resize(k_env_bytes, '#');
    return block;
}

}  // namespace hagent::boot
