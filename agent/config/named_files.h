// SPDX-License-Identifier: Apache-2.0
// Owns the list of all files and folders that the settings name: what is looked at before they are relied on, and what
// scripts keep away from, comes from here and nowhere else.
#pragma once

#include <string>
#include <vector>

#include "agent/config/settings.h"

namespace hagent::config {

/// What the agent does with it, and therefore who may do what with it.
enum class FileRole : std::uint8_t {
    secret,    // nobody else may read or change it
    trusted,   // nobody else may change it: certificates of authorities
    program,   // nobody else may change it; it is run by us
    device,    // of the machine or its boot loader, there or not; of a plain file: nobody else may change it
    content,   // a folder: nor anything in it, each file for itself
    state,     // a folder that the agent makes and writes to
    log,       // a file that the agent makes and writes to
    announced  // written by the system's own services, whoever they run as; believed by nobody
};

struct NamedFile {
    std::string setting;  // "manager.ca_file"
    std::string path;     // as configured, not empty
    FileRole role;
};

/// In the order of the configuration.
[[nodiscard]] std::vector<NamedFile> named_files(const Settings& settings);

}  // namespace hagent::config
