// SPDX-License-Identifier: Apache-2.0
// Owns Fetcher, the seam to the wire: one request, one reply, no retry and no opinion about what the reply means.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/transfer/stage.h"
#include "platform/files.h"

namespace hagent::transfer {

using Headers = std::vector<std::pair<std::string, std::string>>;

enum class Method : std::uint8_t { get, put, post };  // for FTP: RETR, STOR; post is refused

/// FTP commands that a server was found not to understand are left out at the next try.
struct FtpHints {
    bool epsv = true;
    bool size = true;
    bool mdtm = true;
    bool rest = true;
};

struct Exchange {
    std::string url;  // may hold user:password@
    Method method = Method::get;
    Headers headers;                   // sent to the origin of `url` only, never across a redirect to another one
    std::string body;                  // what put and post send, unless `source` is set
    platform::File* source = nullptr;  // borrowed: what put sends, read piece by piece
    std::uint64_t source_bytes = 0;
    std::uint64_t offset = 0;             // get: the first byte wanted (HTTP Range, FTP REST)
    std::optional<std::uint64_t> end{};   // get: behind the last byte wanted, above `offset`; empty: all that follow
    std::string if_range;                 // HTTP: validator sent back with the range, byte for byte; may be empty
    std::uint64_t limit_bytes_per_s = 0;  // 0: none
    bool past_caches = false;             // HTTP get: caches on the way must ask the server (RFC 9111, 5.2.1.4)
    bool answer_wanted = true;            // false: what a positive reply says is cut off and not given to the sink
    Seconds time_limit{0};                // for all of one request; 0: none
    FtpHints ftp;
    bool headless = false;  // HTTP: bytes without status line and headers are the body of a good reply
};

/// What is known when the first byte of the file is about to arrive.
struct ReplyHead {
    errors::Protocol protocol = errors::Protocol::http;
    std::uint16_t number = 0;            // HTTP status; FTP reply to RETR (150, 125)
    std::uint64_t start = 0;             // offset of the first byte that follows
    std::optional<std::uint64_t> end;    // HTTP 206: offset after the last byte that follows
    std::optional<std::uint64_t> total;  // size of the whole file, when the server says
    std::string validator;               // strong ETag, else Last-Modified, as received; FTP: "SIZE MDTM"; may be empty
    bool range_broken = false;           // a 206 whose Content-Range is missing, malformed or contradicts its length
};

/// Of bytes that begin at `at` of a file, those that were asked for.
[[nodiscard]] inline std::string_view before_end(const Exchange& exchange, std::uint64_t at, std::string_view bytes) {
    if (!exchange.end) {
        return bytes;
    }
    const std::uint64_t left = *exchange.end - std::min(*exchange.end, at);
    return left < bytes.size() ? bytes.substr(0, static_cast<std::size_t>(left)) : bytes;
}

/// All that was asked for has come, and the server is known to send more: FTP has no other end than a cut.
[[nodiscard]] inline bool goes_on_behind_end(const Exchange& exchange, const ReplyHead& head, std::uint64_t came) {
    const auto stops_at = head.end ? head.end : head.total;
    return exchange.end && head.start + came >= *exchange.end && stops_at && *stops_at > *exchange.end;
}

/// Where the bytes of a positive reply go. An error from either function ends the exchange and is its result.
class Sink {
public:
    virtual ~Sink() = default;
    [[nodiscard]] virtual Status begin(const ReplyHead& head) = 0;
    [[nodiscard]] virtual Status write(std::string_view bytes) = 0;
};

struct Reply {
    ReplyHead head;
    Stage stage = Stage::connect;  // how far it got
    std::optional<Error> error;    // empty: the exchange did what was asked; else the ftp, http, winsock,
                                   // resolver or agent row that says why not
    std::uint64_t body_bytes = 0;  // given to the sink
    std::optional<Seconds> retry_after;
    std::string etag, location, content_type;
    std::string url;   // the last one after redirects, without credentials
    std::string body;  // of a negative HTTP reply: its first k_error_body_bytes; the rest is not read
    // FTP lines and HTTP status lines, credentials scrubbed, the last k_transcript_lines
    std::vector<std::string> transcript;
};

inline constexpr std::size_t k_error_body_bytes = 4096;

/// Virtual because tests substitute it. One exchange at a time per object.
class Fetcher {
public:
    virtual ~Fetcher() = default;
    /// A Reply for everything that server and network do. Errors are local: cancelled (seen within a second),
    /// bad_url, unsupported_scheme, what the sink returned, what reading `source` returned, netrc or CA file
    /// unreadable.
    /// The sink gets nothing behind the `end` that was asked for. A server that goes on there is cut off, with its
    /// connection, and that is no error.
    [[nodiscard]] virtual Result<Reply> exchange(const Exchange& exchange, Sink& sink, const CancelToken& cancel) = 0;
};

/// Keeps the bytes in memory, up to a limit (error: limit_exceeded).
class StringSink final : public Sink {
public:
    explicit StringSink(std::size_t limit) : limit_(limit) {}
    Status begin(const ReplyHead&) override {
        text_.clear();
        return {};
    }
    Status write(std::string_view bytes) override {
        if (bytes.size() > limit_ - text_.size()) {
            return error(errors::AgentCode::limit_exceeded, {"answer larger than ", std::to_string(limit_), " bytes"});
        }
        text_ += bytes;
        return {};
    }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    std::size_t limit_;
    std::string text_;
};

}  // namespace hagent::transfer
