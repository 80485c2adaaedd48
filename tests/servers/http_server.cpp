// SPDX-License-Identifier: Apache-2.0
// Owns the little HTTP that a test server needs.
#include "tests/servers/http_server.h"

#include <algorithm>

#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::servers {

std::vector<HttpAsked> HttpServer::asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
}

void HttpServer::serve(Connection& peer) {
    while (const auto request_line = peer.line()) {
        if (!serve_one(peer, *request_line)) {
            return;
        }
    }
}

bool HttpServer::serve_one(Connection& peer, const std::string& request_line) {
    const auto parts = words(request_line);
    if (parts.size() != 3) {
        return false;
    }
    HttpAsked asked{std::string(parts[0]), std::string(parts[1]), {}, {}};
    while (true) {
        const auto line = peer.line();
        if (!line) {
            return false;
        }
        if (line->empty()) {
            break;
        }
        const auto colon = line->find(':');
        asked.fields[to_lower(line->substr(0, colon))] =
            colon == std::string::npos ? "" : std::string(trim(line->substr(colon + 1)));
    }
    asked.body = peer.bytes(narrow<std::size_t>(parse_u64(asked.field("content-length")).value_or(0)));
    {
        const std::lock_guard lock(mutex_);
        asked_.push_back(asked);
    }
    const auto answer = answer_(asked);
    if (answer.head.empty() && !answer.hang) {
        return false;
    }
    const auto length = std::min(answer.cut_after.value_or(answer.body.size()), answer.body.size());
    const bool written =
        (answer.head.empty() || peer.write(answer.head + "\r\n")) && peer.write(answer.body.substr(0, length));
    if (answer.hang) {
        peer.hang();
        return false;
    }
    return written && !answer.cut_after && answer.head.find("Connection: close") == std::string::npos;
}

HttpAnswer file_answer(const HttpAsked& asked, const std::string& bytes, const std::string& etag) {
    const auto size = std::to_string(bytes.size());
    const std::string common = "ETag: " + etag + "\r\nAccept-Ranges: bytes\r\n";
    const auto range = asked.field("range");
    const auto if_range = asked.field("if-range");
    if (!range.starts_with("bytes=") || (!if_range.empty() && if_range != etag)) {
        return {"HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n" + common, bytes};
    }
    const auto dash = std::min(range.find('-'), range.size());
    const auto first = narrow<std::size_t>(parse_u64(std::string_view(range).substr(6, dash - 6)).value_or(0));
    if (first >= bytes.size()) {
        return status_answer("416 Range Not Satisfiable", "Content-Range: bytes */" + size + "\r\n");
    }
    const auto last = parse_u64(std::string_view(range).substr(std::min(dash + 1, range.size())));
    const auto behind = std::min<std::size_t>(bytes.size(), narrow<std::size_t>(last.value_or(bytes.size() - 1)) + 1);
    const auto part = bytes.substr(first, behind - std::min(behind, first));
    return {"HTTP/1.1 206 Partial Content\r\nContent-Length: " + std::to_string(part.size()) +
                "\r\nContent-Range: bytes " + std::to_string(first) + "-" + std::to_string(behind - 1) + "/" + size +
                "\r\n" + common,
            part};
}

HttpAnswer status_answer(const std::string& status, const std::string& fields, const std::string& body) {
    return {"HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields, body};
}

}  // namespace hagent::servers
