// SPDX-License-Identifier: Apache-2.0
// Owns `status`, `sessions`, `log`, `explain`, `self-test` and `version`: verbs that change nothing.
#include <algorithm>
#include <optional>

#include "agent/base/concat.h"
#include "agent/base/json_writer.h"
#include "agent/base/libraries.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/daemon_client.h"
#include "agent/device_state.h"
#include "agent/manager/report_queue.h"
#include "agent/self_test.h"
#include "agent/session/json.h"
#include "agent/state_check.h"
#include "agent/status/documents.h"
#include "agent/verbs/verbs.h"
#include "platform/os_error.h"

namespace hagent::verbs {
namespace {

/// What the state directory tells while no daemon runs. A session that cannot be read is left out, so that the others
/// are seen.
void board_from_state(Machine& machine, const config::Settings& settings, status::Board& board) {
    const session::Store store(*machine.files, settings.state());
    const auto ids = store.list();
    for (const auto& id : ids.ok() ? *ids : std::vector<std::string>{}) {
        if (const auto record = store.shown(id); record.ok()) {
            board.publish(*record);
        }
    }
}

/// The same as the daemon shows, but for what only a running one knows: process, memory, check-ins.
status::AgentView view_from_state(Machine& machine, const AgentServices& services, const status::Board& board) {
    const auto& settings = services.settings;
    status::AgentView view;
    const auto id = find_identity(machine, settings, machine.host->facts());
    show_device(machine, settings, id.ok() ? *id : manager::DeviceId{}, board, view);
    view.manager.dialect = config::to_string(settings.manager.dialect);
    view.manager.url = settings.has_manager() ? transfer::shown(settings.manager.urls.front()) : "";
    view.images = image::image_status(device_services(machine, services.session_settings));
    view.damage = damage_of(*machine.files, settings.state());
    view.parked = session::Parking::look(*machine.files, settings.state().rounds()).value_or({});
    view.reports_queued = manager::ReportQueue::count(*machine.files, settings.state().reports()).value_or(0);
    return view;
}

/// The lines of the log file in the shape of /v1/log. Their fields stay in the message, and lines that nobody of us has
/// written are left out.
std::string log_file_json(std::string_view text) {
    std::string out;
    for (const auto line : split(text, '\n')) {
        const auto colon = line.find(": ");
        const auto parts = words(line.substr(0, colon));
        if (colon == std::string_view::npos || parts.size() != 3) {
            continue;
        }
        const auto message = line.substr(colon + 2);
        out += concat({std::string(out.empty() ? "" : ","), "{\"time\":", session::quoted(parts[0]),
                       ",\"level\":", session::quoted(parts[1]), ",\"area\":", session::quoted(parts[2]),
                       ",\"message\":", session::quoted(message), ",\"fields\":{}}"});
    }
    return concat({"{\"log\":[", out, "]}\n"});
}

/// The body that the daemon answers with; empty when no daemon runs.
Result<std::string> from_daemon(Machine& machine, const config::Settings& settings, const std::string& path) {
    auto answer = TRY(ask_daemon(*machine.files, settings, path, transfer::Method::get));
    return answer ? std::move(answer->body) : std::string();
}

/// Prints what the running daemon says at `path`, or at `path`.txt for people; the exit code, empty when no daemon
/// runs.
/// A daemon that runs and does not answer is an error here: without it nobody knows what the agent is doing.
std::optional<int> daemon_tells(Machine& machine, const config::Settings& settings, const Options& options,
                                const std::string& path) {
    const auto document = from_daemon(machine, settings, options.json ? path : path + ".txt");
    if (!document.ok()) {
        return failed(machine, options, document.error());
    }
    if (document->empty()) {
        return std::nullopt;
    }
    machine.output->print(*document);
    machine.output->print(options.json ? "\n" : "");
    return k_done;
}

/// Prints what a running daemon says at `path`; only JSON is asked for. The journals are the truth whether one runs or
/// not, so a daemon that does not answer is no failure: it only knows the progress of a running session better. Who may
/// not even ask may not read the journals either.
std::optional<int> daemon_told(Machine& machine, const config::Settings& settings, const Options& options,
                               const std::string& path) {
    if (const auto door = machine.files->info(settings.state().daemon_endpoint());
        !door.ok() && door.error().is(errors::AgentCode::permission_denied)) {
        return failed(machine, options, not_for_this_user(door.error()));
    }
    const auto document = options.json ? from_daemon(machine, settings, path) : Result<std::string>(std::string());
    if (!document.ok() || document->empty()) {
        return std::nullopt;
    }
    machine.output->print(*document + "\n");
    return k_done;
}

/// A session's id is a number with leading zeros. Anything else could lead to another of the daemon's paths.
bool is_session_id(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

/// Takes no lock, so it works beside a running agent and without one.
int status(Machine& machine, const Options& options) {
    auto [services, code] = open_services(machine, options, config::ManagerRule::optional);
    if (!services) {
        return code;
    }
    if (const auto told = daemon_tells(machine, services->settings, options, "/v1/status")) {
        return *told;
    }
    status::Board board;
    board_from_state(machine, services->settings, board);
    const auto view = view_from_state(machine, *services, board);
    machine.output->print(options.json ? status::status_json(view, board) + "\n" : status::status_text(view, board));
    return k_done;
}

/// People get the text that is made here in any case; only --json asks the daemon, for the progress of this moment.
int sessions(Machine& machine, const Options& options) {
    if (options.arguments.size() > 1) {
        return usage(machine, options, "takes one session id at most");
    }
    auto [services, code] = open_services(machine, options, config::ManagerRule::optional);
    if (!services) {
        return code;
    }
    if (options.arguments.empty()) {
        if (const auto told = daemon_told(machine, services->settings, options, "/v1/sessions")) {
            return *told;
        }
        status::Board board;
        board_from_state(machine, services->settings, board);
        machine.output->print(options.json ? status::sessions_json(board) + "\n" : status::sessions_text(board));
        return k_done;
    }
    const auto& id = options.arguments.front();
    if (!is_session_id(id)) {
        return failed(machine, options, error(errors::AgentCode::session_not_found, id));
    }
    if (const auto told = daemon_told(machine, services->settings, options, "/v1/sessions/" + id)) {
        return *told;
    }
    const auto record = session::Store(*machine.files, services->settings.state()).shown(id);
    if (!record.ok()) {
        return failed(machine, options, record.error());
    }
    machine.output->print(options.json ? session::session_json(*record) + "\n" : status::session_text(*record));
    return k_done;
}

/// The daemon's own memory is newer than the file; without a daemon the file is all there is.
int log(Machine& machine, const Options& options) {
    auto [services, code] = open_services(machine, options, config::ManagerRule::optional);
    if (!services) {
        return code;
    }
    if (const auto told = daemon_tells(machine, services->settings, options, "/v1/log")) {
        return *told;
    }
    const auto& file = services->settings.log.file;
    if (file.empty()) {
        return failed(
            machine, options,
            error(errors::AgentCode::file_not_found, "the agent is not running, and log.file names no log file"));
    }
    const auto text = machine.files->read(file, 2 * limits::k_log_file_bytes);
    if (!text.ok()) {
        return failed(machine, options, text.error());
    }
    if (options.json) {
        machine.output->print(log_file_json(*text));
        return k_done;
    }
    for (const auto line : split(*text, '\n')) {  // the file may be any that log.file names
        machine.output->print(line.empty() ? "" : printable(line) + "\n");
    }
    return k_done;
}

namespace {

/// "os-40", as os_error tells the system's own numbers; "errno 40", as people do.
std::optional<std::int64_t> system_number(std::string_view code) {
    const auto digits = std::min(code.find_first_of("0123456789"), code.size());
    const auto name = to_lower(code.substr(0, digits));
    const auto number = parse_u64(code.substr(digits));
    const bool named = name == "os-" || name == "os " || name == "errno " || name == "errno-";
    return named && number && *number <= INT16_MAX ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
}

}  // namespace

/// An unknown code among known ones must not go unnoticed by a script: the exit code tells.
int explain(Machine& machine, const Options& options) {
    if (options.arguments.empty()) {
        return usage(machine, options, "name a code, for example: hagent explain 550 WSAECONNREFUSED");
    }
    bool all_known = true;
    std::vector<const errors::Row*> rows;
    for (const auto& code : options.arguments) {
        auto found = errors::explain(code);
        if (const auto number = system_number(code); number && found.empty()) {
            found = {errors::find(platform::file_error(*number, code).error().id)};
            machine.output->print(
                options.json ? "" : concat({code, ": \"", platform::system_words(*number), "\" on this system\n"}));
        }
        all_known = all_known && !found.empty();
        rows.insert(rows.end(), found.begin(), found.end());
        if (!options.json) {
            machine.output->print(status::explain_text(code, found));
        }
    }
    if (options.json) {
        machine.output->print(status::explain_json(rows) + "\n");
    }
    return all_known ? k_done : k_not_found;
}

/// The same words for people and for the agent that has staged this one.
int self_test(Machine& machine, const Options& options) {
    const auto tests = self_tests(machine);
    const bool good = std::all_of(tests.begin(), tests.end(), [](const SelfTest& test) { return test.good; });
    if (options.json) {
        JsonWriter json;
        json.begin_object();
        json.member("version", agent_version());
        json.member("target", HAGENT_TARGET_NAME);
        json.member("good", good);
        json.begin_object("tests");
        for (const auto& test : tests) {
            json.member(test.name, test.good);
        }
        json.end_object();
        json.end_object();
        machine.output->print(json.take() + "\n");
    } else {
        for (const auto& test : tests) {
            machine.output->print(concat({test.good ? "good    " : "FAILED  ", test.name, "\n"}));
        }
    }
    return good ? k_done : k_failed;
}

/// Which libraries are in the program and whether they hold all patches: what support and a vulnerability scan ask for.
int version(Machine& machine, const Options& options) {
    const std::string libraries = transfer::library_versions();
    if (options.json) {
        machine.output->print(
            concat({"{\"version\":", session::quoted(agent_version()),
                    ",\"target\":", session::quoted(HAGENT_TARGET_NAME), ",\"libraries\":", session::quoted(libraries),
                    ",\"built_from\":[", libraries_json(), "],\"patched\":", libraries_patched() ? "true" : "false",
                    ",\"patches_missing\":", missing_patches_text().empty() ? "false" : "true", "}\n"}));
    } else {
        machine.output->print(concat(
            {"hagent ", agent_version(), " for ", HAGENT_TARGET_NAME, "\n", libraries, "\n", missing_patches_text()}));
    }
    return k_done;
}

}  // namespace hagent::verbs
