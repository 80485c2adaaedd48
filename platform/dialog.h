// SPDX-License-Identifier: Apache-2.0
// Owns the interface to whoever sits at the device: show a message, ask a question.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hagent::platform {

enum class Answer : std::uint8_t {
    accepted,
    postponed,
    none
};  // none: nobody is there, or nobody said anything in time

class Dialogs {
public:
    virtual ~Dialogs() = default;
    /// Shows the message for so long and returns at once. It keeps nobody from working.
    [[nodiscard]] virtual Status tell(const std::string& message, Seconds time) = 0;
    /// Takes the last message away where that can be done; else it goes when its time is over.
    [[nodiscard]] virtual Status take_back() = 0;
    /// Waits for an answer, so long at most. Errors: cancelled.
    [[nodiscard]] virtual Result<Answer> ask(const std::string& text, Seconds time, const CancelToken& cancel) = 0;
};

/// The machine's console and screen.
[[nodiscard]] std::unique_ptr<Dialogs> system_dialogs();

}  // namespace hagent::platform
