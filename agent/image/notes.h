// SPDX-License-Identifier: Apache-2.0
// Owns what the agent knows about slots beyond one session: what is in them, what is on trial, how the last image
// ended. The same file for the agents of both slots (FORMAT.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "platform/files.h"

namespace hagent::image {

/// Which slots the work that was begun last is about; written before anything is changed.
struct WritingNote {
    std::string package;  // package_key()
    std::string from, to;
};

/// Written before the boot loader hears of the trial, and complemented by the agents of both slots.
struct TrialNote {
    std::string job;  // package_key() and session
    std::string version, from, to;
    std::string since;                        // RFC 3339: when it was switched
    std::string switched_in;                  // boot id of the machine's start in which that was
    std::string mac, serial;                  // of the device
    unsigned tries = 0;                       // that the boot loader was given
    std::string asked_in;                     // boot id of the start in which a restart was asked for last
    std::uint64_t asked_ms = 0;               // when, since that start
    unsigned starts = 0;                      // of the machine that the agent of the new slot has seen
    std::string seen_in;                      // boot id of the last of them
    std::uint64_t seen_ms = 0;                // when the agent came up in it, since that start
    std::optional<std::uint64_t> network_ms;  // when there was an address, since that start
    std::string program;                      // SHA-256 of the new slot's agent when it came up first; empty: not yet
    std::string ill;                          // what health programs said before the switch, a line each
    std::string why, step, log;               // once it was given up: reason, where, the last lines of the log
};

struct LastImage {
    std::string job, version, result, reason, at;
    std::uint16_t code = 0;  // of the error; 0: none
    friend bool operator==(const LastImage&, const LastImage&) = default;
};

struct ImageNotes {
    std::map<std::string, std::string> versions;  // by slot, of what was written to it last
    std::optional<WritingNote> writing;
    std::optional<TrialNote> trial;
    std::optional<LastImage> last;
    std::string chunks;  // of the last writing, as JSON; empty: none
};

/// Nothing noted where there is no file, or what is in it cannot be read: no trial is kept without its record, and the
/// next image begins a new one. Errors: those of platform::Files.
[[nodiscard]] Result<ImageNotes> load_notes(platform::Files& files, const std::string& path);
[[nodiscard]] bool notes_damaged(platform::Files& files, const std::string& path);
/// Durable: the old ones or these. Damaged ones are kept beside them (damaged_path), where people are told of them.
[[nodiscard]] Status save_notes(platform::Files& files, const std::string& path, const ImageNotes& notes);

[[nodiscard]] std::string notes_json(const ImageNotes& notes);
[[nodiscard]] std::optional<ImageNotes> notes_from(std::string_view json);

}  // namespace hagent::image
