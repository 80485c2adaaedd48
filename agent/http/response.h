// SPDX-License-Identifier: Apache-2.0
// Owns the value of an answer and its bytes on the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hagent::http {

/// What a handler gives. Content-Length and Connection are added by to_wire().
struct Response {
    std::uint16_t status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};

/// An RFC 9457 problem document: title = the status' name, `detail` = a sentence for a person.
[[nodiscard]] Response problem(std::uint16_t status, std::string_view detail);

/// 304 when the client already has this answer (If-None-Match lists its tag), else the answer with that tag.
[[nodiscard]] Response with_etag(Response answer, std::string_view if_none_match);

/// The answer's bytes. Every answer forbids framing, sniffing, caching and outside resources; none names the software.
[[nodiscard]] std::string to_wire(const Response& response, bool keep_alive, bool head_only);

}  // namespace hagent::http
