// SPDX-License-Identifier: Apache-2.0
// Owns what an HTTP reply's head says that matters to a transfer, read line by line and believed only when well-formed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/base/time.h"
#include "agent/transfer/fetcher.h"

namespace hagent::transfer {

/// "bytes 100-199/1000", "bytes */1000", "bytes 100-199/*" (RFC 9110, 14.4).
struct ContentRange {
    bool satisfied = false;  // false: "bytes */N"
    std::uint64_t first = 0, last = 0;
    std::optional<std::uint64_t> total;
};
/// Empty on any deviation, numbers that contradict each other included; but some servers leave the total out, which
/// says no less than "/*".
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view text);

/// Seconds, or a date seen from the reply's own Date, so that this device's clock plays no part. Empty when malformed,
/// or a date without Date. Source: RFC 9110, 10.2.3.
[[nodiscard]] std::optional<Seconds> parse_retry_after(std::string_view value, std::string_view date);

/// The final reply's head: feed every line, status lines of interim replies and of redirects too; each begins anew.
class HttpHead {
public:
    /// With or without its line end.
    void line(std::string_view text);

    /// More lines than any honest server sends: interim answers or fields without end.
    [[nodiscard]] bool endless() const { return lines_ > limits::k_http_answer_lines; }
    [[nodiscard]] std::uint16_t status() const { return status_; }  // 0: no reply yet
    [[nodiscard]] bool positive() const { return status_ >= 200 && status_ < 300; }
    /// Whether the body that begins here is a good reply's. Where a reply may do without a head, one without is good.
    [[nodiscard]] bool begins_body(bool headless) {
        if (headless && status_ == 0) {
            line("HTTP/0.9 200");
            line("");
        }
        return positive();
    }
    [[nodiscard]] bool redirects() const {
        return (status_ >= 301 && status_ <= 303) || status_ == 307 || status_ == 308;
    }
    /// The empty line was seen, and the length is one number that fits (RFC 9110, 8.6): else nobody knows where the
    /// body ends.
    [[nodiscard]] bool believable() const;
    [[nodiscard]] bool complete() const { return complete_; }
    /// The interpreted head. `validator` is a strong ETag (an unquoted one too), else a Last-Modified that is older
    /// than the reply (RFC 9110, 8.8.2.2), byte for byte.
    [[nodiscard]] ReplyHead reply_head() const;
    /// N of "bytes */N", for a 416.
    [[nodiscard]] std::optional<std::uint64_t> size_if_unsatisfied() const;
    [[nodiscard]] std::optional<Seconds> retry_after() const { return parse_retry_after(retry_after_, date_); }
    [[nodiscard]] const std::string& etag() const { return etag_; }
    [[nodiscard]] const std::string& location() const { return location_; }
    [[nodiscard]] const std::string& content_type() const { return content_type_; }
    /// What the status line says behind the number; may be empty.
    [[nodiscard]] const std::string& reason() const { return reason_; }

private:
    void status_line(std::string_view text);
    void field(std::string_view name, std::string_view value);
    [[nodiscard]] std::string validator() const;

    std::size_t lines_ = 0;  // since the request, those of interim answers too
    std::uint16_t status_ = 0;
    bool complete_ = false;
    bool transfer_coded_ = false;
    bool length_broken_ = false;
    std::optional<std::uint64_t> content_length_;
    std::string content_range_, etag_, last_modified_, retry_after_, date_, location_, content_type_, reason_;
};

}  // namespace hagent::transfer
