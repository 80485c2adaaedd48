// SPDX-License-Identifier: Apache-2.0
// Owns what a refusing HTTP answer says in words.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/error.h"
#include "agent/transfer/http_head.h"
#include "agent/transfer/transcript.h"

namespace hagent::transfer {

/// The sentence for people in an error's body: of JSON what its members title, detail, message and the like say
/// (RFC 9457, hawkBit, and what is usual elsewhere), of HTML the title, else the first line. Empty when there is none.
/// Raw: peer_words() makes it fit for an error.
[[nodiscard]] std::string http_words(std::string_view content_type, std::string_view body);

/// What a refusing answer amounts to: its status, and the words of its body, else of its status line. `proxy` is named
/// where the answer may be its own; empty: there is none.
[[nodiscard]] Error http_refusal(const HttpHead& head, std::string_view body, const Transcript& transcript,
                                 const std::string& proxy);

}  // namespace hagent::transfer
