// SPDX-License-Identifier: Apache-2.0
// Owns where the verbs write: one stream for results, one for everything else. Source: spec 11 "Command line".
#pragma once

#include <memory>
#include <string_view>

namespace hagent {

class Output {
public:
    virtual ~Output() = default;
    /// A result, written as it is; with --json all of them together are one JSON document.
    virtual void print(std::string_view text) = 0;
    /// What only people read: complaints, progress, hints.
    virtual void complain(std::string_view text) = 0;
    /// Whether complaints appear on a terminal, where a line may be drawn again and again.
    [[nodiscard]] virtual bool on_terminal() const = 0;
    /// Hands over what is still buffered. False when any part of the results could not be written, as on a full disk.
    /// Once, at the end of a run: the exit code depends on it.
    [[nodiscard]] virtual bool flush() = 0;
};

/// Standard output and standard error of this process. Nothing that is written steers the terminal (for_terminal()).
[[nodiscard]] std::unique_ptr<Output> standard_output();

}  // namespace hagent
