// SPDX-License-Identifier: Apache-2.0
#include "agent/manager/discovery.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/kept.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/trust/kept_text.h"

namespace hagent::manager {
namespace {

constexpr std::size_t k_most_managers = 2;
constexpr std::size_t k_name_bytes = 253;  // RFC 1035, 2.3.4, without the last dot
constexpr std::uint16_t k_https_port = 443, k_legacy_port = 80;

std::string kept_file(const std::string& state_dir) { return config::StatePaths(state_dir).manager_met(); }

/// What follows "option unknown-N" up to the semicolon, in the last lease of the text; empty when it is not there.
std::string_view option_of(std::string_view lease, std::string_view number) {
    for (const auto line : split(lease, '\n')) {
        const auto parts = words(trim(line));
        const bool named = parts.size() >= 3 && parts[0] == "option" &&
                           (parts[1] == concat({"unknown-", number}) || parts[1] == concat({"option-", number}));
        if (named && line.find(';') != std::string_view::npos) {
            const auto begin = static_cast<std::size_t>(parts[2].data() - line.data());
            return trim(line.substr(begin, line.rfind(';') - begin));
        }
    }
    return {};
}

/// "c0:a8:1:5", as leases show bytes: digits may be missing in front.
std::optional<std::vector<std::uint8_t>> bytes_of(std::string_view value) {
    std::vector<std::uint8_t> bytes;
    for (const auto part : split(value, ':')) {
        const auto byte = from_hex(part.size() == 1 ? concat({"0", part}) : std::string(part));
        if (!byte || byte->size() != 1) {
            return std::nullopt;
        }
        bytes.push_back(byte->front());
    }
    return bytes;
}

/// Of an option that holds text: quoted, or as bytes; some servers end it with a zero.
std::string text_of(std::string_view value) {
    std::string text;
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        text = value.substr(1, value.size() - 2);
        if (text.ends_with("\\000")) {
            text.resize(text.size() - 4);
        }
    } else if (const auto bytes = bytes_of(value)) {
        text.assign(bytes->begin(), bytes->end());
    }
    while (text.ends_with('\0')) {
        text.pop_back();
    }
    return text;
}

/// Whoever answers DHCP first may write anything into a lease: only what is plainly a name gets into an address.
bool is_host_name(std::string_view name) {
    return !name.empty() && name.size() <= k_name_bytes && name.front() != '-' && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; });
}

std::vector<std::string> hosts_of(std::string_view lease) {
    if (const std::string name = text_of(option_of(lease, "194")); is_host_name(name)) {
        return {name};
    }
    std::vector<std::string> hosts;
    const auto bytes = bytes_of(option_of(lease, "186"));
    for (std::size_t at = 0; bytes && at + 4 <= bytes->size() && hosts.size() < k_most_managers; at += 4) {
        const auto part = [&](std::size_t i) { return std::to_string((*bytes)[at + i]); };
        if ((*bytes)[at] != 0 && (*bytes)[at] < 224) {  // neither "this network" nor multicast nor broadcast
            hosts.push_back(concat({part(0), ".", part(1), ".", part(2), ".", part(3)}));
        }
    }
    return hosts;
}

/// Two bytes, the higher one first, or the number itself.
std::optional<std::uint16_t> port_of(std::string_view lease, std::string_view number) {
    const auto value = option_of(lease, number);
    if (const auto bytes = bytes_of(value); bytes && bytes->size() == 2) {
        const auto port = static_cast<std::uint16_t>((*bytes)[0] << 8U | (*bytes)[1]);
        return port == 0 ? std::nullopt : std::optional(port);
    }
    const auto port = parse_u64(value, UINT16_MAX);
    return port && *port > 0 ? std::optional(narrow<std::uint16_t>(*port)) : std::nullopt;
}

std::string address_of(bool encrypted, std::string_view host, std::uint16_t port) {
    const bool usual = port == (encrypted ? k_https_port : k_legacy_port);
    return concat({encrypted ? "https://" : "http://", host, usual ? "" : ":" + std::to_string(port), "/"});
}

/// Whose turn it is (RFC 2782, "Usage rules"); there is at least one. The lot decides among those of the lowest
/// priority: a number up to the sum of their weights, and with 0 one without weight, where there is one.
std::size_t next_of(const std::vector<platform::ServicePlace>& places, const std::function<std::uint64_t()>& random) {
    std::uint16_t lowest = UINT16_MAX;
    for (const auto& place : places) {
        lowest = std::min(lowest, place.priority);
    }
    std::uint32_t sum = 0;
    for (const auto& place : places) {
        sum += place.priority == lowest ? place.weight : 0U;
    }
    const std::uint32_t lot = static_cast<std::uint32_t>(random()) % (sum + 1);
    std::uint32_t passed = 0;
    std::size_t chosen = places.size();
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (places[i].priority != lowest) {
            continue;
        }
        if (passed < lot || (lot == 0 && (chosen == places.size() || places[i].weight == 0))) {
            chosen = i;
        }
        passed += places[i].weight;
    }
    return chosen;
}

/// Earlier releases wrote the address alone, and no copy.
Result<std::vector<std::string>> note_of_old(platform::Files& files, const std::string& path) {
    const auto bytes = TRY(files.read(path, limits::k_path_bytes));
    const auto url = trim(bytes);
    const bool plain = !url.empty() && std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7F; });
    if (!plain || TRY(files.info(copy_path(path)))) {
        return error(errors::AgentCode::manager_unreachable, {path, " is damaged"});
    }
    return std::vector<std::string>{std::string(url)};
}

}  // namespace

/// The last lease counts: dhclient adds each new one at the end. Clear text is for the legacy dialect only, and only
/// where the lease does not offer HTTPS.
std::vector<std::string> managers_of_leases(std::string_view text, config::Dialect dialect) {
    const auto last = text.rfind("lease {");
    const auto lease = last == std::string_view::npos ? std::string_view() : text.substr(last);
    const auto secure = port_of(lease, "190"), plain = port_of(lease, "192");
    const bool encrypted = secure || config::traits_of(dialect).encrypted;
    const std::uint16_t usual = encrypted ? k_https_port : k_legacy_port;
    const std::uint16_t port = (encrypted ? secure : plain).value_or(usual);
    std::vector<std::string> urls;
    for (const auto& host : hosts_of(lease)) {
        urls.push_back(address_of(encrypted, host, port));
    }
    return urls;
}

std::vector<std::string> managers_of_services(std::vector<platform::ServicePlace> places, config::Dialect dialect,
                                              const std::function<std::uint64_t()>& random) {
    std::vector<std::string> urls;
    while (!places.empty() && urls.size() < limits::k_sources) {
        std::swap(places[next_of(places, random)], places.back());
        if (const auto& place = places.back(); is_host_name(place.host) && place.port != 0) {
            urls.push_back(
                address_of(config::traits_of(dialect).encrypted || place.port == k_https_port, place.host, place.port));
        }
        places.pop_back();
    }
    return urls;
}

/// A note that cannot be used is an error and no reason to look elsewhere: else whoever makes it unreadable and answers
/// DHCP would get the device.
Result<std::vector<std::string>> discover(platform::Files& files, const config::ManagerSettings& settings,
                                          const std::string& state_dir) {
    const auto path = kept_file(state_dir);
    const auto kept = TRY(trust::read_kept(files, path, limits::k_path_bytes));
    if (!kept.bodies.empty()) {
        return std::vector<std::string>{std::string(trim(kept.bodies.front()))};
    }
    if (!kept.absent()) {
        return note_of_old(files, path);
    }
    const auto leases = files.read(settings.dhcp_lease_file, limits::k_config_bytes);
    return leases.ok() ? managers_of_leases(*leases, settings.dialect) : std::vector<std::string>();
}

/// The first address is kept over a write that failed: a second manager that was met meanwhile must not become the
/// first.
Status FirstManager::met(const std::string& url) {
    if (noted_) {
        return {};
    }
    first_ = first_.empty() ? url : first_;
    TRY(trust::write_kept(files_, kept_file(state_dir_), first_ + "\n"));
    noted_ = true;
    return {};
}

}  // namespace hagent::manager
