// SPDX-License-Identifier: Apache-2.0
// Owns the writing of answers.
#include "agent/http/response.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "agent/base/concat.h"
#include "agent/base/crc32.h"
#include "agent/base/json_writer.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"

namespace hagent::http {
namespace {

/// "Not Found" from the catalogue's HTTP_NOT_FOUND.
std::string reason(std::uint16_t status) {
    const auto* row = errors::find(errors::http(status));
    std::string text = row == nullptr ? "STATUS" : std::string(row->name.view().substr(row->name.view().find('_') + 1));
    bool first = true;
    for (char& c : text) {
        c = c == '_' ? ' ' : first || c < 'A' || c > 'Z' ? c : static_cast<char>(c - 'A' + 'a');
        first = c == ' ';
    }
    return text;
}

/// RFC 9110 13.1.2: "*", or tags between commas; a weak tag counts as its strong one.
bool lists(std::string_view if_none_match, std::string_view tag) {
    const auto entries = split(if_none_match, ',');
    return std::any_of(entries.begin(), entries.end(), [&](std::string_view entry) {
        entry = trim(entry);
        entry.remove_prefix(entry.starts_with("W/") ? 2 : 0);
        return entry == "*" || entry == tag;
    });
}

// Whatever a page may show, no script or form of somebody else runs in it, and nobody can put it into a frame.
constexpr std::string_view k_fixed_headers =
    "Cache-Control: no-store\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n";

}  // namespace

Response problem(std::uint16_t status, std::string_view detail) {
    JsonWriter json;
    json.begin_object();
    json.member("type", "about:blank");
    json.member("title", reason(status));
    json.member("status", status);
    json.member("detail", detail);
    json.end_object();
    return {status, "application/problem+json", json.take(), {}};
}

Response with_etag(Response answer, std::string_view if_none_match) {
    std::array<char, 24> tag{};
    std::snprintf(tag.data(), tag.size(), "\"%08x-%zx\"", static_cast<unsigned>(crc32(answer.body)),
                  answer.body.size());
    answer.headers.emplace_back("ETag", tag.data());
    if (answer.status == 200 && lists(if_none_match, tag.data())) {
        answer.status = 304;
        answer.body.clear();
    }
    return answer;
}

std::string to_wire(const Response& response, bool keep_alive, bool head_only) {
    std::string out = concat({"HTTP/1.1 ", std::to_string(response.status), " "});
    out.append(reason(response.status)).append("\r\n").append(k_fixed_headers);
    for (const auto& [name, value] : response.headers) {
        out.append(name).append(": ").append(value).append("\r\n");
    }
    if (response.status != 304) {
        out.append("Content-Type: ").append(response.content_type).append("\r\n");
        out.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
    }
    out.append(keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
    return head_only ? out : out.append(response.body);
}

}  // namespace hagent::http
