// SPDX-License-Identifier: Apache-2.0
// Fuzzes addresses: what parses prints and parses back the same, and nothing shown holds what stood before an '@'.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/transfer/url.h"
#include "tests/fuzz/require.h"

using hagent::fuzz::require;

namespace {

void check_address(std::string_view text) {
    using namespace hagent::transfer;
    const auto clean = shown(text);
    const auto url = parse_url(text);
    if (!url.ok()) {
        return;
    }
    require(!url->host.empty() && url->port != 0 && url->path.starts_with('/'));
    require(url->path.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    const auto again = parse_url(to_text(*url));
    require(again.ok() && same_origin(*url, *again) && again->path == url->path && again->query == url->query);
    require(again->user.empty() && again->password.empty());
    const auto parsed_clean = parse_url(clean);
    require(parsed_clean.ok() && parsed_clean->user.empty() && parsed_clean->password.empty());
    require(is_ftp(url->scheme) ? decode(url->path).value_or("\n").find('\n') == std::string::npos : true);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line = text.find('\n');
    check_address(text.substr(0, line));
    if (line != std::string_view::npos) {
        const auto base = hagent::transfer::parse_url(text.substr(0, line));
        if (base.ok()) {
            const auto resolved = hagent::transfer::resolve(*base, text.substr(line + 1));
            if (resolved.ok()) {
                require(hagent::transfer::same_origin(*base, *resolved) || resolved->password != base->password ||
                        base->password.empty() || text.substr(line + 1).find('@') != std::string_view::npos);
                check_address(hagent::transfer::to_text(*resolved));
            }
        }
    }
    return 0;
}
