// SPDX-License-Identifier: Apache-2.0
// Owns the error catalogue: every known code with its name, severity, cause and next step in plain words.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/errors/id.h"

namespace hagent::errors {

// A static text that ends with a NUL, used like a view. It takes half the room, which counts in tables of 600 rows.
class Words {
public:
    constexpr Words() = default;
    constexpr Words(const char* text) : text_(text) {}
    [[nodiscard]] constexpr const char* c_str() const { return text_; }
    constexpr operator std::string_view() const { return view(); }
    [[nodiscard]] constexpr std::string_view view() const { return {text_, __builtin_strlen(text_)}; }
    // The compiler's own, here and above: hundreds of names are compared with each other while it compiles.
    friend constexpr bool operator==(Words a, Words b) { return __builtin_strcmp(a.text_, b.text_) == 0; }

private:
    const char* text_ = "";
};

// A sentence of the tables. They are packed (pack_sentences.py), as they are much text that is seldom read.
class Sentence {
public:
    constexpr Sentence() = default;
    constexpr explicit Sentence(std::uint16_t number) : number_(number) {}
    [[nodiscard]] std::string text() const;
    friend constexpr bool operator==(Sentence, Sentence) = default;

private:
    std::uint16_t number_ = 0;
};

// One line of the catalogue. Texts are for people; programs go by the id, which never changes.
struct Row {
    Id id;
    Words name;   // WSAECONNREFUSED, SW_DSA_OVER_LIMIT, HTTP_NOT_FOUND, digest_mismatch
    Words group;  // which list of its protocol: "reply", "status", "result code", "task type", ...
    Severity severity;
    Retry retry;
    Words alias;     // other names that find this row, separated by blanks; mostly empty
    Sentence cause;  // what happened
    Sentence next;   // what to do about it
};

// Every row, by protocol, group and ascending number.
[[nodiscard]] std::span<const Row> rows();

// The row that an Id means (for XDSA: the result code of that number), or null when the catalogue has none.
[[nodiscard]] const Row* find(Id id);

// Like find, but an unknown number is explained by its class: first digit for FTP (RFC 959, 4.2) and
// HTTP (RFC 9110, 15), a general sentence for the rest. The answer always carries the number that was asked.
[[nodiscard]] Row describe(Id id);

// Everything that a number ("75"), a name ("WSAECONNREFUSED", "econnrefused", "DSA_OVER_LIMIT") or a qualified
// number ("ftp 550", "http-503", "agent-1201") can mean, in catalogue order; letter case does not matter.
[[nodiscard]] std::vector<const Row*> explain(std::string_view number_or_name);

// The Id in a qualified number ("ftp 599", "http-299"), whether the catalogue has a row for it or not.
[[nodiscard]] std::optional<Id> parse_id(std::string_view text);

// The permanent id of a code: "ftp-550", "agent-1201".
[[nodiscard]] std::string id_text(Id id);

[[nodiscard]] std::string_view to_string(Protocol protocol);
[[nodiscard]] std::string_view to_string(Severity severity);  // "note", "warning", "error", "suspend"
[[nodiscard]] std::string_view to_string(Retry retry);        // "transient", "permanent"

}  // namespace hagent::errors
