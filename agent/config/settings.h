// SPDX-License-Identifier: Apache-2.0
// Owns Settings: every configuration key with its default. Source: spec 11 "Config"; a key's path is in its comment
// where the name differs.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "agent/config/dialects.h"
#include "agent/config/state_paths.h"
#include "agent/config/window.h"
#include "agent/log/record.h"

namespace hagent::config {

/// What makes a job's content trusted: a signature, or (legacy, to be spelled out) the network it came from.
enum class ContentTrust : std::uint8_t { required, network };
[[nodiscard]] std::string_view to_string(ContentTrust trust);

/// image.boot: by what means the machine is told which slot to start (spec 7).
enum class BootMethod : std::uint8_t { none, grub, efi, bcd, hook };
[[nodiscard]] std::string_view to_string(BootMethod method);

/// "127.0.0.1:8420", "[::1]:8420".
struct Endpoint {
    std::string address;     // literal, without brackets
    std::uint16_t port = 0;  // 0: any free one
    [[nodiscard]] bool loopback() const;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
/// Addresses as numbers only, so that listening needs no name server. Empty on any deviation.
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);

struct DeviceSettings {
    std::string id = "<mac>";  // template: <mac>, <hostname>, <serial> are replaced by facts of the machine
    std::string os_code = "SLX";
    std::map<std::string, std::string> labels;
};

struct ManagerSettings {
    Dialect dialect = Dialect::hawkbit;
    std::vector<std::string> urls;  // in order of preference; empty: no manager
    std::string dhcp_lease_file;    // where the first contact's manager may be found; empty: nowhere
    std::string dns_srv;            // the service whose SRV records may name it: "_hagent._tcp"; empty: none
    bool discovered = false;        // no key: `urls` came from there
    std::string tenant = "DEFAULT";
    std::string target_token_file;
    std::string gateway_token_file;
    std::string ca_file;            // empty: the system's
    std::vector<std::string> pins;  // "sha256//BASE64" of public keys; empty, or two and more
    std::string client_cert_file;
    std::string client_key_file;
    Seconds interval{300};  // manager.interval_s
    Seconds spread{60};     // manager.spread_s: first check-in after boot falls somewhere in it
    ContentTrust trust = ContentTrust::required;
    bool allow_clear_text = false;
    std::vector<std::string> opcodes;  // hserver only: the opcodes it may use; empty: all

    /// Named addresses win: a manager is looked for only where none is named.
    [[nodiscard]] bool may_discover() const { return urls.empty() && !(dhcp_lease_file.empty() && dns_srv.empty()); }
};

struct ListenSettings {
    std::optional<Endpoint> status = Endpoint{"127.0.0.1", 8420};  // "" switches it off
    std::optional<Endpoint> trigger;
    std::string tls_cert_file;
    std::string tls_key_file;
    std::string client_ca_file;
    std::string operators_file;
};

struct TransferSettings {
    std::uint32_t attempts = 8;
    Millis backoff_base{1000};            // transfer.backoff_base_ms
    Millis backoff_cap{300000};           // transfer.backoff_cap_ms
    std::uint64_t limit_bytes_per_s = 0;  // 0: none
    Seconds connect_timeout{15};          // transfer.connect_timeout_s
    Seconds stall_timeout{60};            // transfer.stall_timeout_s
    std::string netrc_file;
};

struct ScriptSettings {
    std::vector<std::string> roots;  // default: platform::default_script_root()
    std::string run_as;              // empty: the agent's own user
    Seconds time_limit{3600};        // script.time_limit_s
    std::string hooks_dir;           // default: platform::default_hooks_directory()
};

struct SoftwareSettings {
    std::map<std::string, std::string> options;  // 1387.2 extended options, as given with -x
};

/// One bootable system. Its parts are written and switched as one.
struct SlotSettings {
    std::string name;                          // "A": letters, digits, '-', '_' and '.'
    std::map<std::string, std::string> parts;  // device by name of part: {"root", "/dev/sda2"}; not empty

    /// Of the root file system; of the first part where none is called so.
    [[nodiscard]] const std::string& device() const;
    friend bool operator==(const SlotSettings&, const SlotSettings&) = default;
};
inline constexpr std::string_view k_root_part = "root";

struct ImageSettings {
    BootMethod boot = BootMethod::none;
    std::string grub_env = "/boot/grub/grubenv";
    std::vector<SlotSettings> slots;               // two, or with boot method none any number up to two
    std::string running;                           // name of the slot that runs; empty: found out (agent/boot)
    unsigned tries = 3;                            // starts that a trial has
    Seconds confirm_deadline{600};                 // image.confirm_deadline_s
    Seconds confirm_deadline_max{3600};            // image.confirm_deadline_max_s, with a manager that is silent
    std::vector<std::vector<std::string>> health;  // programs with arguments that must end with 0 before a confirm
    std::string watchdog;                          // device of the hardware watchdog; empty: none

    [[nodiscard]] const SlotSettings* find(std::string_view slot) const;  // null: there is none of that name
};

struct UpgradeSettings {
    bool automatic = true;              // upgrade.auto
    std::string dir;                    // below it lies agent/VERSION; empty: below state_dir
    std::optional<Window> window;       // "" (default): any time
    unsigned trial_starts = 3;          // starts that a new agent has
    Seconds confirm_deadline{300};      // upgrade.confirm_deadline_s
    Seconds spread{0};                  // upgrade.spread_s: an offered upgrade begins somewhere in it
    unsigned loop_rounds = 3;           // so many rounds of the same job
    std::chrono::hours loop_hours{24};  // within these: it is parked
};

struct TrustSettings {
    std::string keys_dir;  // default: platform::default_keys_directory()
};

struct LogSettings {
    log::Level level = log::Level::info;
    std::string file;  // empty: none
};

struct Settings {
    DeviceSettings device;
    ManagerSettings manager;
    ListenSettings listen;
    TransferSettings transfer;
    ScriptSettings script;
    SoftwareSettings software;
    ImageSettings image;
    UpgradeSettings upgrade;
    TrustSettings trust;
    std::vector<Window> windows;  // maintenance windows; none: always open
    std::string state_dir;        // default: platform::default_state_directory()
    LogSettings log;

    [[nodiscard]] bool has_manager() const { return !manager.urls.empty(); }
    /// Where everything below state_dir lies.
    [[nodiscard]] StatePaths state() const { return StatePaths(state_dir); }
    /// Where agents of other versions lie, and the record of which of them is started.
    [[nodiscard]] std::string agents() const {
        return StatePaths(upgrade.dir.empty() ? state_dir : upgrade.dir).agents();
    }
};

/// All defaults, with the directories of this system filled in.
[[nodiscard]] Settings default_settings();

}  // namespace hagent::config
