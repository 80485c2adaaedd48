// SPDX-License-Identifier: Apache-2.0
// Owns what this agent asks an FTP server beyond libcurl's own conversation, and which replies end it early.
#pragma once

#include <string>
#include <vector>

#include "agent/transfer/fetcher.h"
#include "agent/transfer/ftp_conversation.h"
#include "agent/transfer/url.h"

namespace hagent::transfer {

/// The commands right before RETR, with '*' before one that may be refused (libcurl, CURLOPT_PREQUOTE). libcurl could
/// ask for the size itself, but then it ends a cut transfer by its own count and leaves the server's reason unread.
[[nodiscard]] std::vector<std::string> before_retr(const Exchange& exchange, const Url& url);

enum class FtpStep : std::uint8_t {
    go_on,
    refused,       // libcurl would go on, but what follows would be of no use or of the wrong bytes
    nothing_left,  // resuming, and the server has exactly what is at hand
    shrunk         // resuming, and the server has less than what is at hand
};

/// What the complete reply that has just come means for the conversation.
[[nodiscard]] FtpStep judge_step(const FtpConversation& conversation, const Exchange& exchange);

/// Whether the control connection may serve another exchange. After anything but a good end only this exchange knows
/// where it stands: libcurl, which keeps connections, takes a refused TYPE for done, and the next file would come as
/// text.
[[nodiscard]] bool ended_well(const FtpConversation& conversation);

}  // namespace hagent::transfer
