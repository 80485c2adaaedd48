// SPDX-License-Identifier: Apache-2.0
// Owns the member "agent" of a package's manifest (spec 11 "Packages and signatures").
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/trust/manifest.h"
#include "platform/files.h"

namespace hagent::upgrade {

struct AgentMember {
    std::vector<std::pair<std::string, std::string>> targets;  // name, path of a file of the package
    bool allow_downgrade = false;

    /// The program for a build that answers to any of these names (ASCII case ignored); empty: there is none.
    [[nodiscard]] std::string program_for(const std::vector<std::string>& names) const;
};

/// Strict. Errors: manifest_malformed (unknown or missing members, targets that are no file of the package, a version
/// of the package that is none of an agent).
[[nodiscard]] Result<AgentMember> agent_member(const trust::Manifest& manifest);

/// The paths TARGET/hagent[.exe] that are in the folder. Errors: those of platform::Files.
[[nodiscard]] Result<std::vector<std::string>> agent_files(platform::Files& files, const std::string& folder);
/// The member for a folder with these files. Errors: usage when
/// there is none.
[[nodiscard]] Result<std::string> make_agent_member(const std::vector<std::string>& files, bool allow_downgrade);

}  // namespace hagent::upgrade
