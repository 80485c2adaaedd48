// SPDX-License-Identifier: Apache-2.0
// Owns sessions at rest: one folder and one journal each, so that any of them goes on after a kill or a power cut.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/config/state_paths.h"
#include "agent/journal/journal.h"
#include "agent/session/record.h"
#include "agent/work/step.h"
#include "platform/files.h"

namespace hagent::session {

/// The journal of one session. Every function returns after its record is durable. Format: FORMAT.md.
class SessionLog final : public work::StepJournal {
public:
    SessionLog(journal::Journal journal, std::string directory)
        : journal_(std::move(journal)), directory_(std::move(directory)) {}

    [[nodiscard]] Status begin(const SessionRecord& record);
    [[nodiscard]] Status phase(Phase phase);
    /// The verified manifest: package, version, serial, signer.
    [[nodiscard]] Status package(const SessionRecord& record);
    /// The plan that execution follows: steps and disk impact.
    [[nodiscard]] Status plan(const SessionRecord& record);
    [[nodiscard]] Status resumed();
    /// A download that is complete and was resumed on its way: kept, so that it can still be told after a restart.
    [[nodiscard]] Status transfer(const TransferView& view);
    [[nodiscard]] Status intent(unsigned n) override;
    [[nodiscard]] Status done(const work::StepRecord& step) override;
    /// All is done that can be; success is only known later.
    [[nodiscard]] Status trial();
    /// It failed before it changed anything and rests until `try_again` of the record.
    [[nodiscard]] Status postponed(const SessionRecord& record);
    /// How it will end: written before the final report is, so that a crash between the two cannot change the outcome.
    [[nodiscard]] Status verdict(const SessionRecord& record, ReportStage stage);
    [[nodiscard]] Status end(const SessionRecord& record);

    /// Folder of the session's own files (manifest, entry script).
    [[nodiscard]] const std::string& directory() const { return directory_; }

private:
    journal::Journal journal_;
    std::string directory_;
};

/// A session as its journal tells it.
struct Stored {
    SessionRecord record;
    std::vector<work::StepRecord> steps;  // the last record of each step that was begun
    bool has_plan = false;                // execution was decided on
    bool begun = false;                   // there is a job: the first record is durable
    bool executing = false;               // the device may have been changed: nobody can cancel any more
    bool suspended = false;               // the last phase: it rests, and may be given up
    bool on_trial = false;                // all is done that can be; what comes of it, later lives tell
    std::optional<ReportStage> verdict;   // how it is to end; phase, end and results of the record are final then
    std::optional<WallTime> decided;      // when the verdict was written
};

/// The id of what is looked at only begins with this; it is none of the store's.
inline constexpr std::string_view k_look = "check";

class Store {
public:
    /// The state directory exists and is locked by us, or is only read.
    Store(platform::Files& files, config::StatePaths paths) : files_(files), paths_(std::move(paths)) {}

    /// A new session; `record` gets its id, one more than the last one's, and is durable with its begin record. Errors:
    /// those of platform::Files and of the journal.
    [[nodiscard]] Result<SessionLog> create(SessionRecord& record);  // gives the record its id
    /// The journal of a session, to go on writing. The caller is the only one who does. Errors: the same.
    [[nodiscard]] Result<SessionLog> reopen(const std::string& id);
    /// What the journal of a session says. Errors: session_not_found; corrupt_journal with the place in the context
    /// when something is lost. (What only one copy has lost is not.)
    [[nodiscard]] Result<Stored> load(const std::string& id) const;
    /// The same for people: a session of which something is lost is shown as far as it can be read, as one that failed
    /// with corrupt_journal when the journal was written last.
    [[nodiscard]] Result<SessionRecord> shown(const std::string& id) const;
    /// Makes both copies of a damaged journal good again, and says what was damaged; nothing when all is well. Where
    /// something is lost it decides how the session ends, in one step: what can be read stays, and unless its end was
    /// decided already a verdict of failure with corrupt_journal follows. It is reported like any other when the
    /// session goes on; a session whose job cannot be read has no one to report to and is over. The damaged file is
    /// kept beside it as journal.damaged when there is room.
    [[nodiscard]] Result<std::optional<Error>> mend(const std::string& id, WallTime now);

    struct Remembered {
        Job job;
        std::optional<Report> final;  // the session has ended, and this is what its manager was told
    };
    struct Memory {
        std::vector<Remembered> jobs;  // of all sessions that can be read, oldest first
        bool complete = false;         // no other job was ever begun here
        bool nameless = false;         // of some session nobody can tell which job it did
    };
    /// For those who have lost their own memory of jobs. Errors: those of platform::Files.
    [[nodiscard]] Result<Memory> memory() const;
    /// Ids, oldest first; none where there is no folder of sessions yet. Errors: those of platform::Files.
    [[nodiscard]] Result<std::vector<std::string>> list() const;
    /// Removes the oldest finished sessions beyond k_kept_sessions, and downloads that no unfinished session owns.
    /// Unfinished and damaged sessions count, but are never removed. Errors: those of platform::Files.
    [[nodiscard]] Status prune();

    /// Where the downloads of a session lie, one folder a file. `number`: of the file in the manifest, from 1; 0 for
    /// the manifest itself.
    [[nodiscard]] std::string download_directory(const std::string& id, std::size_t number) const;
    /// Removes what looks at remote packages (dry_run()) have left that were killed: nobody goes on with them.
    [[nodiscard]] Status drop_looks();
    /// Frees a session's downloads.
    [[nodiscard]] Status drop_downloads(const std::string& id);

private:
    struct Opened;  // a journal with what it says, damaged or not

    [[nodiscard]] Result<Opened> read(const std::string& id) const;

    platform::Files& files_;
    config::StatePaths paths_;
};

}  // namespace hagent::session
