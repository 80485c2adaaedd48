// SPDX-License-Identifier: Apache-2.0
// Owns the list of keys: which section has which, with its range.
#include "agent/config/config.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/base/check.h"
#include "agent/base/concat.h"
#include "agent/base/json.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/config/reader.h"
#include "agent/config/rules.h"

namespace hagent::config {
namespace {

using errors::AgentCode;

constexpr std::uint64_t k_day_s = 24 * 60 * 60;
constexpr std::size_t k_list_items = 64;

void read_device(Reader in, DeviceSettings& out) {
    in.text("id", out.id, 128);
    in.text("os_code", out.os_code, 16);
    in.map("labels", out.labels, k_list_items);
    in.finish();
}

/// The names come from the rows of the dialects, so that a new one needs no line here.
void read_manager(Reader in, ManagerSettings& out) {
    std::array<std::string_view, k_dialects> names;
    for (std::size_t i = 0; i < k_dialects; ++i) {
        names[i] = dialects()[i].name;
    }
    if (const auto number = in.one_of("dialect", names)) {
        out.dialect = dialects()[*number].dialect;
    }
    in.texts("urls", out.urls, limits::k_sources);
    in.text("dhcp_lease_file", out.dhcp_lease_file);
    in.text("dns_srv", out.dns_srv, 255);
    in.text("tenant", out.tenant, 64);
    in.text("target_token_file", out.target_token_file);
    in.text("gateway_token_file", out.gateway_token_file);
    in.text("ca_file", out.ca_file);
    in.texts("pins", out.pins, 16);
    in.text("client_cert_file", out.client_cert_file);
    in.text("client_key_file", out.client_key_file);
    in.duration("interval_s", out.interval, 1, 30 * k_day_s);
    in.duration("spread_s", out.spread, 0, k_day_s);
    in.choice("trust", out.trust, std::array{ContentTrust::required, ContentTrust::network});
    in.flag("allow_clear_text", out.allow_clear_text);
    in.texts("opcodes", out.opcodes, k_list_items);
    in.finish();
}

/// "" switches a listener off and is no mistake, so a member that is absent has to look different from one that is
/// empty.
void read_endpoint(Reader& in, const char* key, std::optional<Endpoint>& out) {
    const std::string absent = "\t";  // no text setting can be this
    std::string text = absent;
    in.text(key, text);
    if (text.empty()) {
        out.reset();
    } else if (const auto endpoint = parse_endpoint(text)) {
        out = endpoint;
    } else if (text != absent) {
        in.complain(key, "must be an IP address and a port, as 127.0.0.1:8420 or [::1]:8420, or empty");
    }
}

void read_listen(Reader in, ListenSettings& out) {
    read_endpoint(in, "status", out.status);
    read_endpoint(in, "trigger", out.trigger);
    in.text("tls_cert_file", out.tls_cert_file);
    in.text("tls_key_file", out.tls_key_file);
    in.text("client_ca_file", out.client_ca_file);
    in.text("operators_file", out.operators_file);
    in.finish();
}

void read_transfer(Reader in, TransferSettings& out) {
    in.number("attempts", out.attempts, 1, 1000);
    in.duration("backoff_base_ms", out.backoff_base, 1, k_day_s * 1000);
    in.duration("backoff_cap_ms", out.backoff_cap, 1, k_day_s * 1000);
    in.number("limit_bytes_per_s", out.limit_bytes_per_s, 0, INT64_MAX);
    in.duration("connect_timeout_s", out.connect_timeout, 1, 3600);
    in.duration("stall_timeout_s", out.stall_timeout, 1, k_day_s);
    in.text("netrc_file", out.netrc_file);
    in.finish();
}

void read_script(Reader in, ScriptSettings& out) {
    in.texts("roots", out.roots, k_list_items);
    in.text("run_as", out.run_as, 64);
    in.duration("time_limit_s", out.time_limit, 1, 7 * k_day_s);
    in.text("hooks_dir", out.hooks_dir);
    in.finish();
}

void read_software(Reader in, SoftwareSettings& out) {
    in.map("options", out.options, k_list_items);
    in.finish();
}

/// Both members are needed: nobody could write to a slot without a device, or name one without a name. A device alone
/// is its only part.
void read_slots(Reader& in, std::vector<SlotSettings>& out) {
    auto slots = in.objects("slots", 2);
    if (!slots) {
        return;
    }
    out.clear();
    for (Reader& item : *slots) {
        SlotSettings slot;
        std::string device;
        item.text("name", slot.name, limits::k_slot_name_bytes);
        item.text("device", device);
        item.map("parts", slot.parts, limits::k_slot_parts);
        item.finish();
        if (!device.empty() && !slot.parts.empty()) {
            item.complain("device", "stands for parts with a root alone; give one of the two");
        }
        if (!device.empty()) {
            slot.parts.emplace(k_root_part, std::move(device));
        }
        if (slot.name.empty() || slot.parts.empty()) {
            item.complain("name", "is needed, and so is device or parts");
        }
        out.push_back(std::move(slot));
    }
}

void read_image(Reader in, ImageSettings& out) {
    in.choice("boot", out.boot,
              std::array{BootMethod::none, BootMethod::grub, BootMethod::efi, BootMethod::bcd, BootMethod::hook});
    in.text("grub_env", out.grub_env);
    read_slots(in, out.slots);
    in.text("running", out.running, limits::k_slot_name_bytes);
    in.number("tries", out.tries, 1, limits::k_trial_tries);
    in.duration("confirm_deadline_s", out.confirm_deadline, 10, 7 * k_day_s);
    out.confirm_deadline_max = std::max(out.confirm_deadline_max, out.confirm_deadline);  // the default gives way
    in.duration("confirm_deadline_max_s", out.confirm_deadline_max, 10, 7 * k_day_s);
    in.commands("health", out.health, k_list_items);
    in.text("watchdog", out.watchdog);
    in.finish();
}

constexpr const char* k_window_form =
    "must be a time span as 22:00-05:00, with days before it if needed (mon-fri 22:00-05:00)";

void read_upgrade(Reader in, UpgradeSettings& out) {
    in.flag("auto", out.automatic);
    std::string window;
    in.text("window", window, 128);
    if (!window.empty()) {
        out.window = parse_window(window);
        if (!out.window) {
            in.complain("window", k_window_form);
        }
    }
    in.text("dir", out.dir);
    in.number("trial_starts", out.trial_starts, 1, 100);
    in.duration("confirm_deadline_s", out.confirm_deadline, 1, 7 * k_day_s);
    in.duration("spread_s", out.spread, 0, 7 * k_day_s);
    in.number("loop_rounds", out.loop_rounds, 1, 100);
    in.duration("loop_hours", out.loop_hours, 1, std::uint64_t{365} * 24);
    in.finish();
}

/// Each window has its own complaint, with its number: of five texts the wrong one is hard to see.
void read_windows(Reader& in, std::vector<Window>& out) {
    std::vector<std::string> texts;
    in.texts("windows", texts, k_list_items);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (const auto window = parse_window(texts[i])) {
            out.push_back(*window);
        } else {
            in.complain(concat({"windows[", std::to_string(i), "]"}), k_window_form);
        }
    }
}

void read_trust(Reader in, TrustSettings& out) {
    in.text("keys_dir", out.keys_dir);
    in.finish();
}

void read_log(Reader in, LogSettings& out) {
    using log::Level;
    in.choice("level", out.level, std::array{Level::debug, Level::info, Level::warning, Level::error});
    in.text("file", out.file);
    in.finish();
}

/// Starts from the defaults, which an absent key leaves alone.
Settings read_all(Reader in) {
    Settings out = default_settings();
    read_device(in.object("device"), out.device);
    read_manager(in.object("manager"), out.manager);
    read_listen(in.object("listen"), out.listen);
    read_transfer(in.object("transfer"), out.transfer);
    read_script(in.object("script"), out.script);
    read_software(in.object("software"), out.software);
    read_image(in.object("image"), out.image);
    read_upgrade(in.object("upgrade"), out.upgrade);
    read_trust(in.object("trust"), out.trust);
    read_windows(in, out.windows);
    in.text("state_dir", out.state_dir);
    read_log(in.object("log"), out.log);
    in.finish();
    return out;
}

/// A fault of the syntax has a line; where a member is repeated or too deep its path says more.
Complaint to_complaint(const JsonFault& fault) {
    switch (fault.kind) {
        case JsonFault::Kind::syntax:
            return {AgentCode::config_syntax, "",
                    concat({"line ", std::to_string(fault.line), ", column ", std::to_string(fault.column),
                            ": not well-formed JSON"})};
        case JsonFault::Kind::repeated_member:
            return {AgentCode::config_bad_value, printable(fault.path), "is given twice"};
        case JsonFault::Kind::too_deep:
            return {AgentCode::config_bad_value, printable(fault.path), "is nested too deep"};
    }
    return {AgentCode::internal, "", ""};
}

}  // namespace

/// A fault hides what would follow from it: in a text that is no JSON there are no keys to complain of.
Outcome parse(std::string_view text, ManagerRule manager) {
    std::vector<Complaint> complaints;
    if (text.size() > limits::k_config_bytes) {
        complaints.push_back({AgentCode::config_bad_value, "",
                              concat({"the file is longer than ", std::to_string(limits::k_config_bytes), " bytes"})});
        return complaints;
    }
    const JsonDocument document(text, JsonComments::allowed);
    if (const auto& fault = document.fault()) {
        complaints.push_back(to_complaint(*fault));
        return complaints;
    }
    if (!document.root().is_object()) {
        complaints.push_back({AgentCode::config_syntax, "", "must be an object in curly brackets"});
        return complaints;
    }
    Settings settings = read_all(Reader(document.root(), "", complaints));
    if (complaints.empty()) {  // rules over values that were refused would only add noise
        check_rules(settings, manager, complaints);
    }
    return complaints.empty() ? Outcome(std::move(settings)) : Outcome(std::move(complaints));
}

/// One line for each, so that a service manager's log shows them as they are.
std::string render(std::span<const Complaint> complaints) {
    std::string out;
    for (const Complaint& complaint : complaints) {
        out.append(complaint.path.empty() ? "" : printable(complaint.path) + ": ");  // names of files are anybody's
        out.append(printable(complaint.message)).append("\n");
    }
    return out;
}

Failure to_error(std::span<const Complaint> complaints) {
    check(!complaints.empty());
    std::string first = render(complaints.first(1));
    first.pop_back();
    return error(complaints.front().code, first);
}

}  // namespace hagent::config
