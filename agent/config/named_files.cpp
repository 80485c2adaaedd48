// SPDX-License-Identifier: Apache-2.0
// Owns that list. A setting that names a file and is missing here fails tests/lint/named_settings.py.
#include "agent/config/named_files.h"

#include "agent/base/concat.h"

namespace hagent::config {

std::vector<NamedFile> named_files(const Settings& s) {
    // has a default, which concerns only those who use it
    const std::string grub_env = s.image.boot == BootMethod::grub ? s.image.grub_env : std::string();
    const struct {
        const char* setting;
        const std::string& path;
        FileRole role;
    } rows[] = {
        // clang-format off
        {"manager.dhcp_lease_file",    s.manager.dhcp_lease_file,    FileRole::announced},
        {"manager.target_token_file",  s.manager.target_token_file,  FileRole::secret},
        {"manager.gateway_token_file", s.manager.gateway_token_file, FileRole::secret},
        {"manager.ca_file",            s.manager.ca_file,            FileRole::trusted},
        {"manager.client_cert_file",   s.manager.client_cert_file,   FileRole::trusted},
        {"manager.client_key_file",    s.manager.client_key_file,    FileRole::secret},
        {"listen.tls_cert_file",       s.listen.tls_cert_file,       FileRole::trusted},
        {"listen.tls_key_file",        s.listen.tls_key_file,        FileRole::secret},
        {"listen.client_ca_file",      s.listen.client_ca_file,      FileRole::trusted},
        {"listen.operators_file",      s.listen.operators_file,      FileRole::secret},
        {"transfer.netrc_file",        s.transfer.netrc_file,        FileRole::secret},
        {"script.hooks_dir",           s.script.hooks_dir,           FileRole::content},
        {"image.grub_env",             grub_env,                     FileRole::device},
        {"image.watchdog",             s.image.watchdog,             FileRole::device},
        {"upgrade.dir",                s.upgrade.dir,                FileRole::state},
        {"trust.keys_dir",             s.trust.keys_dir,             FileRole::content},
        {"state_dir",                  s.state_dir,                  FileRole::state},
        {"log.file",                   s.log.file,                   FileRole::log},
        // clang-format on
    };
    std::vector<NamedFile> out;
    for (const auto& row : rows) {
        if (!row.path.empty()) {
            out.push_back({row.setting, row.path, row.role});
        }
    }
    for (std::size_t i = 0; i < s.image.health.size(); ++i) {
        out.push_back(
            {concat({"image.health[", std::to_string(i), "]"}), s.image.health[i].front(), FileRole::program});
    }
    for (std::size_t i = 0; i < s.image.slots.size(); ++i) {
        for (const auto& [part, device] : s.image.slots[i].parts) {
            out.push_back({concat({"image.slots[", std::to_string(i), "].", part}), device, FileRole::device});
        }
    }
    return out;
}

}  // namespace hagent::config
