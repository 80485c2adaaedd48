// SPDX-License-Identifier: Apache-2.0
// Owns FakeDialogs: somebody at the device who answers as a test wants.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "platform/dialog.h"

namespace hagent::fakes {

class FakeDialogs final : public platform::Dialogs {
public:
    [[nodiscard]] Status tell(const std::string& message, Seconds time) override {
        log.push_back("tell " + message + " " + std::to_string(time.count()));
        return tell_answer;
    }
    [[nodiscard]] Status take_back() override {
        log.push_back("take back");
        return {};
    }
    [[nodiscard]] Result<platform::Answer> ask(const std::string& text, Seconds time,
                                               const CancelToken& cancel) override {
        log.push_back("ask " + text + " " + std::to_string(time.count()));
        return cancel.requested() ? Result<platform::Answer>(error(errors::AgentCode::cancelled, "question"))
                                  : on_ask();
    }

    std::vector<std::string> log;
    Status tell_answer;
    std::function<Result<platform::Answer>()> on_ask = [] { return platform::Answer::accepted; };
};

}  // namespace hagent::fakes
