// SPDX-License-Identifier: Apache-2.0
// Owns how tests write paths once for every system: as POSIX does, on the drive C: where there are drives.
#pragma once

#include <string>
#include <string_view>

namespace hagent::fakes {

/// A path that begins with '/' as an absolute one in this system's form: "/a/b" is "C:\a\b" on Windows. Other texts
/// stay as they are.
[[nodiscard]] std::string rooted(std::string_view path);

/// A script in which every argument that begins with '/' is rooted.
[[nodiscard]] std::string rooted_script(std::string_view text);

/// A text of the agent, JSON included, whose paths are written as tests write them: "C:\a\b" is "/a/b" again. A path
/// ends at a blank, a comma or a quote.
[[nodiscard]] std::string plain(std::string_view text);

}  // namespace hagent::fakes
