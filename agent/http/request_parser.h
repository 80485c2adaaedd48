// SPDX-License-Identifier: Apache-2.0
// Owns the grammar of inbound requests: RFC 9112, strict, with every limit named in base/limits.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/http/request.h"

namespace hagent::http {

/// Takes bytes as they come, in pieces of any size. Refuses what request smuggling needs: bare CR or LF, folded lines,
/// blanks before the colon, Content-Length together with Transfer-Encoding, two lengths, any transfer coding but one
/// final "chunked".
class RequestParser {
public:
    RequestParser();

    enum class State : std::uint8_t { head, body, chunk_size, chunk_data, chunk_end, trailers, complete, failed };

    /// Takes bytes until the request is complete or has failed; returns how many it used.
    std::size_t feed(std::string_view bytes);

    /// From now on a body of more bytes fails with 413; at first k_http_body_bytes.
    void limit_body(std::size_t bytes);

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool started() const { return started_; }
    [[nodiscard]] Request& request() { return request_; }
    /// Why it failed: the HTTP status to answer (400, 413, 414, 431, 501, 505) and a sentence for the client.
    [[nodiscard]] std::uint16_t failure_status() const { return failure_status_; }
    [[nodiscard]] const std::string& failure() const { return failure_; }
    /// Whether the client waits for "100 Continue" before it sends the body.
    [[nodiscard]] bool expects_continue() const { return expects_continue_; }

private:
    void take_line(std::string_view line);
    void request_line(std::string_view line);
    void header_line(std::string_view line);
    void end_of_head();
    void chunk_size_line(std::string_view line);
    std::size_t take_data(std::string_view bytes);
    [[nodiscard]] bool in_lines() const;
    void fail(std::uint16_t status, std::string_view why);

    State state_ = State::head;
    Request request_;
    std::string line_;
    std::size_t head_bytes_ = 0;
    std::uint64_t expected_ = 0;  // body or chunk bytes still to come
    std::size_t body_limit_;
    bool started_ = false;
    bool have_request_line_ = false;
    bool expects_continue_ = false;
    std::uint16_t failure_status_ = 0;
    std::string failure_;
};

}  // namespace hagent::http
