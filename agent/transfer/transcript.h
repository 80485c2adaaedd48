// SPDX-License-Identifier: Apache-2.0
// Owns the transcript of a transfer: the last lines of both sides, bounded, printable and without credentials.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/transfer/url.h"

namespace hagent::transfer {

/// What support asks for first. At most k_transcript_lines, each of k_reply_line_bytes at most.
class Transcript {
public:
    /// From now on `secret` is replaced wherever it appears in a line. Empty ones are ignored.
    void hide(std::string_view secret);
    /// Its password, and its query with the values in it: peers quote what they were asked for, and a ticket in an
    /// address is as good as a password.
    void hide_secrets_of(const Url& url);
    /// What the head of a request proves itself with; of Basic the password too.
    void hide_secrets_of(std::string_view request_head);
    void add(std::string_view line);
    /// The text without what is to be hidden.
    [[nodiscard]] std::string scrubbed(std::string_view text) const;
    [[nodiscard]] std::vector<std::string> lines() const { return lines_; }

private:
    std::vector<std::string> secrets_;
    std::vector<std::string> lines_;
};

}  // namespace hagent::transfer
