// SPDX-License-Identifier: Apache-2.0
// Fuzzes the request grammar: any bytes, in any pieces, end in a bounded request or a status to answer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/http/request_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using hagent::http::RequestParser;
    if (size == 0) {
        return 0;
    }
    const std::size_t piece = 1 + data[0] % 64U;
    std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    RequestParser parser;
    while (!bytes.empty()) {
        const auto used = parser.feed(bytes.substr(0, piece));
        if (parser.state() == RequestParser::State::complete) {
            if (parser.request().body.size() > hagent::limits::k_http_body_bytes || parser.request().path.empty() ||
                parser.request().headers.size() > hagent::limits::k_http_headers) {
                std::abort();
            }
            parser = RequestParser();
        } else if (parser.state() == RequestParser::State::failed) {
            if (parser.failure_status() < 400 || parser.failure().empty()) {
                std::abort();
            }
            return 0;
        }
        bytes.remove_prefix(used);
    }
    return 0;
}
