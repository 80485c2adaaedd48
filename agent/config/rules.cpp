// SPDX-License-Identifier: Apache-2.0
// Owns what makes sense together: addresses and encryption, pairs of files, what a dialect asks for.
#include "agent/config/rules.h"

#include <algorithm>
#include <optional>
#include <span>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/sort.h"
#include "agent/base/text.h"
#include "platform/host.h"
#include "platform/paths.h"

namespace hagent::config {
namespace {

using errors::AgentCode;

struct Address {
    std::string scheme;  // lower case
    std::string host;    // lower case, without brackets
};

/// Only as much as the rules need. User and port are cut off, so that "http://127.0.0.1@elsewhere/" is not taken for an
/// address of this device.
std::optional<Address> parse_address(std::string_view url) {
    const auto mark = url.find("://");
    if (mark == std::string_view::npos || mark == 0 || url.find(' ') != std::string_view::npos) {
        return std::nullopt;
    }
    const auto rest = url.substr(mark + 3);
    auto authority = rest.substr(0, std::min(rest.find_first_of("/?#"), rest.size()));
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        authority.remove_prefix(at + 1);
    }
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        authority = authority.substr(1, end - 1);
    } else {
        authority = authority.substr(0, authority.find(':'));
    }
    return Address{to_lower(url.substr(0, mark)), to_lower(authority)};
}

/// "localhost" is taken at its word; any other name may be somebody else's tomorrow.
bool is_loopback(const std::string& host) { return host == "localhost" || Endpoint{host, 0}.loopback(); }

/// "https, http or ftp".
std::string one_of(std::span<const std::string_view> names) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        out.append(i == 0 ? "" : i + 1 == names.size() ? " or " : ", ").append(names[i]);
    }
    return out;
}

/// "hawkbit and hserver": the dialects whose rows say yes.
std::string dialects_with(bool DialectTraits::*trait) {
    std::string out;
    for (const auto& row : dialects()) {
        if (row.*trait) {
            out.append(out.empty() ? "" : " and ").append(row.name);
        }
    }
    return out;
}

/// Said only where another dialect takes more.
std::string_view for_this_dialect(const DialectTraits& traits) {
    const bool widest = std::none_of(dialects().begin(), dialects().end(), [&](const DialectTraits& row) {
        return row.schemes.size() > traits.schemes.size();
    });
    return widest ? "" : " for this dialect";
}

/// Looked at to the last bit: a pin with a slip in it fits no key, and the device would refuse its manager for ever.
bool is_pin(std::string_view pin) {
    constexpr std::string_view k_prefix = "sha256//";
    constexpr std::string_view k_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (!pin.starts_with(k_prefix) || pin.size() != k_prefix.size() + 44 || !pin.ends_with('=')) {
        return false;
    }
    const auto digits = pin.substr(k_prefix.size(), 43);
    // 43 digits are 258 bits; the last two of them are none of the digest and must be zero.
    return digits.find_first_not_of(k_digits) == std::string_view::npos && k_digits.find(digits.back()) % 4 == 0;
}

class Rules {
public:
    Rules(const Settings& settings, std::vector<Complaint>& complaints)
        : settings_(settings), traits_(traits_of(settings.manager.dialect)), complaints_(complaints) {}

    /// What is refused here would put the device out of reach or let somebody else in, and would show only when it is
    /// too late.
    void manager(ManagerRule rule) {
        const ManagerSettings& m = settings_.manager;
        if (m.urls.empty() && !m.may_discover() && rule == ManagerRule::required) {
            add("manager.urls", "names no manager; give at least one address");
        }
        discovery("manager.dhcp_lease_file", m.dhcp_lease_file, m);
        discovery("manager.dns_srv", m.dns_srv, m);
        if (!m.dns_srv.empty() && (!m.dns_srv.starts_with('_') || m.dns_srv.find("._tcp") == std::string::npos)) {
            add("manager.dns_srv", "must be the name of a service over TCP, as _hagent._tcp");
        }
        for (std::size_t i = 0; i < m.urls.size(); ++i) {
            manager_url(concat({"manager.urls[", std::to_string(i), "]"}), m.urls[i]);
        }
        for (std::size_t i = 0; i < m.pins.size(); ++i) {
            if (!is_pin(m.pins[i])) {
                add(concat({"manager.pins[", std::to_string(i), "]"}),
                    "must be sha256// and the base64 form of a SHA-256 digest");
            }
        }
        if (m.pins.size() == 1) {
            add("manager.pins",
                "needs a second pin, of a spare key, or a change of the server's key locks the device out");
        }
        pair("manager.client_cert_file", m.client_cert_file, "manager.client_key_file", m.client_key_file);
        if (!m.target_token_file.empty() && !m.gateway_token_file.empty()) {
            add("manager.gateway_token_file", "cannot be used together with target_token_file; keep one of them");
        }
        if (m.tenant.empty() || m.tenant.find('/') != std::string::npos) {
            add("manager.tenant", "must be a name without '/'");
        }
        trust_in_content(m);
    }

    /// Beyond this device everything is encrypted (spec 8 "Listener"). The trigger may be in the clear, as it carries
    /// no authority.
    void listen() {
        const ListenSettings& l = settings_.listen;
        pair("listen.tls_cert_file", l.tls_cert_file, "listen.tls_key_file", l.tls_key_file);
        if (l.status && !l.status->loopback() && l.tls_cert_file.empty()) {
            add("listen.status",
                "needs tls_cert_file and tls_key_file unless it is an address of this device only (127.0.0.1)");
        }
        if (!l.client_ca_file.empty() && l.tls_cert_file.empty()) {
            add("listen.client_ca_file", "works only with tls_cert_file and tls_key_file");
        }
        if (l.status && l.trigger && l.status->port != 0 && *l.status == *l.trigger) {
            add("listen.trigger", "must differ from listen.status, which takes triggers as well");
        }
    }

    /// Services start in another working directory than a person who tries the same file out; a relative path would be
    /// two.
    void places() {
        if (!platform::is_absolute(settings_.state_dir)) {
            add("state_dir", "must be an absolute path");
        }
        if (settings_.script.roots.empty()) {
            add("script.roots", "must name at least one folder");
        }
        for (std::size_t i = 0; i < settings_.script.roots.size(); ++i) {
            if (!platform::is_absolute(settings_.script.roots[i])) {
                add(concat({"script.roots[", std::to_string(i), "]"}), "must be an absolute path");
            }
        }
    }

    void rest() {
        if (settings_.device.id.empty()) {
            add("device.id", "must not be empty; <mac> stands for the first network card's address");
        }
        if (settings_.device.os_code.empty() || settings_.device.os_code.find(' ') != std::string::npos) {
            add("device.os_code", "must be a code without blanks, as SLX");
        }
        if (settings_.transfer.backoff_base > settings_.transfer.backoff_cap) {
            add("transfer.backoff_cap_ms", "must not be smaller than backoff_base_ms");
        }
        if (!settings_.upgrade.dir.empty() && !platform::is_absolute(settings_.upgrade.dir)) {
            add("upgrade.dir", "must be an absolute path");
        }
    }

    /// A mistake here shows when the device starts the wrong system, or none.
    void image() {
        const ImageSettings& image = settings_.image;
        if (image.boot != BootMethod::none && image.slots.size() != 2) {
            add("image.slots", "must describe exactly two slots for this boot method");
        }
        if (image.boot == BootMethod::bcd && !platform::has_bcd()) {
            add("image.boot", "must be another boot method: only Windows has bcd");
        }
        if (image.boot == BootMethod::grub && image.grub_env.empty()) {
            add("image.grub_env", "must name the environment block that GRUB reads");
        }
        if (!image.running.empty() && image.find(image.running) == nullptr) {
            add("image.running", "must be the name of one of image.slots");
        }
        if (image.confirm_deadline_max < image.confirm_deadline) {
            add("image.confirm_deadline_max_s", "must not be smaller than confirm_deadline_s");
        }
        for (std::size_t i = 0; i < image.slots.size(); ++i) {
            slot(concat({"image.slots[", std::to_string(i), "]."}), image.slots[i]);
        }
        two_slots(image.slots);
    }

private:
    void add(std::string_view path, std::string_view message, AgentCode code = AgentCode::config_bad_value) {
        complaints_.push_back({code, std::string(path), std::string(message)});
    }

    /// Names of slots go to the kernel's command line and to boot loaders, which part words at blanks and more.
    static bool is_name(std::string_view name) {
        return !name.starts_with('-') && name.size() <= limits::k_slot_name_bytes &&
               std::all_of(name.begin(), name.end(), [](char c) {
                   return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                          c == '_' || c == '.';
               });
    }

    void slot(const std::string& path, const SlotSettings& slot) {
        if (!is_name(slot.name)) {
            add(path + "name", "must be of letters, digits, '-', '_' and '.'");
        }
        for (const auto& [part, device] : slot.parts) {
            if (!is_name(part) || device.empty()) {
                add(path + "parts", "must have names of letters, digits, '-', '_' and '.', each with its device");
            }
        }
    }

    /// An image is written to the parts of one slot today and to those of the other tomorrow.
    void two_slots(const std::vector<SlotSettings>& slots) {
        std::vector<std::string> devices;
        for (const auto& each : slots) {
            for (const auto& [part, device] : each.parts) {
                devices.push_back(device);
            }
        }
        sort_all(devices);
        const bool same_device = std::adjacent_find(devices.begin(), devices.end()) != devices.end();
        if (same_device || (slots.size() == 2 && slots[0].name == slots[1].name)) {
            add("image.slots", "must have different names and devices");
        }
        if (slots.size() == 2 &&
            !std::equal(slots[0].parts.begin(), slots[0].parts.end(), slots[1].parts.begin(), slots[1].parts.end(),
                        [](const auto& a, const auto& b) { return a.first == b.first; })) {
            add("image.slots", "must have the same parts in both slots");
        }
    }

    /// Clear text on this device is nobody's to read; elsewhere it has to be spelled out (spec 11 "Config").
    void manager_url(const std::string& path, const std::string& url) {
        const auto address = parse_address(url);
        if (!address || (address->host.empty() && address->scheme != "file")) {
            return add(path, "must be a whole address, as https://manager.example/");
        }
        if (!traits_.takes(address->scheme)) {
            return add(path, concat({"must begin with ", one_of(traits_.schemes), for_this_dialect(traits_)}));
        }
        const bool clear = address->scheme == "http" || address->scheme == "ftp";
        if (clear && !is_loopback(address->host) && !settings_.manager.allow_clear_text) {
            add(path,
                concat({address->scheme, " is not encrypted; use ", address->scheme,
                        "s, or accept the risk with \"allow_clear_text\": true"}),
                AgentCode::config_clear_text_refused);
        }
    }

    /// Anybody in the network can answer as a DHCP or name server: what it says is a place to look at, not somebody to
    /// trust.
    void discovery(std::string_view key, const std::string& value, const ManagerSettings& m) {
        if (value.empty() || !m.urls.empty()) {
            return;
        }
        if (!traits_.discoverable) {
            add(key, concat({"finds servers of the dialects ", dialects_with(&DialectTraits::discoverable),
                             " only; name the ", traits_.name, " in urls"}));
        } else if (traits_.encrypted && m.ca_file.empty() && m.pins.empty()) {
            add(key, "needs ca_file or pins, or whoever answers in this network becomes the manager");
        } else if (!traits_.encrypted && !m.allow_clear_text) {
            add(key, "needs allow_clear_text: the servers it finds may speak nothing else");
        }
    }

    /// Where jobs cannot be signed the network is trusted, and the owner has to write that down himself (spec 8 "Signed
    /// content").
    void trust_in_content(const ManagerSettings& m) {
        if (!traits_.is_signed && m.trust != ContentTrust::network) {
            add("manager.trust",
                concat({"must say \"network\" for the dialect ", traits_.name, ": its jobs cannot be signed"}));
        }
        if (!traits_.opcodes && !m.opcodes.empty()) {
            add("manager.opcodes", concat({"is for the dialect ", dialects_with(&DialectTraits::opcodes), " only"}));
        }
    }

    /// Half a pair is a mistake: a certificate without its key would be left out without a word.
    void pair(const char* first_path, const std::string& first, const char* second_path, const std::string& second) {
        if (first.empty() != second.empty()) {
            add(first.empty() ? first_path : second_path,
                std::string("is needed together with ") + (first.empty() ? second_path : first_path));
        }
    }

    const Settings& settings_;
    const DialectTraits& traits_;
    std::vector<Complaint>& complaints_;
};

}  // namespace

void check_rules(const Settings& settings, ManagerRule manager, std::vector<Complaint>& complaints) {
    Rules rules(settings, complaints);
    rules.manager(manager);
    rules.listen();
    rules.places();
    rules.rest();
    rules.image();
}

std::vector<Complaint> check_deadlines(const Settings& settings) {
    std::vector<Complaint> out;
    const auto fits = [&](const char* path, Seconds value, const char* name, Seconds deadline) {
        if (value > deadline) {
            out.push_back(
                {AgentCode::config_bad_value, path,
                 concat({"must not be longer than ", name, ", or a trial ends before a check-in can confirm it"}),
                 true});
        }
    };
    if (settings.image.boot != BootMethod::none) {
        fits("manager.spread_s", settings.manager.spread, "image.confirm_deadline_s", settings.image.confirm_deadline);
        fits("manager.interval_s", settings.manager.interval, "image.confirm_deadline_s",
             settings.image.confirm_deadline);
    }
    // every agent has the default, and may be upgraded; who gives a deadline of his own has thought of one
    if (settings.upgrade.confirm_deadline != UpgradeSettings{}.confirm_deadline) {
        fits("manager.spread_s", settings.manager.spread, "upgrade.confirm_deadline_s",
             settings.upgrade.confirm_deadline);
        fits("manager.interval_s", settings.manager.interval, "upgrade.confirm_deadline_s",
             settings.upgrade.confirm_deadline);
    }
    return out;
}

}  // namespace hagent::config
