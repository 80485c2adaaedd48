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
    none  // nobody is there, or nobody said anything in time
};

class Dialogs {
public:
    virtual ~Dialogs() = default;
    /// Shows the message for `time` and returns at once. It does not keep anybody from working. Errors: those of
    /// Processes on POSIX, of the system on Windows; a device without a screen is no error.
    [[nodiscard]] virtual Status tell(const std::string& message, Seconds time) = 0;
    /// Removes the last message where that can be done; elsewhere it disappears when its time is over.
    [[nodiscard]] virtual Status take_back() = 0;
    /// Shows a question and waits for its answer, at most for `time`. Errors: cancelled.
    [[nodiscard]] virtual Result<Answer> ask(const std::string& text, Seconds time, const CancelToken& cancel) = 0;
};

/// The machine's console and screen.
[[nodiscard]] std::unique_ptr<Dialogs> system_dialogs();

}  // namespace hagent::platform
