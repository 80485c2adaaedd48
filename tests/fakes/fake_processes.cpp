// SPDX-License-Identifier: Apache-2.0
// Owns the replay of scripted programs.
#include "tests/fakes/fake_processes.h"

namespace hagent::fakes {

using errors::AgentCode;
using platform::Command;
using platform::Exit;

void FakeProcesses::on(const std::string& program, Answer answer) {
    scripts_[program].answers.push_back(std::move(answer));
}

void FakeProcesses::on(const std::string& program, Exit exit) {
    on(program, [exit](const Command&, const CancelToken&) -> Result<Exit> { return exit; });
}

void FakeProcesses::on(const std::string& program, Error error) {
    on(program, [error](const Command&, const CancelToken&) -> Result<Exit> { return error; });
}

const std::string* FakeProcesses::known(const std::string& program) const {
    auto found = scripts_.find(program);
    if (found == scripts_.end()) {
        found = scripts_.find(program.substr(program.find_last_of("/\\") + 1));
    }
    return found == scripts_.end() ? nullptr : &found->first;
}

Status FakeProcesses::find(const std::string& program, const std::string&) const {
    return known(program) != nullptr ? Status() : Status(error(AgentCode::command_not_found, program));
}

Result<Exit> FakeProcesses::run(const Command& command, const CancelToken& cancel) {
    calls.push_back(command);
    const std::string name = command.argv.empty() ? "" : command.argv.front();
    if (cancel.requested()) {
        return error(AgentCode::cancelled, name);
    }
    const std::string* found = known(name);
    if (found == nullptr) {
        return error(AgentCode::command_not_found, name);
    }
    auto& [answers, next] = scripts_.at(*found);
    const auto& answer = answers[next];
    next = next + 1 < answers.size() ? next + 1 : next;
    Exit exit = TRY(answer(command, cancel));
    if (command.detached) {
        return Exit{};
    }
    if (exit.output.size() > command.output_limit) {
        exit.output.erase(0, exit.output.size() - command.output_limit);
    }
    return exit;
}

}  // namespace hagent::fakes
