// SPDX-License-Identifier: Apache-2.0
// Owns the table from method and path to a handler, with the role that it needs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/callback.h"
#include "agent/http/access.h"
#include "agent/http/request.h"
#include "agent/http/response.h"

namespace hagent::http {

/// `rest` is what the path holds after a pattern that ends with '/'.
using Handler = Callback<Response(const Request&, std::string_view rest)>;

struct Route {
    std::string method;
    std::string path;  // exact, or a prefix when it ends with '/' (and is longer than "/")
    Role needed = Role::viewer;
    Handler handler;
    bool takes_body = false;  // else it is neither waited for nor looked at
};

/// Routes are looked at in the order in which they were added; the first that matches answers.
class Router {
public:
    explicit Router(Access access) : access_(std::move(access)) {}

    void add(Route route) { routes_.push_back(std::move(route)); }
    /// Answers: 404 unknown path, 405 with Allow for another method, 401/403 by access, else the handler's.
    [[nodiscard]] Response answer(const Request& request) const;
    /// Whether the path that a request with this head asks for has a use for its body.
    [[nodiscard]] bool takes_body(const Request& head) const;

private:
    Access access_;
    std::vector<Route> routes_;
};

}  // namespace hagent::http
