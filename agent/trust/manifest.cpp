// SPDX-License-Identifier: Apache-2.0
// Owns what a path in a package may look like.
#include "agent/trust/manifest.h"

#include <algorithm>

#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace hagent::trust {
const ManifestFile* Manifest::find(std::string_view path) const {
    const auto found =
        std::find_if(files.begin(), files.end(), [path](const ManifestFile& f) { return f.path == path; });
    return found == files.end() ? nullptr : &*found;
}

bool valid_path(std::string_view path) {
    if (path.empty() || path.size() > limits::k_path_bytes || !is_utf8(path) || printable(path) != path ||
        path.find_first_of("\\:~\t") != std::string_view::npos || path == k_manifest_name || path == k_signature_name) {
        return false;
    }
    const auto parts = split(path, '/');
    return std::none_of(parts.begin(), parts.end(),
                        [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
}

}  // namespace hagent::trust
