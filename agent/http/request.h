// SPDX-License-Identifier: Apache-2.0
// Owns the value of one parsed HTTP request.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hagent::http {

/// What the parser lets through: limits hold, texts have no control bytes but tabs.
struct Request {
    std::string method;                                        // as sent: "GET"
    std::string path;                                          // percent-decoded, begins with '/'
    std::string query;                                         // raw, without '?'
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, values trimmed
    std::string body;                                          // chunks already joined
    std::string peer;                                          // literal address, without port
    std::string certificate;  // common name in the client's verified certificate; empty: none
    bool keep_alive = true;
    bool by_operator = false;  // whoever asks may act too; set by the router, after the access rules

    /// The first header of that (lower-case) name; empty when absent.
    [[nodiscard]] std::string_view header(std::string_view name) const;
};

}  // namespace hagent::http
