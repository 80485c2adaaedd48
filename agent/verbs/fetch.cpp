// SPDX-License-Identifier: Apache-2.0
// Owns `fetch`: a download by the transfer policy, for people and scripts.
#include <algorithm>
#include <cstdio>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"
#include "agent/session/json.h"
#include "agent/session/stop.h"
#include "agent/transfer/download.h"
#include "agent/transfer/url.h"
#include "agent/verbs/verbs.h"
#include "platform/paths.h"
#include "platform/permissions.h"
#include "platform/service.h"

namespace hagent::verbs {
namespace {

constexpr int k_bar_width = 30;

/// Progress bar on a terminal, decisions with -v, everything kept for --json. What is shown goes to standard
/// error, so that the result can be piped.
class FetchWatch final : public transfer::DownloadObserver {
public:
    FetchWatch(Output& output, const Options& options)
        : output_(output), verbose_(options.verbose), bar_(!options.json && output.on_terminal()) {}
    ~FetchWatch() override { end_bar(); }

    void progress(std::uint64_t bytes, std::optional<std::uint64_t> total, std::uint64_t bytes_per_s) override {
        if (!bar_) {
            return;
        }
        std::string line = "\r" + human_bytes(bytes);
        if (total && *total > 0) {
            const auto filled = static_cast<int>(std::min(bytes, *total) * k_bar_width / *total);
            line += concat({" of ", human_bytes(*total), " [", std::string(static_cast<std::size_t>(filled), '#'),
                            std::string(static_cast<std::size_t>(k_bar_width - filled), '.'), "]"});
        }
        output_.complain(concat({line, " ", human_bytes(bytes_per_s), "/s   "}));
        drawn_ = true;
    }

    void attempted(const transfer::Attempted& a) override {
        decisions.push_back(a);
        if (verbose_) {
            end_bar();
            output_.complain(
                concat({"try ", std::to_string(a.attempt), " ", a.source, ": ", errors::id_text(a.reply), " at stage ",
                        to_string(a.stage), (a.context.empty() ? "" : " (" + printable(a.context) + ")"), ", ",
                        std::to_string(a.at_bytes), " bytes at hand -> ", to_string(a.decision),
                        (a.wait_ms > 0 ? concat({" after ", std::to_string(a.wait_ms), " ms"}) : ""), "\n"}));
        }
    }

    void resumed(std::uint64_t offset) override {
        resumptions.push_back(offset);
        if (verbose_) {
            end_bar();
            output_.complain(concat({"resumed at byte ", std::to_string(offset), "\n"}));
        }
    }

    void transcript(const std::vector<std::string>& lines) override {
        if (verbose_) {
            end_bar();
            for (const auto& line : lines) {
                output_.complain(concat({"  ", printable(line), "\n"}));
            }
        }
    }

    std::vector<transfer::Attempted> decisions;
    std::vector<std::uint64_t> resumptions;

private:
    /// What is printed next must not stand behind the bar.
    void end_bar() {
        if (drawn_) {
            output_.complain("\n");
            drawn_ = false;
        }
    }

    Output& output_;
    bool verbose_, bar_;
    bool drawn_ = false;
};

/// The shape of spec 11, also for a download that failed: `got` is null then, or `error`.
std::string document(const Options& options, const std::string& file, const transfer::Downloaded* got,
                     const FetchWatch& watch, const Error* error) {
    std::string decisions;
    for (const auto& attempted : watch.decisions) {
        decisions += (decisions.empty() ? "" : ",") + session::decision_json(attempted);
    }
    std::string offsets;
    for (const auto offset : watch.resumptions) {
        offsets += (offsets.empty() ? "" : ",") + std::to_string(offset);
    }
    const auto attempts = watch.decisions.empty() ? 0U : watch.decisions.back().attempt;
    return concat({"{\"url\":",
                   session::quoted(got != nullptr && !got->source.empty() ? got->source
                                                                          : transfer::shown(options.arguments.front())),
                   ",\"file\":", session::quoted(file), ",\"bytes\":", std::to_string(got == nullptr ? 0 : got->bytes),
                   ",\"sha256\":", (got == nullptr ? "null" : session::quoted(got->sha256)), ",\"attempts\":",
                   std::to_string(attempts), ",\"resumed\":", (watch.resumptions.empty() ? "false" : "true"),
                   ",\"resumed_at\":[", offsets, "],\"decisions\":[", decisions,
                   "],\"error\":", (error == nullptr ? "null" : session::error_json(*error)), "}\n"});
}

/// The folder for the bytes at hand. Who may write beside the file may have laid something under its name: what is not
/// ours, or could be changed by others, is refused, and stays so while it is used.
Result<std::string> own_part_of(platform::Files& files, const std::string& file) {
    TRY(files.resolve(platform::absolute(file + "/.."), platform::Follow::trusted));
    std::string part = file + ".hagent-part";
    const auto info = TRY(files.info(part));
    if (info && (info->kind != platform::FileKind::directory || info->writable_by_others || info->readable_by_others)) {
        return error(
            errors::AgentCode::config_insecure_permissions,
            {part, " ",
             (info->foreign || info->writable_by_others ? platform::how_to_close(part, *info)
                                                        : "is not a folder that only we may enter; remove it")});
    }
    files.keep_own(part);
    return part;
}

/// An interrupt cancels it and leaves the part, so that the same command goes on from there.
Result<transfer::Downloaded> download_to(AgentServices& services, const Options& options, const std::string& file,
                                         FetchWatch& watch) {
    session::Stop stop;
    const auto signals = platform::watch_signals(
        [](platform::ServiceRequest, void* context) { static_cast<session::Stop*>(context)->token().flag(); }, &stop);
    auto& machine = services.machine;
    transfer::Options how = services.transfer;
    how.attempts = options.attempts > 0 ? options.attempts : how.attempts;
    const auto fetcher = transfer::curl_fetcher(how);
    transfer::DownloadRequest request(limits::k_unknown_file_bytes);
    for (const auto& url : options.arguments) {
        request.sources.push_back({url});
    }
    // Beside its place, so that it gets there by a rename, and found again when the same command is given again.
    request.directory = TRY(own_part_of(*machine.files, file));
    request.sha256 = options.sha256;
    request.limit_bytes_per_s = options.limit_rate;
    request.disks = machine.disks.get();
    auto got = TRY(transfer::download(
        request, {*machine.files, machine.clock, *fetcher, how, services.random, stop.token()}, watch));
    TRY(machine.files->set_mode(got.path, 0644));
    TRY(machine.files->rename(got.path, file));
    TRY(machine.files->remove_tree(request.directory));
    return got;
}

}  // namespace

/// With --json a failure, too, is told in the one document of spec 11, with all tries that led to it.
int fetch(Machine& machine, const Options& options) {
    if (options.arguments.empty()) {
        return usage(machine, options, "name at least one URL");
    }
    auto [services, code] = open_services(machine, options, config::ManagerRule::optional);
    if (!services) {
        return code;
    }
    const auto url = transfer::parse_url(options.arguments.front());
    if (!url.ok()) {
        return failed(machine, options, url.error());
    }
    // A name from the address lies in the working directory: local_name() lets no path through.
    const std::string name = options.output.empty() ? transfer::local_name(*url) : options.output;
    if (name.empty()) {
        return usage(machine, options, "the URL has no file name; say where to put it with -o FILE");
    }
    const std::string file = platform::absolute(name);
    FetchWatch watch(*machine.output, options);
    const auto got = download_to(*services, options, file, watch);
    if (options.json) {
        machine.output->print(
            document(options, file, got.ok() ? &*got : nullptr, watch, got.ok() ? nullptr : &got.error()));
    }
    if (!got.ok()) {
        Options quiet = options;
        quiet.json = false;  // the document is printed already
        return failed(machine, quiet, got.error());
    }
    if (!options.json) {
        machine.output->print(
            concat({printable(file), "\n", std::to_string(got->bytes), " bytes, SHA-256 ", got->sha256, "\n"}));
    }
    return k_done;
}

}  // namespace hagent::verbs
