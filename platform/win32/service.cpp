// SPDX-License-Identifier: Apache-2.0
// Owns console events and the process's own limits on Windows.
#include "platform/service.h"

#include <atomic>

#include "agent/base/check.h"
#include "platform/win32/api.h"

namespace hagent::platform {
namespace {

class Watch;

// A console handler gets no context, so the live watch has to be found from here; nothing else uses it.
constinit std::atomic<const Watch*> g_watch = nullptr;

// Windows ends the process when the handler of these events returns; this is the time it grants.
constexpr DWORD k_time_to_stop = 4500;

BOOL WINAPI on_event(DWORD event);

class Watch final : public ServiceSignals {
public:
    Watch(void (*on_request)(ServiceRequest, void*), void* context) : on_request_(on_request), context_(context) {
        check(g_watch.exchange(this) == nullptr);
        SetConsoleCtrlHandler(on_event, TRUE);
    }
    ~Watch() override {
        SetConsoleCtrlHandler(on_event, FALSE);
        g_watch = nullptr;
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    void stop() const { on_request_(ServiceRequest::stop, context_); }

private:
    void (*on_request_)(ServiceRequest, void*);
    void* context_;
};

BOOL WINAPI on_event(DWORD event) {
    const Watch* watch = g_watch.load();
    if (watch == nullptr || event == CTRL_LOGOFF_EVENT) {
        return FALSE;
    }
    watch->stop();
    if (event == CTRL_CLOSE_EVENT || event == CTRL_SHUTDOWN_EVENT) {
        Sleep(k_time_to_stop);
    }
    return TRUE;
}

bool is_terminal(DWORD stream) {
    DWORD mode = 0;
    return GetConsoleMode(GetStdHandle(stream), &mode) != 0;
}

}  // namespace

std::unique_ptr<ServiceSignals> watch_signals(void (*on_request)(ServiceRequest, void*), void* context) {
    return std::make_unique<Watch>(on_request, context);
}

void harden_process() {
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
    SetDllDirectoryW(L"");  // libraries are not looked for in the working directory
    SetConsoleOutputCP(CP_UTF8);
}

bool stdout_is_terminal() { return is_terminal(STD_OUTPUT_HANDLE); }
bool stderr_is_terminal() { return is_terminal(STD_ERROR_HANDLE); }

}  // namespace hagent::platform
