// SPDX-License-Identifier: Apache-2.0
// Owns the permanent identity of every code the agent can report: a protocol and a number.
#pragma once

#include <cstdint>

namespace hagent::errors {

// Whose number it is. One number means different things in different protocols (503 in FTP and HTTP).
enum class Protocol : std::uint8_t { ftp, http, winsock, resolver, wininet, xdsa, agent };

// Result status as XDSA reports it (seed: SW_NOTE, SW_WARNING, SW_ERROR, SW_SUSPEND).
enum class Severity : std::uint8_t { note = 1, warning = 2, error = 4, suspend = 8 };

// Whether the same request may succeed later without anybody changing anything.
enum class Retry : std::uint8_t { transient, permanent };

struct Id {
    Protocol protocol;
    std::uint16_t number;
    friend constexpr bool operator==(const Id&, const Id&) = default;
};

// The agent's own codes; numbers are permanent and grouped by area (agent.def).
enum class AgentCode : std::uint16_t {
#define HAGENT_AGENT_ROW(number, name, severity, retry, cause, next, alias) name = (number),
#include "agent/errors/agent.def"
#undef HAGENT_AGENT_ROW
};

// XDSA result codes (xdsa.def); the other XDSA value lists are in the catalogue only.
enum class Xdsa : std::uint16_t {
#define HAGENT_XDSA_RESULT(number, name, label, severity, retry, cause, next, alias) name = (number),
#define HAGENT_XDSA_VALUE(group, number, label, severity, retry, cause, next)
#include "agent/errors/xdsa.def"
#undef HAGENT_XDSA_VALUE
#undef HAGENT_XDSA_RESULT
};

// Socket errors by their Winsock number, on every OS.
enum class Winsock : std::uint16_t {
#define HAGENT_WINSOCK_ROW(number, name, label, severity, retry, cause, next, alias) name = (number),
#include "agent/errors/winsock.def"
#undef HAGENT_WINSOCK_ROW
};

// Name look-up failures by their Winsock number, on every OS.
enum class Resolver : std::uint16_t {
#define HAGENT_RESOLVER_ROW(number, name, label, severity, retry, cause, next, alias) name = (number),
#include "agent/errors/resolver.def"
#undef HAGENT_RESOLVER_ROW
};

[[nodiscard]] constexpr Id agent(AgentCode code) { return {Protocol::agent, static_cast<std::uint16_t>(code)}; }
[[nodiscard]] constexpr Id xdsa(Xdsa code) { return {Protocol::xdsa, static_cast<std::uint16_t>(code)}; }
[[nodiscard]] constexpr Id winsock(Winsock code) { return {Protocol::winsock, static_cast<std::uint16_t>(code)}; }
[[nodiscard]] constexpr Id winsock(std::uint16_t number) { return {Protocol::winsock, number}; }
[[nodiscard]] constexpr Id resolver(Resolver code) { return {Protocol::resolver, static_cast<std::uint16_t>(code)}; }
[[nodiscard]] constexpr Id resolver(std::uint16_t number) { return {Protocol::resolver, number}; }
[[nodiscard]] constexpr Id wininet(std::uint16_t number) { return {Protocol::wininet, number}; }
[[nodiscard]] constexpr Id ftp(std::uint16_t reply) { return {Protocol::ftp, reply}; }
[[nodiscard]] constexpr Id http(std::uint16_t status) { return {Protocol::http, status}; }

}  // namespace hagent::errors
