// SPDX-License-Identifier: Apache-2.0
// Owns the request parser's state machine.
#include "agent/http/request_parser.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::http {
namespace {

/// RFC 9110, 5.6.2.
bool is_token_char(char c) {
    constexpr std::string_view k_others = "!#$%&'*+-.^_`|~";
    return is_letter_or_digit(c) || k_others.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto u = static_cast<unsigned char>(c);
        return (u < 0x20 && c != '\t') || u == 0x7F;
    });
}

/// Percent-decoding of a path; empty optional on a bad escape, a control byte or NUL.
std::optional<std::string> decoded(std::string_view path) {
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] != '%') {
            out += path[i];
            continue;
        }
        const auto byte = i + 2 < path.size() ? from_hex(path.substr(i + 1, 2)) : std::nullopt;
        if (!byte || byte->size() != 1) {
            return std::nullopt;
        }
        out += static_cast<char>(byte->front());
        i += 2;
    }
    return has_control(out) ? std::nullopt : std::optional(out);
}

/// Whether a header's comma-separated value names this (without regard to case).
bool lists(std::string_view value, std::string_view name) {
    const auto entries = split(value, ',');
    return std::any_of(entries.begin(), entries.end(),
                       [&](std::string_view entry) { return equal_ignoring_case(trim(entry), name); });
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

RequestParser::RequestParser() : body_limit_(limits::k_http_body_bytes) {}

void RequestParser::limit_body(std::size_t bytes) {
    body_limit_ = bytes;
    if (request_.body.size() + expected_ > bytes) {
        fail(413, "The request's body is too large.");
    }
}

void RequestParser::fail(std::uint16_t status, std::string_view why) {
    state_ = State::failed;
    failure_status_ = status;
    failure_ = why;
}

bool RequestParser::in_lines() const {
    return state_ == State::head || state_ == State::chunk_size || state_ == State::chunk_end ||
           state_ == State::trailers;
}

std::size_t RequestParser::feed(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && state_ != State::complete && state_ != State::failed) {
        started_ = true;
        if (!in_lines()) {
            used += take_data(bytes.substr(used));
            continue;
        }
        const char c = bytes[used++];
        // Chunk sizes and trailers count too: else a body of empty lines would never end.
        if (++head_bytes_ > limits::k_http_header_bytes + limits::k_http_request_line_bytes) {
            fail(431, "The request's header section is too large.");
        } else if (c != '\n') {
            line_ += c;
        } else if (line_.empty() || line_.back() != '\r') {
            fail(400, "A line does not end with CR LF.");
        } else {
            line_.pop_back();
            const std::string line = std::move(line_);
            line_.clear();
            take_line(line);
        }
        if (!have_request_line_ && state_ == State::head && line_.size() > limits::k_http_request_line_bytes) {
            fail(414, "The request line is too long.");
        }
    }
    return used;
}

void RequestParser::take_line(std::string_view line) {
    if (has_control(line)) {
        return fail(400, "A line of the request holds a control byte.");
    }
    switch (state_) {
        case State::head:
            if (!have_request_line_) {
                return line.empty() ? void() : request_line(line);  // RFC 9112 2.2: empty lines before it are skipped
            }
            return line.empty() ? end_of_head() : header_line(line);
        case State::chunk_size: return chunk_size_line(line);
        case State::chunk_end:
            return line.empty() ? void(state_ = State::chunk_size) : fail(400, "A chunk is longer than its size says.");
        case State::trailers:
            return line.empty() ? void(state_ = State::complete) : void();  // trailers carry nothing that we use
        case State::body:
        case State::chunk_data:
        case State::complete:
        case State::failed: return;
    }
}

void RequestParser::request_line(std::string_view line) {
    const auto parts = split(line, ' ');
    if (parts.size() != 3 || !is_token(parts[0]) || parts[1].empty()) {
        return fail(400, "The request line is not 'METHOD path HTTP/1.1'.");
    }
    if (parts[2] != "HTTP/1.1" && parts[2] != "HTTP/1.0") {
        return fail(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    }
    // Proxies use whole URLs and "*"; here is no proxy.
    if (parts[1].front() != '/') {
        return fail(400, "The request target is not a path.");
    }
    const auto mark = parts[1].find('?');
    const auto path = decoded(parts[1].substr(0, mark));
    if (!path) {
        return fail(400, "The path holds a bad percent escape.");
    }
    request_.method = parts[0];
    request_.path = *path;
    request_.query = mark == std::string_view::npos ? "" : std::string(parts[1].substr(mark + 1));
    request_.keep_alive = parts[2] == "HTTP/1.1";
    have_request_line_ = true;
}

void RequestParser::header_line(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
        return fail(400, "A header line has no proper name.");
    }
    if (request_.headers.size() >= limits::k_http_headers) {
        return fail(431, "The request has too many headers.");
    }
    request_.headers.emplace_back(to_lower(line.substr(0, colon)), std::string(trim(line.substr(colon + 1))));
}

void RequestParser::end_of_head() {
    std::optional<std::string_view> length;
    std::optional<std::string_view> coding;
    unsigned hosts = 0;
    const bool is_http_1_1 = request_.keep_alive;  // as the request line left it
    for (const auto& [name, value] : request_.headers) {
        if (name == "content-length") {
            if (length) {
                return fail(400, "The request states its length twice.");
            }
            length = value;
        } else if (name == "transfer-encoding") {
            if (coding) {
                return fail(400, "The request states its transfer coding twice.");
            }
            coding = value;
        } else if (name == "host") {
            ++hosts;
        } else if (name == "connection") {
            request_.keep_alive = request_.keep_alive && !lists(value, "close");
        } else if (name == "expect") {
            expects_continue_ = equal_ignoring_case(value, "100-continue");
        }
    }
    // RFC 9112, 3.2. Without a Host the access rules could not see DNS rebinding.
    if (hosts > 1 || (hosts == 0 && is_http_1_1)) {
        return fail(400, "The request needs exactly one Host header.");
    }
    if (length && coding) {
        return fail(400, "The request states both a length and a transfer coding.");
    }
    if (coding) {
        if (!equal_ignoring_case(*coding, "chunked")) {
            return fail(501, "Only the transfer coding 'chunked' is understood.");
        }
        state_ = State::chunk_size;
        return;
    }
    const auto bytes = length ? parse_u64(*length) : std::optional<std::uint64_t>(0);
    if (!bytes) {
        return fail(400, "Content-Length is not a number.");
    }
    if (*bytes > body_limit_) {
        return fail(413, "The request's body is too large.");
    }
    expected_ = *bytes;
    state_ = expected_ == 0 ? State::complete : State::body;
}

void RequestParser::chunk_size_line(std::string_view line) {
    const auto digits = line.substr(0, line.find(';'));  // extensions are ignored, RFC 9112 7.1.1
    std::uint64_t size = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
    // from_chars takes no sign and no "0x", which others may read as another size.
    if (digits.empty() || problem != std::errc{} || end != digits.data() + digits.size()) {
        return fail(400, "A chunk size is not a hexadecimal number.");
    }
    if (size > body_limit_ - request_.body.size()) {
        return fail(413, "The request's body is too large.");
    }
    expected_ = size;
    state_ = size == 0 ? State::trailers : State::chunk_data;
}

std::size_t RequestParser::take_data(std::string_view bytes) {
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(expected_, bytes.size()));
    request_.body.append(bytes.substr(0, taken));
    expected_ -= taken;
    if (expected_ == 0) {
        state_ = state_ == State::body ? State::complete : State::chunk_end;
    }
    return taken;
}

}  // namespace hagent::http
