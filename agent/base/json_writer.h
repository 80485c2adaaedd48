// SPDX-License-Identifier: Apache-2.0
// Owns the writing of JSON: one text that grows, members in the order of the calls (RFC 8259, UTF-8, no blanks).
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/text_view.h"

namespace hagent {

/// A call that would make the text malformed (a member without a name, an end without a beginning, taken too early) is
/// a bug in us and ends the process. Names are not compared: give each one once. At most 64 levels.
class JsonWriter {
public:
    // Values: the whole text, an item of the current array, or what the name before it names.
    void begin_object() { open('{', true); }
    void begin_array() { open('[', false); }
    void null() { raw("null"); }
    /// What is no UTF-8 becomes U+FFFD, one for each longest piece that could have begun a character.
    void value(TextView text);
    void value(std::span<const std::string> texts);
    template <std::integral T>
    void value(T number) {
        if constexpr (std::same_as<T, bool>) {
            raw(number ? "true" : "false");
        } else if constexpr (std::signed_integral<T>) {
            integer(number);
        } else {
            whole(number);
        }
    }
    /// `json` is one JSON value already, from this class or from a parsed document.
    void raw(TextView json);

    void end_object() { close('}', true); }
    void end_array() { close(']', false); }

    /// The next call writes the value of this member of the current object.
    void name(TextView name);

    // A name and its value in one call.
    void begin_object(TextView member);
    void begin_array(TextView member);
    void null(TextView member) { raw(member, "null"); }
    void raw(TextView member, TextView json);
    void member(TextView member, TextView text);
    void member(TextView member, std::span<const std::string> texts);
    template <std::integral T>
    void member(TextView member, T number) {
        name(member);
        value(number);
    }

    /// The finished text.
    [[nodiscard]] std::string take();

private:
    void before_value();
    void open(char bracket, bool object);
    void close(char bracket, bool object);
    void quote(std::string_view text);
    void integer(std::int64_t number);
    void whole(std::uint64_t number);

    std::string out_;
    std::uint64_t objects_ = 0;  // one bit for each open level, the current one lowest: 1 object, 0 array
    unsigned depth_ = 0;
    bool first_ = true;   // nothing stands in the current level yet
    bool named_ = false;  // a name waits for its value
};

/// One JSON string.
[[nodiscard]] std::string json_text(TextView text);

}  // namespace hagent
