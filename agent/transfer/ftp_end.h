// SPDX-License-Identifier: Apache-2.0
// Owns the judgement of how an FTP exchange ended: what the server said outranks what libcurl calls it.
#pragma once

#include <optional>
#include <string>

#include "agent/base/error.h"
#include "agent/transfer/ftp_conversation.h"
#include "agent/transfer/ftp_step.h"

namespace hagent::transfer {

struct FtpEnd {
    int code = 0;                   // CURLcode
    FtpStep step = FtpStep::go_on;  // of the last reply
    bool everything_moved = false;  // all bytes of the file went over
    std::string host{};
    std::string address{};      // that host's, as far as it is known
    std::uint64_t at_hand = 0;  // get: where the bytes that came end in the file
    std::string said{};         // by libcurl, of what it saw last
};

/// A judgement. No judgement at all is another thing: see below.
struct FtpVerdict {
    std::optional<Error> error;  // empty: the exchange did what was asked
};

/// Empty when the server said nothing that explains the end, so that libcurl's code has to.
[[nodiscard]] std::optional<FtpVerdict> judge_end(const FtpConversation& conversation, const FtpEnd& end);

/// What libcurl's code amounts to where it is about the data connection: which port that was, and what to open. Any
/// other failure comes back as it is.
[[nodiscard]] Failure about_data(const FtpConversation& conversation, const FtpEnd& end, Failure why);

}  // namespace hagent::transfer
