// SPDX-License-Identifier: Apache-2.0
// Owns messages and questions on Windows: message boxes in the session of whoever is at the console, also from a
// service.
#include "platform/dialog.h"

#include <algorithm>

#include "agent/base/number.h"
#include "platform/os_error.h"
#include "platform/win32/api.h"
#include "platform/win32/wide.h"
// After the Windows headers.
#include <wtsapi32.h>

namespace hagent::platform {
namespace {

// What WTSGetActiveConsoleSessionId says when nobody is at the console.
constexpr DWORD k_no_session = 0xFFFFFFFFU;
// A box cannot be closed from outside, so a question is shown again and again for this long: a cancel ends it between.
constexpr Seconds k_slice{10};

/// 0 would mean "for ever" to the call.
DWORD seconds_of(Seconds time) { return narrow<DWORD>(std::clamp<std::int64_t>(time.count(), 1, 24 * 3600)); }

/// Images without terminal services have nobody who would show a box, and wine only fails, without a reason.
bool cannot_be_shown_here(DWORD number) {
    return number == ERROR_SUCCESS || number == ERROR_CALL_NOT_IMPLEMENTED || number == ERROR_NOT_SUPPORTED ||
           number == RPC_S_SERVER_UNAVAILABLE || number == ERROR_CTX_WINSTATION_NOT_FOUND;
}

/// The button, or IDTIMEOUT, also where there is nobody to see it; IDASYNC when it does not wait.
Result<DWORD> box(const std::string& text, DWORD style, Seconds time, bool wait) {
    const DWORD session = WTSGetActiveConsoleSessionId();
    std::wstring title = L"hagent", message = wide(text);
    DWORD answer = IDTIMEOUT;
    if (session == k_no_session) {
        return answer;
    }
    const auto bytes = [](const std::wstring& s) { return narrow<DWORD>(s.size() * sizeof(wchar_t)); };
    SetLastError(ERROR_SUCCESS);
    if (WTSSendMessageW(nullptr, session, title.data(), bytes(title), message.data(), bytes(message), style,
                        seconds_of(time), &answer, wait ? TRUE : FALSE) == 0) {
        const DWORD number = GetLastError();
        return cannot_be_shown_here(number) ? Result<DWORD>(DWORD{IDTIMEOUT}) : file_error(number, "message box");
    }
    return answer;
}

class WindowsDialogs final : public Dialogs {
public:
    Status tell(const std::string& message, Seconds time) override {
        const auto shown = box(message, MB_OK | MB_ICONINFORMATION | MB_SETFOREGROUND, time, false);
        return shown ? Status() : Status(shown.error());
    }

    Status take_back() override { return {}; }  // it goes when its time is over

    Result<Answer> ask(const std::string& text, Seconds time, const CancelToken& cancel) override {
        const std::string question = text + "\n\nYes: now.  No: later.";
        for (Seconds left = time; left.count() > 0; left -= k_slice) {
            if (cancel.requested()) {
                return error(errors::AgentCode::cancelled, "question");
            }
            const DWORD answer =
                TRY(box(question, MB_YESNO | MB_ICONQUESTION | MB_SETFOREGROUND, std::min(left, k_slice), true));
            if (answer == IDYES || answer == IDNO) {
                return answer == IDYES ? Answer::accepted : Answer::postponed;
            }
        }
        return Answer::none;
    }
};

}  // namespace

std::unique_ptr<Dialogs> system_dialogs() { return std::make_unique<WindowsDialogs>(); }

}  // namespace hagent::platform
