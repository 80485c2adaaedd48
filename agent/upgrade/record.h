// SPDX-License-Identifier: Apache-2.0
// Owns the record of which agent is started: its values, its text and its two copies. Format: FORMAT.md. It is stable,
// because an old launcher has to start every later agent.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/config/state_paths.h"
#include "platform/files.h"

namespace hagent::upgrade {

/// A staged agent, as it was when its package's signature was checked.
struct Program {
    std::string version;  // a release
    std::uint64_t bytes = 0;
    std::string sha256;         // lower-case hex
    std::string path;           // absolute
    bool may_be_older = false;  // a downgrade was allowed: it is started although the launcher is newer
    friend bool operator==(const Program&, const Program&) = default;
};

/// One moment of one start of the machine.
struct Moment {
    std::string boot_id;
    Uptime uptime;  // of that start
    friend bool operator==(const Moment&, const Moment&) = default;
};

struct Trial {
    Program program;
    std::string session;  // that began it
    unsigned starts = 0;  // so far
    unsigned most_starts = 3;
    Seconds deadline{300};            // from its first start in one start of the machine
    std::optional<Moment> began;      // that first start
    std::optional<WallTime> ends_at;  // the deadline, for people only
    friend bool operator==(const Trial&, const Trial&) = default;
};

enum class Verdict : std::uint8_t {
    confirmed,
    failed,       // a trial was given up
    rolled_back,  // somebody wanted it
    fell_back     // a confirmed agent could not go on: the one before it is started
};
[[nodiscard]] std::string_view to_string(Verdict verdict);

/// What was decided last.
struct Last {
    std::string from, to;  // versions; of a trial: the one before it and the one that was tried
    Verdict result = Verdict::failed;
    std::string reason;   // one line for people; may be empty
    std::string session;  // that the trial belonged to
    WallTime at;
    friend bool operator==(const Last&, const Last&) = default;
};

/// A version and where it lies.
struct Place {
    std::string version, path;
    friend bool operator==(const Place&, const Place&) = default;
};

struct Record {
    std::uint64_t generation = 0;
    std::optional<Place> launcher;     // the preinstalled program
    std::optional<Place> running;      // what it started last
    std::optional<Program> confirmed;  // absent: the preinstalled program
    std::optional<Program> previous;   // what was confirmed before; absent: the preinstalled program
    std::optional<Trial> trial;
    std::optional<Last> last;
    std::optional<Moment> started;       // the last start
    unsigned short_lives = 0;            // starts of the confirmed agent in a row that have not been good so far
    std::vector<std::string> unknown{};  // lines of later agents, kept as they are
    friend bool operator==(const Record&, const Record&) = default;
};

/// Whether it is a release (agent/base/version.h), so that it can be compared and may be a folder's name.
[[nodiscard]] bool is_version(std::string_view text);

/// Never fails to read what record_text() has written. Errors: corrupt_journal.
[[nodiscard]] Result<Record> parse_record(std::string_view text);
[[nodiscard]] std::string record_text(const Record& record);

/// The record in the state directory. Borrowed: `files`.
class RecordFile {
public:
    RecordFile(platform::Files& files, const config::StatePaths& state)
        : files_(files), path_(state.agent_record()), lock_(state.agent_record_lock()) {}

    /// The newer of two copies that are whole; empty where there never was one. Errors: corrupt_journal when neither is
    /// whole, those of platform::Files.
    [[nodiscard]] Result<std::optional<Record>> read() const;
    /// Durable, one copy after the other, so that a power cut leaves one that is whole; the generation grows. Errors:
    /// those of platform::Files.
    [[nodiscard]] Status write(Record& record);
    /// Reads, lets `change` change it, writes what is different, all under the lock; a record that is in neither copy
    /// begins anew and says so. False from `change`: nothing is written. Errors: busy, what `change` and write() say.
    using Change = std::function<Result<bool>(Record&)>;
    [[nodiscard]] Status change(const Change& change);
    /// Held by whoever reads and writes. Errors: busy.
    [[nodiscard]] Result<std::unique_ptr<platform::Lock>> lock();

private:
    platform::Files& files_;
    std::string path_, lock_;
};

}  // namespace hagent::upgrade
