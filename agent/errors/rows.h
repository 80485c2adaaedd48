// SPDX-License-Identifier: Apache-2.0
// Owns the one array that all .def tables become, and the compile-time proof that it has no duplicates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

#include "agent/errors/catalogue.h"
#include "agent/errors/packed.h"

namespace hagent::errors {

// The area that an agent code's hundreds stand for; empty when no area has been given to them.
constexpr Words agent_area(std::uint16_t number) {
    constexpr std::array<Words, 11> k_areas{"general", "configuration", "files",    "transfer", "trust",   "script",
                                            "session", "manager",       "listener", "image",    "software"};
    const std::size_t area = number / std::size_t{100};
    return area >= 10 && area - 10 < k_areas.size() ? k_areas[area - 10] : Words();
}

// The sentences come in the order of the rows, two for each.
template <std::size_t N>
constexpr std::array<Row, N> with_sentences(std::array<Row, N> table) {
    for (std::size_t i = 0; i < N; ++i) {
        table[i].cause = Sentence{k_sentences[2 * i]};
        table[i].next = Sentence{k_sentences[2 * i + 1]};
    }
    return table;
}

// clang-format off
inline constexpr auto k_rows = with_sentences(std::to_array<Row>({
#define HAGENT_FTP_ROW(number, label, severity, retry, cause, next) \
    {ftp(number), label, "reply", Severity::severity, Retry::retry, {}, {}, {}},
#include "agent/errors/ftp.def"
#undef HAGENT_FTP_ROW
#define HAGENT_HTTP_ROW(number, label, severity, retry, cause, next) \
    {http(number), label, "status", Severity::severity, Retry::retry, {}, {}, {}},
#include "agent/errors/http.def"
#undef HAGENT_HTTP_ROW
#define HAGENT_WINSOCK_ROW(number, name, label, severity, retry, cause, next, alias) \
    {winsock(Winsock::name), label, "socket", Severity::severity, Retry::retry, alias, {}, {}},
#include "agent/errors/winsock.def"
#undef HAGENT_WINSOCK_ROW
#define HAGENT_RESOLVER_ROW(number, name, label, severity, retry, cause, next, alias) \
    {resolver(Resolver::name), label, "resolver", Severity::severity, Retry::retry, alias, {}, {}},
#include "agent/errors/resolver.def"
#undef HAGENT_RESOLVER_ROW
#define HAGENT_WININET_ROW(number, label, severity, retry, cause, next, alias) \
    {wininet(number), label, "internet", Severity::severity, Retry::retry, alias, {}, {}},
#include "agent/errors/wininet.def"
#undef HAGENT_WININET_ROW
#define HAGENT_XDSA_RESULT(number, name, label, severity, retry, cause, next, alias) \
    {xdsa(Xdsa::name), label, "result code", Severity::severity, Retry::retry, alias, {}, {}},
#define HAGENT_XDSA_VALUE(list, number, label, severity, retry, cause, next) \
    {Id{Protocol::xdsa, number}, label, list, Severity::severity, Retry::retry, {}, {}, {}},
#include "agent/errors/xdsa.def"
#undef HAGENT_XDSA_VALUE
#undef HAGENT_XDSA_RESULT
#define HAGENT_AGENT_ROW(number, name, severity, retry, cause, next, alias) \
    {agent(AgentCode::name), #name, agent_area(number), Severity::severity, Retry::retry, alias, {}, {}},
#include "agent/errors/agent.def"
#undef HAGENT_AGENT_ROW
}));
// clang-format on

// The sentences of fallback.def stand behind those of the rows.
enum class Fallback : std::uint8_t {
#define HAGENT_SENTENCE(name, text) name,
#include "agent/errors/fallback.def"
#undef HAGENT_SENTENCE
};

constexpr Sentence fallback(Fallback which) {
    return Sentence{k_sentences[2 * std::size(k_rows) + static_cast<std::size_t>(which)]};
}

// Numbers ascend inside each (protocol, group), and protocols and groups stay together: so none can occur twice,
// and look-up can halve its way to a row.
constexpr bool numbers_ascend(std::span<const Row> table) {
    for (std::size_t i = 1; i < table.size(); ++i) {
        const Row& before = table[i - 1];
        const Row& row = table[i];
        if (row.id.protocol < before.id.protocol) return false;
        const bool same_list =
            row.id.protocol == before.id.protocol && (row.group == before.group || row.id.protocol == Protocol::agent);
        if (same_list && row.id.number <= before.id.number) return false;
    }
    return true;
}

// A group that comes back after another one would escape numbers_ascend.
constexpr bool groups_stay_together(std::span<const Row> table) {
    for (std::size_t i = 1; i < table.size(); ++i) {
        if (table[i].group == table[i - 1].group) continue;
        for (std::size_t j = i + 1; j < table.size(); ++j) {
            if (table[j].group == table[i - 1].group) return false;
        }
    }
    return true;
}

// A name is unique in its list; the two XDSA lists of software states share names on purpose (the seed does).
// Names of different protocols cannot collide: each has its own prefix, which `prefixed` checks.
constexpr bool names_unique(std::span<const Row> table) {
    for (std::size_t i = 0; i < table.size(); ++i) {
        for (std::size_t j = i + 1; j < table.size() && table[j].id.protocol == table[i].id.protocol; ++j) {
            if (table[i].name != table[j].name) continue;
            if (table[i].group == table[j].group || !table[i].group.view().starts_with("software state")) return false;
        }
    }
    return true;
}

constexpr std::string_view name_prefix(Protocol protocol) {
    switch (protocol) {
        case Protocol::ftp: return "FTP_";
        case Protocol::http: return "HTTP_";
        case Protocol::winsock:
        case Protocol::resolver: return "WSA";
        case Protocol::wininet: return "ERROR_";
        case Protocol::xdsa: return "SW_";
        case Protocol::agent: return "";
    }
    return "";
}

constexpr bool prefixed(std::span<const Row> table) {
    for (const Row& row : table) {
        if (!row.name.view().starts_with(name_prefix(row.id.protocol))) return false;
    }
    return true;
}

constexpr bool complete(std::span<const Row> table) {
    for (const Row& row : table) {
        if (row.name.view().empty() || row.group.view().empty()) return false;
    }
    return true;
}

// The rows of one protocol; they stand together, as numbers_ascend makes sure.
constexpr std::span<const Row> rows_of(Protocol protocol) {
    std::size_t first = 0;
    while (first < std::size(k_rows) && k_rows[first].id.protocol != protocol)
        ++first;
    std::size_t last = first;
    while (last < std::size(k_rows) && k_rows[last].id.protocol == protocol)
        ++last;
    return std::span<const Row>(k_rows).subspan(first, last - first);
}

static_assert(numbers_ascend(k_rows), "a number is there twice or out of order");
static_assert(groups_stay_together(rows_of(Protocol::xdsa)), "a list of xdsa.def is in two places");
static_assert(groups_stay_together(rows_of(Protocol::agent)), "an area of agent.def is in two places");
static_assert(names_unique(rows_of(Protocol::ftp)), "an FTP name is there twice");
static_assert(names_unique(rows_of(Protocol::http)), "an HTTP name is there twice");
static_assert(names_unique(rows_of(Protocol::winsock)), "a Winsock name is there twice");
static_assert(names_unique(rows_of(Protocol::wininet)), "a WinINet name is there twice");
static_assert(names_unique(rows_of(Protocol::xdsa)), "an XDSA name is there twice");
static_assert(prefixed(k_rows), "a name lacks its protocol's prefix");
static_assert(complete(k_rows), "a row has an empty text, or an agent code has no area");

}  // namespace hagent::errors
