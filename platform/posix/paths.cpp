// SPDX-License-Identifier: Apache-2.0
// Owns where things live on POSIX and the folding of paths.
#include "platform/paths.h"

#include <limits.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "agent/base/concat.h"

#include "agent/base/text.h"

namespace hagent::platform {
namespace {

// In the order of Debian, Red Hat, older Red Hat and openSUSE, Alpine.
constexpr std::array k_ca_files = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                   "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

/// "/" where the working directory was removed: a path must come out in any case.
std::string working_directory() {
    std::array<char, PATH_MAX> buffer{};
    return getcwd(buffer.data(), buffer.size()) != nullptr ? buffer.data() : "/";
}

/// Without ".", ".." and doubled slashes. ".." at the root stays at the root, as the kernel does it.
std::string fold(std::string_view path) {
    std::vector<std::string_view> parts;
    for (const auto part : split(path, '/')) {
        if (part == "..") {
            if (!parts.empty()) {
                parts.pop_back();
            }
        } else if (!part.empty() && part != ".") {
            parts.push_back(part);
        }
    }
    std::string out;
    for (const auto part : parts) {
        out.append("/").append(part);
    }
    return out.empty() ? "/" : out;
}

}  // namespace

std::string default_config_file() { return "/etc/hagent/hagent.json"; }
std::string default_script_root() { return "/"; }
std::string default_state_directory() { return "/var/lib/hagent"; }
std::string default_keys_directory() { return "/etc/hagent/keys"; }
std::string default_hooks_directory() { return "/etc/hagent/hooks"; }

// Of nearly all systems, of old ones, of NixOS and small ones.
std::vector<std::string> time_zone_folders() { return {"/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"}; }

std::string system_ca_file() {
    for (const char* file : k_ca_files) {
        if (access(file, R_OK) == 0) {
            return file;
        }
    }
    return {};
}

std::string own_program() {
    std::array<char, PATH_MAX> buffer{};
    const auto length = readlink("/proc/self/exe", buffer.data(), buffer.size());
    return length > 0 ? std::string(buffer.data(), static_cast<std::size_t>(length)) : std::string();
}

std::vector<std::string> program_arguments(int count, char** values) { return {values, values + count}; }

std::string absolute(std::string_view path) {
    return fold(is_absolute(path) ? std::string(path) : concat({working_directory(), "/", path}));
}

bool is_absolute(std::string_view path) { return path.starts_with('/'); }
std::string native(std::string_view path) { return std::string(path); }
bool same_path(std::string_view a, std::string_view b) { return a == b; }
std::string common_spelling(std::string_view path) { return std::string(path); }

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

}  // namespace hagent::platform
