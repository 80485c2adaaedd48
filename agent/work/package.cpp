// SPDX-License-Identifier: Apache-2.0
#include "agent/work/package.h"

namespace hagent::work {

Result<std::string> PackageFiles::signed_text(std::string_view name) {
    return error(errors::AgentCode::file_not_listed, name);
}

Status PackageFiles::read_range(const std::string& path, std::uint64_t /*offset*/, std::uint64_t /*bytes*/,
                                RangeSink& /*sink*/, bool /*avoid_last_source*/, const CancelToken& /*cancel*/) {
    return error(errors::AgentCode::unsupported_here, path);
}

}  // namespace hagent::work
