// SPDX-License-Identifier: Apache-2.0
// Owns the reply policy: a pure function from what a server or the network answered to what is done next.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/errors/id.h"
#include "agent/transfer/fetcher.h"
#include "agent/transfer/stage.h"

namespace hagent::transfer {

/// All that a decision depends on. No clock and no network: the same situation always leads to the same decision.
struct Situation {
    errors::Id reply;  // ftp 426, http 503, winsock 10054, agent stalled ...
    Stage stage = Stage::connect;
    unsigned failures = 1;                // of this source: tries in a row without progress, this one included
    unsigned attempts = 8;                // how many of those each source is allowed
    std::uint64_t offset = 0;             // that was asked for
    std::uint64_t bytes = 0;              // at hand and safe
    bool can_resume = false;              // the source can be asked for the rest and a change would be noticed
    bool other_source = false;            // another address of the same file has tries left and has not refused
    unsigned misfits = 0;                 // complete files that turned out wrong, this one included
    FtpHints hints;                       // what this try left out already
    bool pieced = false;                  // the file was put together from more than one try
    bool by_caches = false;               // a cache on the way may have answered for the source
    std::optional<std::uint64_t> total;   // HTTP 416: the size in "bytes */N"
    std::optional<std::uint64_t> wanted;  // the size that the file must have, when known
};

enum class Decide : std::uint8_t {
    accept,       // done, or go on with the conversation
    resume,       // same source, from the bytes at hand
    restart,      // same source, from the first byte
    retry,        // same source, nothing at hand
    next_source,  // another address, keeping what is at hand if it fits; without a wait: never this one again
    give_up
};

enum class Wait : std::uint8_t { none, backoff };
enum class Fallback : std::uint8_t { none, no_epsv, no_size, no_mdtm, no_rest };

struct Decision {
    Decide kind = Decide::give_up;
    Wait wait = Wait::none;
    errors::Id because;  // the row to show; the reply itself, or what it amounts to
    Fallback fallback = Fallback::none;
    friend bool operator==(const Decision&, const Decision&) = default;
};

/// Never empty: a number without a row of its own is judged by its class (RFC 959 4.2, RFC 9110 15) or by the
/// catalogue's retry rule.
[[nodiscard]] Decision decide(const Situation& situation);

/// The wrong file came, or was announced.
[[nodiscard]] bool is_misfit(errors::Id reply);
/// What a cache on the way can be the cause of, by an old copy or by a part of one.
[[nodiscard]] bool is_doubtful(errors::Id reply);

/// Takes the fallback's command out of what is sent.
void leave_out(FtpHints& hints, Fallback fallback);

enum class RangeVerdict : std::uint8_t {
    fits,     // the bytes that follow continue what is at hand
    afresh,   // the whole file follows: what is at hand is dropped
    changed,  // the file is another one now
    broken,   // not the part that was asked for
    no_file   // a success that brings no file: HTTP 201, 202, 204 ...
};

/// What was asked for: bytes [from, until).
struct AskedRange {
    std::uint64_t from = 0;
    std::optional<std::uint64_t> until{};  // empty: up to the end of the file
};

/// What the head of a positive reply means for who has asked for that. `validator` and `total` are what was known
/// before (empty: nothing). Source: RFC 9110, 14.4 and 15.3.7.
[[nodiscard]] RangeVerdict judge_range(const ReplyHead& head, const AskedRange& asked, std::string_view validator,
                                       std::optional<std::uint64_t> total);

/// "resume", "next_source" ...
[[nodiscard]] std::string_view to_string(Decide kind);

}  // namespace hagent::transfer
