// SPDX-License-Identifier: Apache-2.0
// Owns the sessions that the command line makes: what they borrow, and how one is run to its end.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/session/json.h"
#include "agent/session/session.h"
#include "agent/transfer/file_fetcher.h"
#include "agent/verbs/verbs.h"

namespace hagent::verbs {

/// Else it is a folder: a drive letter has no two slashes behind its colon.
[[nodiscard]] inline bool is_url(const std::string& source) { return source.find("://") != std::string::npos; }

/// For a package at that address. Errors: usage where a login stands in it: the session's journal keeps the address, so
/// that it can go on, and no secret may be in it; bad_url.
[[nodiscard]] Status usable_source(const std::string& source);

/// The signed package in that folder, or at that URL. Errors: those of usable_source().
[[nodiscard]] Result<session::SignedPackage> signed_source(const std::string& source);

/// Says each step as it ends, on standard error, so that a result on standard output stays one document. Nobody is
/// reported to: a local job has no manager.
class StepPrinter final : public session::Observer {
public:
    StepPrinter(Output& output, bool quiet) : output_(output), quiet_(quiet) {}
    void changed(const session::SessionRecord& record) override;
    Status report(const session::Report&) override { return {}; }

private:
    Output& output_;
    bool quiet_;
    unsigned told_ = 0;
};

/// What a session borrows while one verb runs. `folders`: addresses of file:// that may be read.
struct LocalSession {
    LocalSession(AgentServices& services, bool quiet, const std::vector<std::string>& folders = {});

    StepPrinter printer;
    std::unique_ptr<transfer::Fetcher> remote;
    transfer::FileFetcher fetcher;
    session::Store store;
    session::Context context;
};

/// The session as --json prints it.
using SessionJson = std::function<std::string(const session::SessionRecord&)>;

/// Runs that job to its end, under the lock of the state directory: the daemon and this verb must not change the device
/// at the same time. The same job again goes on where an earlier run of it was interrupted. Prints the session. Returns
/// the exit code: k_refused also for a package that was not trusted.
int run_local_session(AgentServices& services, const Options& options, const session::Job& job,
                      const SessionJson& json = session::session_json);

/// Somebody has ended a trial by hand: its session says so, in the daemon (at the check-in that it is asked for) or
/// here.
void settle_trials(AgentServices& services);

}  // namespace hagent::verbs
