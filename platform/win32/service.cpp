// SPDX-License-Identifier: Apache-2.0
// Owns the service manager's and the console's wishes, and the process's own limits on Windows.
#include "platform/service.h"

#include <array>
#include <atomic>
#include <string>

#include "agent/base/check.h"
#include "platform/win32/agent_events.h"
#include "platform/win32/api.h"

namespace hagent::platform {
namespace {

class Watch;
class Service;

// A console handler and a service's main function get no context, so they find the live watch and the service here;
// nothing else does.
constinit std::atomic<const Watch*> g_watch = nullptr;
constinit std::atomic<Service*> g_service = nullptr;

// Windows ends the process when the handler of these events returns; this is the time it grants.
constexpr DWORD k_time_to_stop = 4500;
constexpr DWORD k_hint_to_stop = 30'000;  // for the service manager, as in the systemd unit

BOOL WINAPI on_event(DWORD event);

class Watch final : public ServiceSignals {
public:
    Watch(void (*on_request)(ServiceRequest, void*), void* context) : on_request_(on_request), context_(context) {
        check(g_watch.exchange(this) == nullptr);
        SetConsoleCtrlHandler(on_event, TRUE);
        hear(AgentEvent::stop, WT_EXECUTEONLYONCE, waits_[0]);
        hear(AgentEvent::reload, WT_EXECUTEDEFAULT, waits_[1]);
        if (stop_wanted()) {
            stop();
        }
    }
    ~Watch() override {
        for (const HANDLE wait : waits_) {
            if (wait != nullptr) {
                UnregisterWaitEx(wait, INVALID_HANDLE_VALUE);  // nobody is in the callback after this
            }
        }
        SetConsoleCtrlHandler(on_event, FALSE);
        g_watch = nullptr;
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    void stop() const { on_request_(ServiceRequest::stop, context_); }
    void reload() const { on_request_(ServiceRequest::reload, context_); }

private:
    [[nodiscard]] static bool stop_wanted();

    /// The launcher that has started this process passes on what it is told.
    void hear(AgentEvent event, ULONG flags, HANDLE& wait) {
        if (const HANDLE from = launcher_event(event)) {
            RegisterWaitForSingleObject(&wait, from, event == AgentEvent::stop ? stop_heard : reload_heard, this,
                                        INFINITE, flags);
        }
    }
    static void CALLBACK stop_heard(void* watch, BOOLEAN /*timed_out*/) { static_cast<const Watch*>(watch)->stop(); }
    static void CALLBACK reload_heard(void* watch, BOOLEAN /*timed_out*/) {
        static_cast<const Watch*>(watch)->reload();
    }

    std::array<HANDLE, 2> waits_{};
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

/// What the service manager knows of this process.
class Service {
public:
    explicit Service(const Callback<int()>& body) : body_(body) {}

    void run() {
        handle_ = RegisterServiceCtrlHandlerExW(L"", on_control, this);
        tell(SERVICE_RUNNING);
        code_ = body_();
        tell(SERVICE_STOPPED);
    }
    [[nodiscard]] bool stop_wanted() const { return stop_wanted_; }
    [[nodiscard]] int code() const { return code_; }

private:
    static DWORD WINAPI on_control(DWORD control, DWORD /*event*/, void* /*about*/, void* context) {
        auto* service = static_cast<Service*>(context);
        const Watch* watch = g_watch.load();
        switch (control) {
            case SERVICE_CONTROL_STOP:
            case SERVICE_CONTROL_SHUTDOWN:
                service->stop_wanted_ = true;
                service->tell(SERVICE_STOP_PENDING);
                if (watch != nullptr) {
                    watch->stop();
                }
                return NO_ERROR;
            case SERVICE_CONTROL_PARAMCHANGE:
                if (watch != nullptr) {
                    watch->reload();
                }
                return NO_ERROR;
            case SERVICE_CONTROL_INTERROGATE: return NO_ERROR;
            default: return ERROR_CALL_NOT_IMPLEMENTED;
        }
    }

    void tell(DWORD state) const {
        SERVICE_STATUS status{};
        status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
        status.dwCurrentState = state;
        status.dwControlsAccepted =
            state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN | SERVICE_ACCEPT_PARAMCHANGE : 0;
        status.dwWaitHint = state == SERVICE_STOP_PENDING ? k_hint_to_stop : 0;
        if (state == SERVICE_STOPPED && code_ != 0) {
            status.dwWin32ExitCode = ERROR_SERVICE_SPECIFIC_ERROR;
            status.dwServiceSpecificExitCode = static_cast<DWORD>(code_);
        }
        SetServiceStatus(handle_, &status);
    }

    const Callback<int()>& body_;
    SERVICE_STATUS_HANDLE handle_ = nullptr;
    std::atomic<bool> stop_wanted_ = false;
    int code_ = 0;
};

bool Watch::stop_wanted() {
    const Service* service = g_service.load();
    return service != nullptr && service->stop_wanted();
}

void WINAPI service_main(DWORD /*count*/, wchar_t** /*arguments*/) { g_service.load()->run(); }

bool is_terminal(DWORD stream) {
    DWORD mode = 0;
    return GetConsoleMode(GetStdHandle(stream), &mode) != 0;
}

}  // namespace

std::unique_ptr<ServiceSignals> watch_signals(void (*on_request)(ServiceRequest, void*), void* context) {
    return std::make_unique<Watch>(on_request, context);
}

/// The dispatcher comes back when the service has ended, or at once when nobody but a console started us.
int run_as_service(const Callback<int()>& body) {
    Service service(body);
    check(g_service.exchange(&service) == nullptr);
    std::wstring name;  // a process with one service is not asked for it
    const std::array<SERVICE_TABLE_ENTRYW, 2> table = {{{name.data(), service_main}, {nullptr, nullptr}}};
    const bool served = StartServiceCtrlDispatcherW(table.data()) != 0;
    g_service = nullptr;
    return served ? service.code() : body();
}

void harden_process() {
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
    SetDllDirectoryW(L"");  // libraries are not looked for in the working directory
    SetConsoleOutputCP(CP_UTF8);
}

bool stdout_is_terminal() { return is_terminal(STD_OUTPUT_HANDLE); }
bool stderr_is_terminal() { return is_terminal(STD_ERROR_HANDLE); }

}  // namespace hagent::platform
