// SPDX-License-Identifier: Apache-2.0
// Owns the status page: plain HTML with its style inside; it reloads itself while a session runs.
#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/session/json.h"
#include "agent/status/documents.h"

namespace hagent::status {
namespace {

using session::SessionRecord;

constexpr std::string_view k_style =
    "<style>:root{color-scheme:light dark;--line:#8884;--good:#2a7d2a;--bad:#b3261e}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin:1.5rem 0 .4rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .6rem .25rem 0;vertical-align:top;"
    "border-bottom:1px solid var(--line);overflow-wrap:anywhere}"
    "progress{width:100%;height:1.2rem}.failed,.error{color:var(--bad)}.done{color:var(--good)}"
    "pre{overflow-x:auto;font-size:.85rem;border:1px solid var(--line);padding:.5rem}"
    "@media(prefers-color-scheme:dark){:root{--good:#7bd37b;--bad:#ff8a80}}</style>";

/// The only way for a text into the page. Names and messages come from scripts, servers and managers.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : printable(is_utf8(text) ? std::string(text) : utf8_from_latin1(text))) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    }
    return out;
}

/// Every value on the page passes through here or through escaped().
std::string row(std::string_view label, std::string_view value) {
    return concat({"<tr><th scope=\"row\">", escaped(label), "</th><td>", escaped(value), "</td></tr>\n"});
}

std::string results_html(const std::vector<TaskResult>& results) {
    std::string out;
    for (const auto& result : results) {
        out += concat({"<br><span class=\"", errors::to_string(result.status), "\">",
                       escaped(concat({errors::id_text(result.id), " ", errors::describe(result.id).name})),
                       "</span>: ", escaped(session::plain_text(result)), " <em>", escaped(session::next_step(result)),
                       "</em>"});
    }
    return out;
}

/// Nothing at all, heading included, where there is nothing to show; so for the steps.
std::string transfers_html(const SessionRecord& record) {
    std::string out;
    for (const auto& view : record.transfers) {
        std::string notes =
            concat({to_string(view.state), ", ", human_bytes(view.bytes), " of ", human_bytes(view.total)});
        for (const auto offset : view.resumed_at) {
            notes += ", resumed at byte " + std::to_string(offset);
        }
        out += concat({"<tr><td>", escaped(view.file), "</td><td>", escaped(notes), "</td><td>", escaped(view.url),
                       "</td></tr>\n"});
    }
    return out.empty() ? out
                       : concat({"<h2>Transfers</h2><table><tr><th>File</th><th>State</th><th>From</th></tr>", out,
                                 "</table>"});
}

std::string steps_html(const SessionRecord& record) {
    std::string out;
    for (const auto& step : record.steps) {
        const std::string state(work::to_string(step.state));
        out += concat({"<tr><td>", std::to_string(step.n), "</td><td>", escaped(step.op), "</td><td class=\"", state,
                       "\">", state, "</td><td>", escaped(step.effect), results_html(step.results), "</td></tr>\n"});
    }
    return out.empty()
               ? out
               : concat(
                     {"<h2>Steps</h2><table><tr><th>Step</th><th>Command</th><th>State</th><th>What it does</th></tr>",
                      out, "</table>"});
}

std::string disk_html(const SessionRecord& record) {
    std::string out;
    for (const auto& volume : record.disk) {
        out += row("Volume " + volume.volume, concat({human_bytes(volume.before_bytes), " free before, ",
                                                      human_bytes(volume.after_bytes), " after"}));
    }
    return out;
}

/// The same for the current session and for each of the recent ones. The bar is a <progress> with its numbers in words
/// beside it, for screen readers and for browsers without style.
std::string session_html(const SessionRecord& record) {
    const auto& progress = record.progress;
    std::string out =
        concat({"<table>", row("Session", record.id), row("Job", concat({record.job.id, " ", record.job.name})),
                row("Package", concat({record.package, " ", record.version,
                                       (record.signer.empty() ? "" : ", signed by " + record.signer)})),
                row("Phase", concat({plain_words(record.phase), " (", to_string(record.phase), ")"})),
                (record.try_again ? row(record.waits_for_leave ? "Begins" : "Tried again", rfc3339(*record.try_again))
                                  : std::string()),
                row("Started", rfc3339(record.started)), disk_html(record), "</table>"});
    if (progress.total > 0) {
        out += concat({"<p><label>Download ",
                       escaped(concat({human_bytes(progress.bytes), " of ", human_bytes(progress.total)})),
                       (progress.eta_s ? escaped(concat({", ", human_bytes(progress.rate_bps), "/s, about ",
                                                         std::to_string(*progress.eta_s), " s left"}))
                                       : ""),
                       "<br><progress max=\"", std::to_string(progress.total), "\" value=\"",
                       std::to_string(progress.bytes), "\"></progress></label></p>"});
    }
    return out + results_html(record.results) + steps_html(record) + transfers_html(record);
}

/// Folded up with <details>, which needs no script; the outcome stands in the line that is always seen.
std::string recent_html(const Board& board) {
    std::string out;
    for (const auto& snapshot : board.recent()) {
        out += concat({"<details><summary>",
                       escaped(concat({snapshot->id, " ", rfc3339(snapshot->started), " ",
                                       (snapshot->job.name.empty() ? snapshot->package : snapshot->job.name), ": "})),
                       "<span class=\"", (snapshot->failed() ? "failed" : "done"), "\">",
                       escaped(plain_words(snapshot->phase)), (snapshot->failed() ? " with errors" : ""),
                       "</span></summary>", session_html(*snapshot), "</details>\n"});
    }
    return out.empty() ? "<p>None yet.</p>" : out;
}

}  // namespace

/// One document without any outside resource: the device may have no network but the way to its manager (spec 9).
std::string page_html(const AgentView& agent, const Board& board, const std::vector<log::Ring::Entry>& log) {
    const auto current = board.current();
    const auto when = [](const std::optional<WallTime>& time) { return time ? rfc3339(*time) : std::string("never"); };
    std::string out =
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width,initial-scale=1\">";
    // Without JavaScript the page reloads itself: often while something happens, seldom otherwise.
    out += concat({"<meta http-equiv=\"refresh\" content=\"", current ? "2" : "15", "\"><title>hagent</title>"});
    out.append(k_style).append("</head><body><main><h1>hagent</h1><table>");
    for (const auto& [key, value] : agent.device) {
        out += row(key, value);
    }
    out += row("agent", concat({agent_version(), ", up ", std::to_string(agent.uptime.count()), " s, ",
                                human_bytes(agent.pss_bytes)}));
    out += row("manager",
               agent.manager.url.empty() ? "none configured" : concat({agent.manager.dialect, " ", agent.manager.url}));
    out += row("last check-in", concat({when(agent.manager.last_check_in), " ", agent.manager.last_result}));
    out += row("next check-in", when(agent.manager.next_check_in));
    if (!agent.state_problem.empty()) {
        out += row("state directory", agent.state_problem);
    }
    for (const auto& damage : agent.damage) {
        out += row("damage", damage);
    }
    for (const auto& parked : agent.parked) {
        out += row("parked", concat({parked.job, ": ", parked.why, "; hagent upgrade release ", parked.job}));
    }
    for (const auto& lines : {image::status_lines(agent.images), upgrade::status_lines(agent.agents)}) {
        for (const auto& [key, value] : lines) {
            out += row(key, value);
        }
    }
    out += row("reports waiting", std::to_string(agent.reports_queued));
    for (const auto& volume : agent.volumes) {
        out += row("volume " + volume.mount_point,
                   concat({human_bytes(volume.available_bytes), " free of ", human_bytes(volume.total_bytes)}));
    }
    out += "</table><h2>Current session</h2>";
    out += current ? session_html(*current) : std::string("<p>None.</p>");
    out += concat({"<h2>Recent sessions</h2>", recent_html(board), "<h2>Log</h2><pre>"});
    for (const auto& entry : log) {
        out += escaped(log::to_line(entry.record)) + "\n";
    }
    return out +
           "</pre><p>Codes are explained by <code>hagent explain CODE</code> or at <code>/v1/explain/CODE</code>.</p>"
           "</main></body></html>\n";
}

}  // namespace hagent::status
