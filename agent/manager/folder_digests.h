// SPDX-License-Identifier: Apache-2.0
// Owns the filling in of manifest_sha256: what binds each job of a job list to the package that lies beside it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace hagent::manager {

/// SHA-256 of the manifest.json of this package (as the job names it), lower-case hex; empty: it does not lie here.
using DigestOf = std::function<Result<std::optional<std::string>>(std::string_view package)>;

struct FilledJobs {
    std::string text;
    std::vector<std::string> changed;  // packages whose digest was filled in or brought up to date, each once
};

/// The job list with the digest of every package that lies here; what a job says of a package elsewhere stays. A text
/// that nothing changes in comes back byte by byte, one that is no job list too: parse_folder_jobs() says what is wrong
/// with it. Errors: package_not_bound for a package that is elsewhere and has no digest, those of `digest_of`.
[[nodiscard]] Result<FilledJobs> fill_in_digests(std::string_view json, const DigestOf& digest_of);

}  // namespace hagent::manager
