// SPDX-License-Identifier: Apache-2.0
#include "agent/trust/base64.h"

#include <mbedtls/base64.h>

namespace hagent::trust {

std::optional<std::string> from_base64(std::string_view text) {
    std::string out(text.size(), '\0');  // more than enough
    std::size_t length = 0;
    if (mbedtls_base64_decode(reinterpret_cast<unsigned char*>(out.data()), out.size(), &length,
                              reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 0) {
        return std::nullopt;
    }
    out.resize(length);
    return out;
}

}  // namespace hagent::trust
