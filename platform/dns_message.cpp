// SPDX-License-Identifier: Apache-2.0
#include "platform/dns_message.h"

#include <cstddef>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/text.h"

namespace hagent::platform {
namespace {

using Bytes = std::span<const std::uint8_t>;

// Layout of RFC 1035, 4.1: lengths of the fixed parts, which stand behind a name of any length.
constexpr std::size_t k_header_bytes = 12, k_question_bytes = 4, k_record_bytes = 10,
                      k_service_bytes = 6;  // without names
constexpr std::size_t k_name_bytes = 253, k_most_services = 16, k_most_domains = 6;
constexpr unsigned k_srv = 33, k_internet = 1;
// RFC 1035, 4.1.4: a length with its two highest bits set is the first byte of a pointer to an earlier name.
constexpr unsigned k_pointer = 0xC0, k_longest_label = 63;  // what a length may be

/// The caller knows that both bytes are there.
unsigned u16(Bytes message, std::size_t at) { return static_cast<unsigned>(message[at] << 8U | message[at + 1]); }

/// The first byte behind a name; one behind the message's end when that is not there.
std::size_t name_end(Bytes message, std::size_t at) {
    while (at < message.size()) {
        const unsigned length = message[at];
        if (length >= k_pointer) {
            return at + 2;
        }
        at += 1 + length;
        if (length == 0) {
            return at;
        }
    }
    return message.size() + 1;
}

/// A name without the dot at its end; empty when it is none. Each pointer leads to an earlier place than the one
/// before, so that there is an end to them.
std::string name_at(Bytes message, std::size_t at) {
    std::string name;
    for (std::size_t earliest = at; at < message.size();) {
        const std::size_t length = message[at];
        if (length == 0) {
            return name;
        }
        if (length >= k_pointer) {
            at = at + 1 < message.size() ? u16(message, at) & 0x3FFFU : earliest;
            if (at >= earliest) {
                break;
            }
            earliest = at;
            continue;
        }
        if (length > k_longest_label || at + length >= message.size() || name.size() + length >= k_name_bytes) {
            break;
        }
        name += name.empty() ? "" : ".";
        name.append(reinterpret_cast<const char*>(&message[at + 1]), length);
        at += 1 + length;
    }
    return {};
}

}  // namespace

std::vector<ServicePlace> services_of_answer(Bytes message) {
    std::vector<ServicePlace> found;
    if (message.size() < k_header_bytes) {
        return found;
    }
    std::size_t at = k_header_bytes;
    // The answer repeats the questions. Their number is the sender's claim; the end of the bytes decides.
    for (unsigned left = u16(message, 4); left > 0 && at < message.size(); --left) {
        at = name_end(message, at) + k_question_bytes;
    }
    for (unsigned left = u16(message, 6); left > 0 && found.size() < k_most_services; --left) {
        at = name_end(message, at);  // of whom it is said: the one that was asked for, or an alias of it
        const std::size_t data = at + k_record_bytes, host = data + k_service_bytes;
        if (data > message.size() || data + u16(message, data - 2) > message.size()) {
            break;
        }
        const std::size_t end = data + u16(message, data - 2);
        if (u16(message, at) == k_srv && u16(message, at + 2) == k_internet && host < end &&
            name_end(message, host) == end) {
            found.push_back({static_cast<std::uint16_t>(u16(message, data)),
                             static_cast<std::uint16_t>(u16(message, data + 2)),
                             static_cast<std::uint16_t>(u16(message, data + 4)), name_at(message.first(end), host)});
            if (found.back().host.empty()) {
                found.pop_back();
            }
        }
        at = end;
    }
    return found;
}

std::vector<std::string> names_to_ask(const std::string& service, std::string_view resolv_conf) {
    std::vector<std::string_view> domains;  // behind the line's first word
    for (const auto line : split(resolv_conf, '\n')) {
        if (auto parts = words(trim(line)); parts.size() > 1 && (parts[0] == "search" || parts[0] == "domain")) {
            domains = std::move(parts);
        }
    }
    std::vector<std::string> names;
    for (std::size_t i = 1; i < domains.size() && i <= k_most_domains && service.ends_with("._tcp"); ++i) {
        names.push_back(concat({service, ".", domains[i]}));
    }
    if (names.empty()) {
        names.push_back(service);
    }
    return names;
}

}  // namespace hagent::platform
