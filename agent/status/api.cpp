// SPDX-License-Identifier: Apache-2.0
// Owns the handlers of the listener's paths. They read snapshots and never wait for the worker.
#include "agent/status/api.h"

#include "agent/base/number.h"
#include "agent/session/json.h"
#include "agent/transfer/url.h"

namespace hagent::status {
namespace {

using http::Request;
using http::Response;
using http::Role;

constexpr std::size_t k_page_log_lines = 40;

/// With a tag: a page that asks every second gets 304 as long as nothing has changed.
Response document(const Request& request, std::string body) {
    return http::with_etag({200, "application/json", std::move(body), {}}, request.header("if-none-match"));
}

Response text(std::string body) { return {200, "text/plain; charset=utf-8", std::move(body), {}}; }

/// The board as this caller may see it.
std::shared_ptr<const Board> board_for(const ApiServices& services, const Request& request) {
    return request.by_operator ? std::shared_ptr<const Board>(std::shared_ptr<const Board>(), &services.board)
                               : services.board.without_output();
}

Response page(const ApiServices& services, const Request& request) {
    // Only the newest lines: the page is loaded again every few seconds.
    const auto last = services.log.last_seq();
    const auto tail = services.log.since(last > k_page_log_lines ? last - k_page_log_lines : 0);
    return {200, "text/html; charset=utf-8", page_html(services.view(), *board_for(services, request), tail), {}};
}

/// Only what is on the board: an id never becomes a path here.
Response one_session(const ApiServices& services, const Request& request, std::string_view id) {
    const auto snapshot = board_for(services, request)->find(std::string(id));
    return snapshot ? document(request, session::session_json(*snapshot))
                    : http::problem(404, "There is no session with this id.");
}

Response explain(const Request& request, std::string_view code) {
    const auto rows = errors::explain(code);
    return rows.empty() ? http::problem(404, "The catalogue has no such code.") : document(request, explain_json(rows));
}

/// ?since=N gives what came after entry N, for a page that follows the log.
Response log_since(const ApiServices& services, const Request& request) {
    constexpr std::string_view k_since = "since=";
    std::uint64_t since = 0;
    if (request.query.starts_with(k_since)) {
        const auto number = parse_u64(std::string_view(request.query).substr(k_since.size()));
        if (!number) {
            return http::problem(400, "'since' is the number of a log entry.");
        }
        since = *number;
    }
    return document(request, log_json(services.log.since(since)));
}

/// The wait of a second is the gate's own gap, so whoever obeys it gets through.
Response ask_for_check_in(const Callback<bool(const std::string&)>& trigger, const Request& request) {
    if (!trigger(request.peer)) {
        Response busy = http::problem(429, "A check-in was asked for a moment ago.");
        busy.headers.emplace_back("Retry-After", "1");
        return busy;
    }
    return {202, "application/json", "{\"accepted\":true}", {}};
}

/// The path is ID/cancel: routes match prefixes only, so the rest is taken apart here.
Response cancel(const ApiServices& services, std::string_view rest) {
    constexpr std::string_view k_cancel = "/cancel";
    if (!rest.ends_with(k_cancel)) {
        return http::problem(404, "A session can only be cancelled: POST /v1/sessions/ID/cancel.");
    }
    switch (services.cancel(std::string(rest.substr(0, rest.size() - k_cancel.size())))) {
        case session::CancelOutcome::stopping:
        case session::CancelOutcome::dropped: return {202, "application/json", "{\"accepted\":true}", {}};
        case session::CancelOutcome::too_late:
            return http::problem(409, "The session is changing the device already and goes on to its end.");
        case session::CancelOutcome::unknown: break;
    }
    return http::problem(404, "There is no session with this id in work.");
}

/// The path is JOB/release, with the job's id as URLs write it.
Response release(const ApiServices& services, std::string_view rest) {
    constexpr std::string_view k_release = "/release";
    const auto job = rest.ends_with(k_release) ? transfer::decode(rest.substr(0, rest.size() - k_release.size()))
                                               : Result<std::string>(error(errors::AgentCode::bad_url));
    if (!job.ok()) {
        return http::problem(404, "A parked job can only be released: POST /v1/parked/JOB/release.");
    }
    const auto released = services.release(*job);
    if (released.ok()) {
        return {202, "application/json", "{\"accepted\":true}", {}};
    }
    return released.error().is(errors::AgentCode::not_parked)
               ? http::problem(404, "No job of this name is parked.")
               : http::problem(503, "That it is released cannot be written down now.");
}

Response confirm_image(const ApiServices& services) {
    const auto confirmed = services.confirm_image();
    if (confirmed.ok()) {
        return {200, "application/json", "{\"confirmed\":true}", {}};
    }
    return confirmed.error().is(errors::AgentCode::image_no_trial)
               ? http::problem(409, "No system image is on trial here.")
               : http::problem(503, "The boot loader cannot be told now.");
}

}  // namespace

void add_trigger(http::Router& router, Callback<bool(const std::string& peer)> trigger) {
    router.add(
        {"POST", "/v1/check-in", Role::anyone,
         [trigger = std::move(trigger)](const Request& r, std::string_view) { return ask_for_check_in(trigger, r); }});
}

void add_routes(http::Router& router, const std::shared_ptr<const ApiServices>& s) {
    const auto get = [&](std::string path, http::Handler handler) {
        router.add({"GET", std::move(path), Role::viewer, std::move(handler)});
    };
    get("/", [s](const Request& r, std::string_view) { return page(*s, r); });
    get("/v1/status",
        [s](const Request& r, std::string_view) { return document(r, status_json(s->view(), *board_for(*s, r))); });
    get("/v1/status.txt",
        [s](const Request& r, std::string_view) { return text(status_text(s->view(), *board_for(*s, r))); });
    get("/v1/log.txt", [s](const Request&, std::string_view) { return text(log_text(s->log.since(0))); });
    get("/v1/sessions",
        [s](const Request& r, std::string_view) { return document(r, sessions_json(*board_for(*s, r))); });
    get("/v1/sessions/", [s](const Request& r, std::string_view id) { return one_session(*s, r, id); });
    get("/v1/results",
        [s](const Request& r, std::string_view) { return document(r, results_json(*board_for(*s, r))); });
    get("/v1/log", [s](const Request& r, std::string_view) { return log_since(*s, r); });
    get("/v1/explain/", [](const Request& r, std::string_view code) { return explain(r, code); });
    get("/healthz", [](const Request&, std::string_view) { return text("ok\n"); });
    add_trigger(router, [s](const std::string& peer) { return s->trigger(peer); });
    router.add({"POST", "/v1/sessions/", Role::operators,
                [s](const Request&, std::string_view rest) { return cancel(*s, rest); }});
    router.add({"POST", "/v1/parked/", Role::operators,
                [s](const Request&, std::string_view rest) { return release(*s, rest); }});
    router.add({"POST", "/v1/image/confirm", Role::operators,
                [s](const Request&, std::string_view) { return confirm_image(*s); }});
}

}  // namespace hagent::status
