// SPDX-License-Identifier: Apache-2.0
// Owns the looking for words in JSON, HTML and plain text.
#include "agent/transfer/http_words.h"

#include <algorithm>
#include <array>

#include "agent/base/concat.h"
#include "agent/base/json.h"
#include "agent/base/text.h"

namespace hagent::transfer {
namespace {

constexpr std::size_t k_depth = 4;

// Those that are there are put together in this order.
constexpr std::array<std::string_view, 9> k_members = {"title",  "error", "message", "msg",      "detail",
                                                       "reason", "cause", "errors",  "errorCode"};

void add(std::string& words, std::string_view more) {
    more = trim(more);
    if (!more.empty() && words.find(more) == std::string::npos) {
        words.append(words.empty() ? "" : ": ").append(more);
    }
}

/// A text itself; of an object the members that are known to speak; of an array its first item.
void collect(std::string& words, JsonView value, std::size_t depth) {
    if (const auto text = value.text()) {
        add(words, *text);
    } else if (depth > 0 && value.is_array() && value.size() > 0) {
        collect(words, *value.begin(), depth - 1);
    } else if (depth > 0) {
        for (const auto name : k_members) {
            collect(words, value.find(name), depth - 1);
        }
    }
}

/// What stands between the tags; nothing when it has no end.
std::string_view html_title(std::string_view body) {
    const std::string lower = to_lower(body);
    for (const std::string tag : {"title", "h1"}) {
        const auto open = lower.find("<" + tag);
        const auto begin = lower.find('>', std::min(open, lower.size()));
        const auto end = lower.find("</" + tag, std::min(begin, lower.size()));
        if (end != std::string::npos) {
            return trim(body.substr(begin + 1, end - begin - 1));
        }
    }
    return {};
}

std::string_view first_line(std::string_view body) {
    body = trim(body);
    return body.substr(0, body.find_first_of("\r\n"));
}

/// Text, also with a few characters in another encoding, but not an image.
bool readable(std::string_view text) { return text.find('\0') == std::string_view::npos; }

}  // namespace

std::string http_words(std::string_view content_type, std::string_view body) {
    body = trim(body);
    if (body.starts_with('{') || body.starts_with('[') || body.starts_with('"')) {
        const JsonDocument document(body);
        std::string words;
        collect(words, document.root(), k_depth);
        if (!document.fault()) {
            return words;
        }
    }
    if (to_lower(content_type).find("html") != std::string::npos || body.starts_with('<')) {
        return std::string(html_title(body));
    }
    return std::string(readable(body) ? first_line(body) : std::string_view());
}

Error http_refusal(const HttpHead& head, std::string_view body, const Transcript& transcript,
                   const std::string& proxy) {
    auto words = http_words(head.content_type(), body);
    words = peer_words(transcript.scrubbed(words.empty() ? head.reason() : words));
    const auto way = proxy.empty() ? proxy : concat({"by way of proxy ", proxy, words.empty() ? "" : ": "});
    return error(errors::http(head.status()), way + words);
}

}  // namespace hagent::transfer
