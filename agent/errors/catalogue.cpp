// SPDX-License-Identifier: Apache-2.0
// Owns look-up in the catalogue: by id, by number, by name, and by class for numbers without a row.
#include "agent/errors/catalogue.h"

#include <algorithm>
#include <charconv>

#include "agent/errors/rows.h"

namespace hagent::errors {
namespace {

struct ProtocolName {
    std::string_view name;
    Protocol protocol;
};

// The first name of a protocol is the permanent one; the others are what people type.
constexpr ProtocolName k_protocols[] = {
    {"ftp", Protocol::ftp},         {"ftps", Protocol::ftp},          {"http", Protocol::http},
    {"https", Protocol::http},      {"winsock", Protocol::winsock},   {"socket", Protocol::winsock},
    {"wsa", Protocol::winsock},     {"resolver", Protocol::resolver}, {"dns", Protocol::resolver},
    {"wininet", Protocol::wininet}, {"xdsa", Protocol::xdsa},         {"sw", Protocol::xdsa},
    {"agent", Protocol::agent},     {"hagent", Protocol::agent},
};

constexpr char to_folded(char c) {
    if (c >= 'a' && c <= 'z') return static_cast<char>(c - 'a' + 'A');
    return c == '-' || c == ' ' ? '_' : c;
}

// Names are compared without letter case, and "not-found" or "not found" is as good as "NOT_FOUND".
bool same_name(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, to_folded, to_folded); }

// This folder needs nothing but the standard library, so it has its own.
std::string_view trimmed(std::string_view text) {
    constexpr std::string_view k_blank = " \t\r\n";
    const auto first = text.find_first_not_of(k_blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(k_blank) - first + 1);
}

// Nothing for signs, blanks, and what does not fit into 16 bits.
std::optional<std::uint16_t> parse_number(std::string_view digits) {
    std::uint16_t number = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failure != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

bool has_alias(const Row& row, std::string_view name) {
    std::string_view rest = row.alias;
    while (!rest.empty()) {
        const auto blank = std::min(rest.find(' '), rest.size());
        if (same_name(rest.substr(0, blank), name)) return true;
        rest.remove_prefix(std::min(blank + 1, rest.size()));
    }
    return false;
}

// With or without the prefix of its protocol: people leave it out.
bool is_called(const Row& row, std::string_view name) {
    const std::string_view prefix = name_prefix(row.id.protocol);
    return same_name(row.name, name) || same_name(row.name.view().substr(prefix.size()), name) || has_alias(row, name);
}

// What stands in for a row that the catalogue does not have.
struct Class {
    Words name;
    Severity severity;
    Retry retry;
    Fallback cause;
};

// By the first digit.
constexpr Class k_ftp_classes[] = {
    {"FTP_1YZ", Severity::note, Retry::permanent, Fallback::ftp_1yz},
    {"FTP_2YZ", Severity::note, Retry::permanent, Fallback::ftp_2yz},
    {"FTP_3YZ", Severity::note, Retry::permanent, Fallback::ftp_3yz},
    {"FTP_4YZ", Severity::error, Retry::transient, Fallback::ftp_4yz},
    {"FTP_5YZ", Severity::error, Retry::permanent, Fallback::ftp_5yz},
    {"FTP_6YZ", Severity::note, Retry::permanent, Fallback::ftp_6yz},
};

// By the second digit.
constexpr Fallback k_ftp_subjects[] = {Fallback::ftp_spelling, Fallback::ftp_information, Fallback::ftp_connections,
                                       Fallback::ftp_login,    Fallback::read_text,       Fallback::ftp_files};

// By the first digit.
constexpr Class k_http_classes[] = {
    {"HTTP_1XX", Severity::note, Retry::permanent, Fallback::http_1xx},
    {"HTTP_2XX", Severity::note, Retry::permanent, Fallback::http_2xx},
    {"HTTP_3XX", Severity::error, Retry::permanent, Fallback::http_3xx},
    {"HTTP_4XX", Severity::error, Retry::permanent, Fallback::http_4xx},
    {"HTTP_5XX", Severity::error, Retry::permanent, Fallback::http_5xx},
};

Row from_class(Id id, const Class& kind, Words group, Fallback next) {
    return {id, kind.name, group, kind.severity, kind.retry, {}, fallback(kind.cause), fallback(next)};
}

Row unlisted(Id id, Words group) {
    constexpr Class k_unlisted{"UNLISTED", Severity::error, Retry::permanent, Fallback::unlisted};
    return from_class(id, k_unlisted, group, Fallback::look_it_up);
}

Fallback ftp_next(std::size_t subject, Severity severity) {
    if (severity == Severity::note || subject >= std::size(k_ftp_subjects)) return Fallback::read_text;
    return k_ftp_subjects[subject];
}

Row describe_ftp(Id id) {
    const std::size_t first = id.number / std::size_t{100};
    if (first < 1 || first > std::size(k_ftp_classes)) return unlisted(id, "reply");
    const Class& kind = k_ftp_classes[first - 1];
    return from_class(id, kind, "reply", ftp_next(id.number / std::size_t{10} % 10, kind.severity));
}

Row describe_http(Id id) {
    const std::size_t first = id.number / std::size_t{100};
    if (first < 1 || first > std::size(k_http_classes)) return unlisted(id, "status");
    const Class& kind = k_http_classes[first - 1];
    return from_class(id, kind, "status", kind.severity == Severity::note ? Fallback::http_note : Fallback::http_log);
}

}  // namespace

std::span<const Row> rows() { return k_rows; }

const Row* find(Id id) {
    std::span<const Row> table = rows_of(id.protocol);
    // Result codes come first in xdsa.def; the other lists must not answer for them.
    if (id.protocol == Protocol::xdsa) {
        table = table.first(static_cast<std::size_t>(
            std::ranges::find_if(table, [&](const Row& row) { return row.group != table.front().group; }) -
            table.begin()));
    }
    const auto row = std::ranges::lower_bound(table, id.number, {}, [](const Row& r) { return r.id.number; });
    return row != table.end() && row->id == id ? &*row : nullptr;
}

Row describe(Id id) {
    if (const Row* row = find(id)) return *row;
    switch (id.protocol) {
        case Protocol::ftp: return describe_ftp(id);
        case Protocol::http: return describe_http(id);
        case Protocol::winsock: return unlisted(id, "socket");
        case Protocol::resolver: return unlisted(id, "resolver");
        case Protocol::wininet: return unlisted(id, "internet");
        case Protocol::xdsa: return unlisted(id, "result code");
        case Protocol::agent: return unlisted(id, "general");
    }
    return unlisted(id, "general");
}

std::optional<Id> parse_id(std::string_view text) {
    text = trimmed(text);
    const auto digits = text.find_first_of("0123456789");
    if (digits == std::string_view::npos || digits == 0) return std::nullopt;
    const auto number = parse_number(text.substr(digits));
    if (!number) return std::nullopt;
    std::string_view word = text.substr(0, digits);
    word = word.substr(0, word.find_last_not_of(" -_:/") + 1);
    for (const ProtocolName& known : k_protocols) {
        if (same_name(known.name, word)) return Id{known.protocol, *number};
    }
    return std::nullopt;
}

std::vector<const Row*> explain(std::string_view number_or_name) {
    const std::string_view query = trimmed(number_or_name);
    std::vector<const Row*> found;
    if (query.empty()) return found;
    const auto number = parse_number(query);
    const auto id = parse_id(query);
    for (const Row& row : k_rows) {
        if ((number && row.id.number == *number) || (id && row.id == *id) || is_called(row, query))
            found.push_back(&row);
    }
    return found;
}

std::string id_text(Id id) { return std::string(to_string(id.protocol)) + "-" + std::to_string(id.number); }

std::string_view to_string(Protocol protocol) {
    const auto* known = std::ranges::find(k_protocols, protocol, &ProtocolName::protocol);
    return known->name;
}

std::string_view to_string(Severity severity) {
    switch (severity) {
        case Severity::note: return "note";
        case Severity::warning: return "warning";
        case Severity::error: return "error";
        case Severity::suspend: return "suspend";
    }
    return "error";
}

std::string_view to_string(Retry retry) {
    switch (retry) {
        case Retry::transient: return "transient";
        case Retry::permanent: return "permanent";
    }
    return "permanent";
}

}  // namespace hagent::errors
