// SPDX-License-Identifier: Apache-2.0
// Owns the hooks around a session's changes: `before-change` and `after-change` open and close a write filter or an
// overlay.
#pragma once

#include <string>

#include "agent/base/job_kind.h"
#include "agent/work/hooks.h"

namespace hagent::session {

/// Arguments, time limit and exit statuses: README. Each is called again after every restart until it says that all is
/// done, so that what it needs may take a reboot; two reboots in a row for the same answer are refused, because the
/// next one would not help either.
class ChangeHooks {
public:
    /// What the session does next.
    enum class Answer : std::uint8_t { go_on, reboot };  // reboot: asked for; the session goes on after it

    /// All borrowed. `notes` is a folder of the session's own that outlives a restart.
    ChangeHooks(const work::Services& services, JobKind kind, std::string notes)
        : services_(services), kind_(to_string(kind)), notes_(std::move(notes)) {}

    /// Runs `before-change`, in front of the first step that does more than look. `go_on` at once when the hook is not
    /// there, or when `after-change` has asked for the reboot that lies behind us.
    [[nodiscard]] Result<Answer> before(const CancelToken& cancel);
    /// Runs `after-change`, behind the last step; `success`: no step that counts has failed.
    /// Errors of both: command_failed, command_timeout, reboot_failed, those of platform::Processes and
    /// platform::Files. They end the job.
    [[nodiscard]] Result<Answer> after(bool success, const CancelToken& cancel);

private:
    [[nodiscard]] Result<Answer> call(const std::string& name, std::vector<std::string> arguments,
                                      const CancelToken& cancel);
    [[nodiscard]] Result<Answer> want_reboot(const std::string& program, const std::string& note,
                                             const CancelToken& cancel);
    [[nodiscard]] Result<Answer> forget_reboot(const std::string& note);
    [[nodiscard]] std::string note_of(const std::string& name) const;

    const work::Services& services_;
    std::string kind_;  // the first argument of both
    std::string notes_;
};

}  // namespace hagent::session
