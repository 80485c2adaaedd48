// SPDX-License-Identifier: Apache-2.0
// Owns FakeProcesses: programs that a test scripts, and the record of what was started.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "platform/process.h"

namespace hagent::fakes {

class FakeProcesses final : public platform::Processes {
public:
    using Answer = std::function<Result<platform::Exit>(const platform::Command&, const CancelToken&)>;

    /// What the program answers; given more than once, the answers are used in order and the last one stays.
    /// `program` is argv[0] as written, or its last path component.
    void on(const std::string& program, Answer answer);
    void on(const std::string& program, platform::Exit exit);
    void on(const std::string& program, Error error);

    /// The script's answer with its output cut to the command's limit; command_not_found for a program nobody scripted,
    /// cancelled when it is. Every call is recorded.
    [[nodiscard]] Result<platform::Exit> run(const platform::Command& command, const CancelToken& cancel) override;
    /// command_not_found for a program nobody scripted.
    [[nodiscard]] Status find(const std::string& program, const std::string& directory) const override;

    std::vector<platform::Command> calls;

private:
    struct Script {
        std::vector<Answer> answers;
        std::size_t next = 0;
    };

    [[nodiscard]] const std::string* known(const std::string& program) const;

    std::map<std::string, Script> scripts_;
};

}  // namespace hagent::fakes
