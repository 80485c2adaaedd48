// SPDX-License-Identifier: Apache-2.0
// Owns the matching of routes. Which paths exist is no secret, so the path is looked at before the right to use it.
#include "agent/http/router.h"

#include <algorithm>

namespace hagent::http {
namespace {

bool matches(const Route& route, std::string_view path) {
    const bool prefix = route.path.size() > 1 && route.path.back() == '/';
    return prefix ? path.size() > route.path.size() && path.starts_with(route.path) : path == route.path;
}

bool same_method(const Route& route, std::string_view method) {
    return route.method == method || (method == "HEAD" && route.method == "GET");
}

}  // namespace

bool Router::takes_body(const Request& head) const {
    return std::any_of(routes_.begin(), routes_.end(), [&](const Route& route) {
        return route.takes_body && matches(route, head.path) && same_method(route, head.method);
    });
}

Response Router::answer(const Request& request) const {
    std::string allowed;
    for (const auto& route : routes_) {
        if (!matches(route, request.path)) {
            continue;
        }
        if (!same_method(route, request.method)) {
            allowed += (allowed.empty() ? "" : ", ") + route.method;
            continue;
        }
        if (auto refusal = access_.refusal(request, route.needed)) {
            return *std::move(refusal);
        }
        const auto rest = route.path.size() > 1 && route.path.back() == '/'
                              ? std::string_view(request.path).substr(route.path.size())
                              : std::string_view();
        if (route.needed != Role::viewer || access_.refusal(request, Role::operators)) {
            return route.handler(request, rest);
        }
        Request known = request;
        known.by_operator = true;
        return route.handler(known, rest);
    }
    if (!allowed.empty()) {
        Response refused = problem(405, "This path does not take this method; the header Allow says which.");
        refused.headers.emplace_back("Allow", allowed);
        return refused;
    }
    return problem(404, "There is nothing at this path. The status page is at /.");
}

}  // namespace hagent::http
