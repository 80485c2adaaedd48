// SPDX-License-Identifier: Apache-2.0
// Owns where a redirect may lead.
#pragma once

#include "agent/base/result.h"
#include "agent/transfer/http_head.h"
#include "agent/transfer/url.h"

namespace hagent::transfer {

/// What the Location of this head means, seen from the address that was asked. Errors: protocol_garbage (there is no
/// usable one), redirect_downgrade (to FTP, or from an encrypted address to a clear one).
[[nodiscard]] Result<Url> redirect_target(const Url& asked, const HttpHead& head);

}  // namespace hagent::transfer
