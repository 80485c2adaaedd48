// SPDX-License-Identifier: Apache-2.0
// Owns what the command line prints for people.
#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/session/json.h"
#include "agent/status/documents.h"

namespace hagent::status {
namespace {

using session::SessionRecord;

/// One line with its value in a column of its own; neither can steer the terminal.
std::string line(std::string_view label, std::string_view value) {
    std::string out = printable(label);
    out.resize(std::max<std::size_t>(out.size() + 1, 16), ' ');
    return out.append(printable(value)).append("\n");
}

std::string when(const std::optional<WallTime>& time) { return time ? rfc3339(*time) : std::string("never"); }

/// The phase, and of a failure the gravest code, so that a list of sessions says at once why.
std::string outcome(const SessionRecord& record) {
    std::string out(plain_words(record.phase));
    if (record.try_again) {
        out = concat({record.waits_for_leave ? "all is here, it begins at "
                                             : "failed before it changed anything, will be tried again at ",
                      rfc3339(*record.try_again)});
    }
    if (record.failed()) {
        const auto worst = std::find_if(record.results.begin(), record.results.end(),
                                        [](const TaskResult& r) { return r.status == errors::Severity::error; });
        out += " with errors";
        if (worst != record.results.end()) {
            out.append(" (").append(errors::describe(worst->id).name).append(")");
        }
    }
    return out;
}

/// What to do is told for warnings and errors only.
std::string results_text(const std::vector<TaskResult>& results, std::string_view indent) {
    std::string out;
    for (const auto& result : results) {
        const auto row = errors::describe(result.id);
        out.append(indent).append(errors::to_string(result.status)).append(" ").append(errors::id_text(result.id));
        out.append(" ").append(row.name).append(": ").append(printable(session::plain_text(result))).append("\n");
        if (result.status != errors::Severity::note) {
            out.append(indent).append("  what to do: ").append(session::next_step(result)).append("\n");
        }
    }
    return out;
}

/// Without a total there is nothing to divide by, and nothing was to be fetched.
std::string progress_text(const session::Progress& progress) {
    if (progress.total == 0) {
        return "nothing to download";
    }
    std::string out = concat({human_bytes(progress.bytes), " of ", human_bytes(progress.total), " (",
                              std::to_string(progress.bytes * 100 / progress.total), " %)"});
    if (progress.eta_s) {
        out += concat({", ", human_bytes(progress.rate_bps), "/s, about ", std::to_string(*progress.eta_s), " s left"});
    }
    return out;
}

}  // namespace

/// Check-ins are known to a running daemon only; "never" would be wrong where nobody runs.
std::string status_text(const AgentView& agent, const Board& board) {
    std::string out;
    for (const auto& [key, value] : agent.device) {
        out += line(key, value);
    }
    out += line("agent", agent.pid == 0
                             ? "not running"
                             : concat({"pid ", std::to_string(agent.pid), ", up ", std::to_string(agent.uptime.count()),
                                       " s, ", human_bytes(agent.pss_bytes),
                                       agent.listener.empty() ? "" : concat({", ", agent.listener, "/"})}));
    if (!agent.listener_trouble.empty()) {
        out += line("no listener", agent.listener_trouble);
    }
    out += line("manager", agent.manager.url.empty() ? "none configured"
                                                     : concat({agent.manager.dialect, " ", agent.manager.url}));
    if (agent.pid != 0 && !agent.manager.url.empty()) {
        out += line("last check-in", concat({when(agent.manager.last_check_in), " ", agent.manager.last_result}));
        out += line("next check-in", when(agent.manager.next_check_in));
    }
    if (!agent.state_problem.empty()) {
        out += line("state directory", agent.state_problem);
    }
    for (const auto& damage : agent.damage) {
        out += line("damage", damage);
    }
    for (const auto& parked : agent.parked) {
        out += line("parked", concat({parked.job, ": ", parked.why, "; hagent upgrade release ", parked.job}));
    }
    for (const auto& lines : {image::status_lines(agent.images), upgrade::status_lines(agent.agents)}) {
        for (const auto& [key, value] : lines) {
            out += line(key, value);
        }
    }
    out += line("reports waiting", std::to_string(agent.reports_queued));
    if (const auto current = board.current()) {
        out += line("session", concat({current->id, " ", current->job.name, ": ", outcome(*current)}));
        out += line("", progress_text(current->progress));
    } else {
        out += line("session", "none");
    }
    return out + sessions_text(board);
}

/// Of the transfers only those that tell something: hundreds of files that came at once would push the steps off the
/// screen.
std::string session_text(const SessionRecord& record) {
    std::string out = line("session", concat({record.id, ", job ", record.job.id, " ", record.job.name}));
    out += line("package", concat({record.package, " ", record.version,
                                   (record.signer.empty() ? "" : ", signed by " + record.signer)}));
    out += line("phase", outcome(record));
    out += line("started", rfc3339(record.started));
    if (record.ended) {
        out += line("ended", rfc3339(*record.ended));
    }
    out += line("download", progress_text(record.progress));
    for (const auto& view : record.transfers) {
        if (view.resumed_at.empty() && view.state == session::TransferState::done) {
            continue;
        }
        out += line(
            "", concat({view.file, ": ", to_string(view.state), ", ", human_bytes(view.bytes), " from ", view.url}));
        for (const auto offset : view.resumed_at) {
            out += line("", "  resumed at byte " + std::to_string(offset));
        }
    }
    for (const auto& volume : record.disk) {
        out += line("volume", concat({volume.volume, ": ", human_bytes(volume.before_bytes), " free before, ",
                                      human_bytes(volume.after_bytes), " after"}));
    }
    for (const auto& step : record.steps) {
        out += line("step " + std::to_string(step.n),
                    concat({step.op, " ", work::to_string(step.state), ": ", step.effect}));
        out += results_text(step.results, "                  ");
    }
    return out + results_text(record.results, "  ");
}

std::string sessions_text(const Board& board) {
    std::string out;
    const auto add = [&](const SessionRecord& record) {
        out += concat({record.id, "  ", rfc3339(record.started), "  ",
                       printable(record.job.name.empty() ? record.package : record.job.name), ": ", outcome(record),
                       "\n"});
    };
    if (const auto current = board.current()) {
        add(*current);
    }
    for (const auto& snapshot : board.recent()) {
        add(*snapshot);
    }
    return out;
}

std::string log_text(const std::vector<log::Ring::Entry>& entries) {
    std::string out;
    for (const auto& entry : entries) {
        out += log::to_line(entry.record) + "\n";
    }
    return out;
}

std::string explain_text(std::string_view asked, const std::vector<const errors::Row*>& rows) {
    if (rows.empty()) {
        return printable(asked) + ": no such code. Codes are numbers (550, 10061) or names (WSAECONNREFUSED).\n";
    }
    std::string out;
    for (const auto* row : rows) {
        out.append(errors::to_string(row->id.protocol)).append(" ").append(std::to_string(row->id.number)).append(" ");
        out.append(row->name)
            .append(" (")
            .append(row->group)
            .append(", ")
            .append(errors::to_string(row->severity))
            .append(", ");
        out.append(errors::to_string(row->retry))
            .append(")\n  ")
            .append(row->cause.text())
            .append("\n  what to do: ")
            .append(row->next.text());
        out += "\n";
    }
    return out;
}

}  // namespace hagent::status
