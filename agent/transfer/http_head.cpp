// SPDX-License-Identifier: Apache-2.0
// Owns the reading of HTTP status lines and header fields.
#include "agent/transfer/http_head.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::transfer {
namespace {

constexpr std::uint64_t k_huge = INT64_MAX;  // no file is larger; keeps sums from overflowing

std::string_view without_line_end(std::string_view text) {
    while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) {
        text.remove_suffix(1);
    }
    return text;
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view text) {
    text = trim(text);
    const auto blank = text.find(' ');
    const auto slash = text.find('/');
    if (blank == std::string_view::npos || (slash != std::string_view::npos && slash < blank) ||
        !equal_ignoring_case(text.substr(0, blank), "bytes")) {
        return std::nullopt;
    }
    const auto part = text.substr(blank + 1, slash == std::string_view::npos ? slash : slash - blank - 1);
    const auto size = slash == std::string_view::npos ? std::string_view("*") : text.substr(slash + 1);
    ContentRange range;
    if (size != "*") {
        range.total = parse_u64(size, k_huge);
        if (!range.total) {
            return std::nullopt;
        }
    }
    if (part == "*") {
        return range.total ? std::optional(range) : std::nullopt;
    }
    const auto dash = part.find('-');
    if (dash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto first = parse_u64(part.substr(0, dash), k_huge);
    const auto last = parse_u64(part.substr(dash + 1), k_huge - 1);
    if (!first || !last || *first > *last || (range.total && *last >= *range.total)) {
        return std::nullopt;
    }
    range.satisfied = true;
    range.first = *first;
    range.last = *last;
    return range;
}

std::optional<Seconds> parse_retry_after(std::string_view value, std::string_view date) {
    value = trim(value);
    if (const auto seconds = parse_u64(value, UINT32_MAX)) {
        return Seconds(narrow<std::int64_t>(*seconds));
    }
    const auto until = parse_http_date(value);
    const auto now = parse_http_date(trim(date));
    if (!until || !now) {
        return std::nullopt;
    }
    const auto left = std::chrono::duration_cast<Seconds>(until->since_epoch - now->since_epoch);
    return std::max(left, Seconds(0));
}

void HttpHead::line(std::string_view text) {
    ++lines_;
    text = without_line_end(text);
    if (text.starts_with("HTTP/")) {
        status_line(text);
    } else if (complete_) {
        return;  // a trailer behind a chunked body changes nothing any more
    } else if (text.empty()) {
        complete_ = true;
    } else if (const auto colon = text.find(':'); colon != std::string_view::npos && colon > 0) {
        field(text.substr(0, colon), trim(text.substr(colon + 1)));
    }
}

void HttpHead::status_line(std::string_view text) {
    const std::size_t lines = lines_;
    *this = HttpHead();
    lines_ = lines;
    const auto parts = words(text);
    if (parts.size() >= 2 && parts[1].size() == 3) {
        status_ = narrow<std::uint16_t>(parse_u64(parts[1], 999).value_or(0));
        const auto behind = static_cast<std::size_t>(parts[1].data() + parts[1].size() - text.data());
        reason_ = clip(trim(text.substr(behind)), limits::k_reply_line_bytes);
    }
}

void HttpHead::field(std::string_view name, std::string_view value) {
    const std::array<std::pair<std::string_view, std::string*>, 7> kept = {{{"Content-Range", &content_range_},
                                                                            {"ETag", &etag_},
                                                                            {"Last-Modified", &last_modified_},
                                                                            {"Retry-After", &retry_after_},
                                                                            {"Date", &date_},
                                                                            {"Location", &location_},
                                                                            {"Content-Type", &content_type_}}};
    for (const auto& [known, target] : kept) {
        if (equal_ignoring_case(name, known)) {
            // a value that is too long would be useless cut off: it counts as absent
            *target = value.size() <= limits::k_http_header_bytes ? value : std::string_view();
            return;
        }
    }
    if (equal_ignoring_case(name, "Content-Length")) {
        const auto length = parse_u64(value, k_huge);
        length_broken_ = length_broken_ || !length || (content_length_ && content_length_ != length);
        content_length_ = length;
    } else if (equal_ignoring_case(name, "Transfer-Encoding") || equal_ignoring_case(name, "Content-Encoding")) {
        transfer_coded_ = transfer_coded_ || !equal_ignoring_case(value, "identity");
    }
}

/// A strong ETag; else Last-Modified, unless the file was changed in the very second of the reply: it may change again
/// within that second, and nobody would see it.
std::string HttpHead::validator() const {
    if (!etag_.empty() && !etag_.starts_with("W/")) {
        return etag_;
    }
    const auto changed = parse_http_date(last_modified_);
    const auto now = parse_http_date(date_);
    return changed && now && changed->since_epoch >= now->since_epoch ? std::string() : last_modified_;
}

bool HttpHead::believable() const { return complete_ && (!length_broken_ || transfer_coded_); }

ReplyHead HttpHead::reply_head() const {
    ReplyHead head;
    head.protocol = errors::Protocol::http;
    head.number = status_;
    head.validator = validator();
    const auto length = transfer_coded_ ? std::nullopt : content_length_;
    if (status_ != 206) {
        head.total = length;
        return head;
    }
    const auto range = parse_content_range(content_range_);
    head.range_broken = !range || !range->satisfied || (length && *length != range->last - range->first + 1);
    if (range && range->satisfied) {
        head.start = range->first;
        head.end = range->last + 1;
        head.total = range->total;
    }
    return head;
}

std::optional<std::uint64_t> HttpHead::size_if_unsatisfied() const {
    const auto range = parse_content_range(content_range_);
    return range && !range->satisfied ? range->total : std::nullopt;
}

}  // namespace hagent::transfer
