// SPDX-License-Identifier: Apache-2.0
// Owns the table's rows. Source: spec 4 "Commands".
#include "agent/script/commands.h"

#include <algorithm>
#include <array>

#include "agent/script/acting.h"
#include "agent/script/planning.h"

namespace hagent::script {
namespace {

using work::Stage;

// clang-format off
constexpr Repeat harmless = Repeat::harmless, guarded = Repeat::guarded, reported = Repeat::reported;
constexpr std::string_view k_nothing = "nothing to take back";

constexpr std::array<CommandRow, 28> k_commands = {{
    // name min max arguments                          <regroot> repeat plan       act                after               undo, then where they differ from the usual: stage, lock, brings, lacks
    {"CO", 1, 8, "OS code ...",                        -1, harmless, plan_os,            nullptr,           nullptr, k_nothing},
    {"CF", 2, 2, "path, bytes",                        -1, harmless, plan_space,         nullptr,           nullptr, k_nothing},
    {"CI", 1, 1, "relation and version",               -1, harmless, plan_image_version, nullptr,           nullptr, k_nothing},
    {"CP", 1, 8, "platform ...",                       -1, harmless, plan_platform,      nullptr,           nullptr, k_nothing},
    {"CR", 3, 3, "key, name, data",                    -1, harmless, plan_confirm_value, nullptr,           nullptr, k_nothing},
    {"CU", 1, 1, "user, \"*\" or \"-\"",               -1, harmless, plan_user,          nullptr,           nullptr, k_nothing},
    {"SF", 2, 2, "repository file, device path",        0, guarded,  plan_fetch_files,   act_fetch,         nullptr, "fetch the former file, or delete a new one", Stage::files},
    {"XC", 2, 2, "repository folder, device folder",    0, guarded,  plan_fetch_tree,    act_fetch,         nullptr, "fetch the former files, or delete new ones", Stage::files},
    {"GF", 2, 2, "device file, repository name",        1, harmless, plan_upload,        act_upload,        nullptr, "delete the file in the repository", Stage::files},
    {"EX", 1, 3, "command line, \"+\" \"-\" or \"+r\", seconds", -1, reported, plan_execute, act_execute,   nullptr, "what the program says about itself", Stage::any, Lock::stays, Brings::anything},
    {"DF", 1, 1, "path",                               -1, harmless, plan_delete_file,   act_delete_file,   nullptr, "fetch the file again", Stage::files},
    {"DT", 1, 1, "path",                               -1, harmless, plan_delete_tree,   act_delete_tree,   nullptr, "fetch the tree again", Stage::files},
    {"RF", 2, 2, "old path, new path",                 -1, guarded,  plan_rename,        act_rename,        nullptr, "rename it back", Stage::files, Lock::stays, Brings::target},
    {"AL", 2, 2, "file, line",                         -1, harmless, plan_add_line,      act_add_line,      nullptr, "DL with the same line", Stage::files, Lock::stays, Brings::first},
    {"DL", 2, 2, "file, line",                         -1, harmless, plan_delete_line,   act_delete_line,   nullptr, "AL with the same line", Stage::files},
    {"SV", 2, 3, "key and name, data, type",           -1, harmless, plan_set_value,     act_set_value,     nullptr, "set the former value"},
    {"DV", 2, 2, "key, name",                          -1, harmless, plan_delete_value,  act_delete_value,  nullptr, "set the value again"},
    {"DK", 1, 1, "key",                                -1, harmless, plan_delete_key,    act_delete_key,    nullptr, "merge the key again"},
    {"MR", 1, 1, "file",                               -1, harmless, plan_merge,         act_merge,         nullptr, "merge the former values"},
    {"GR", 2, 2, "key, repository name",                1, harmless, plan_fetch_branch,  act_fetch_branch,  nullptr, "delete the file in the repository"},
    {"LU", 1, 2, "message, seconds",                   -1, harmless, plan_lock,          act_lock,          nullptr, "EL", Stage::any, Lock::begins},
    {"EL", 0, 0, "",                                   -1, harmless, plan_unlock,        act_unlock,        nullptr, k_nothing, Stage::any, Lock::ends},
    {"QU", 1, 3, "text, seconds, default",             -1, guarded,  plan_ask,           act_ask,           nullptr, k_nothing},
    {"RB", 0, 1, "delay in seconds",                   -1, harmless, plan_reboot,        act_stop_machine,  after_restart,     k_nothing},
    {"SP", 0, 1, "delay in seconds",                   -1, harmless, plan_power_off,     act_stop_machine,  after_power_off,   "switch the device on"},
    {"IM", 2, 2, "repository image, slot or device",    0, harmless, nullptr,            nullptr,           nullptr, "start the former slot", Stage::any, Lock::stays, Brings::nothing, "the writing of system images"},
    {"SW", 2, 2, "task, software selections",          -1, guarded,  nullptr,            nullptr,           nullptr, "the opposite task", Stage::any, Lock::stays, Brings::nothing, "the installing of software from a catalogue"},
    {"UA", 1, 1, "repository file",                     0, guarded,  nullptr,            nullptr,           nullptr, "roll the agent back", Stage::any, Lock::stays, Brings::nothing, "the upgrading of the agent"},
}};
// clang-format on

}  // namespace

std::span<const CommandRow> command_table() { return k_commands; }

const CommandRow* find_command(std::string_view op) {
    const auto row =
        std::find_if(k_commands.begin(), k_commands.end(), [&](const CommandRow& r) { return r.name == op; });
    return row == k_commands.end() ? nullptr : &*row;
}

}  // namespace hagent::script
