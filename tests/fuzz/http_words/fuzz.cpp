// SPDX-License-Identifier: Apache-2.0
// Fuzzes the words of refusing HTTP answers: the content type in the first line, then the body.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/transfer/http_words.h"
#include "tests/fuzz/require.h"

namespace {}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hagent;
    using hagent::fuzz::require;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto end = text.find('\n');
    const auto body = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const auto words = transfer::http_words(text.substr(0, end), body);
    require(words.size() <= 2 * body.size() + 2);  // joined by ": "
    const auto shown = peer_words(words);
    require(shown.size() <= limits::k_peer_words_bytes + 2 && is_utf8(shown) && printable(shown) == shown);
    require(shown.empty() || (shown.size() > 2 && shown.front() == '"' && shown.find('"', 1) == shown.size() - 1));
    return 0;
}
