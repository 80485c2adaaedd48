// SPDX-License-Identifier: Apache-2.0
// Owns the access rules: tokens (RFC 6750), client certificates, and what browsers are misused for.
#include "agent/http/access.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/trust/digest.h"

namespace hagent::http {
namespace {

constexpr std::string_view k_bearer = "Bearer ";
constexpr std::string_view k_certified = "certificate";

std::string_view address_of(std::string_view bound) { return bound.substr(0, bound.rfind(':')); }

std::string_view port_of(std::string_view bound) { return bound.substr(std::min(bound.rfind(':') + 1, bound.size())); }

/// A literal address of this device: "127.0.0.1.evil.example" is a name, which its owner may point anywhere.
bool is_loopback(std::string_view address) {
    const auto parts = split(address, '.');
    const bool v4 =
        parts.size() == 4 && parts.front() == "127" &&
        std::all_of(parts.begin(), parts.end(), [](std::string_view part) { return parse_u64(part, 255).has_value(); });
    return v4 || address == "[::1]" || address == "localhost";
}

}  // namespace

Result<std::vector<Operator>> parse_operators(std::string_view text) {
    std::vector<Operator> operators;
    unsigned number = 0;
    for (const auto line : split(text, '\n')) {
        ++number;
        const auto parts = words(line.substr(0, line.find('#')));
        if (parts.empty()) {
            continue;
        }
        const bool certified = parts.size() == 3 && parts[2] == k_certified;
        const auto digest = parts.size() == 3 ? from_hex(parts[2]) : std::nullopt;
        if ((!certified && (!digest || digest->size() != 32)) || (parts[0] != "viewer" && parts[0] != "operator")) {
            return error(errors::AgentCode::config_bad_value, {"operators file, line ", std::to_string(number),
                                                               ": expected 'viewer|operator NAME SHA256|certificate'"});
        }
        operators.push_back({std::string(parts[1]), parts[0] == "operator" ? Role::operators : Role::viewer,
                             certified ? std::string() : to_lower(parts[2])});
    }
    return operators;
}

Access::Access(std::string bound, std::vector<Operator> operators)
    : bound_(std::move(bound)), loopback_(is_loopback(address_of(bound_))), operators_(std::move(operators)) {}

Access Access::for_operators_only(std::vector<Operator> operators) { return {"", std::move(operators)}; }

/// Tools of the old kind send no Host at all; no browser does that. On loopback any loopback name will do.
bool Access::host_is_ours(std::string_view host) const {
    if (host.empty() || host == bound_) {
        return true;
    }
    const auto colon = host.rfind(':');
    const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
    const auto name = has_port ? host.substr(0, colon) : host;
    return (!has_port || host.substr(colon + 1) == port_of(bound_)) && loopback_ && is_loopback(name);
}

const Operator* Access::caller(const Request& request) const {
    const auto given = request.header("authorization");
    const bool has_token = given.starts_with(k_bearer);
    const auto digest = has_token ? trust::sha256_hex(given.substr(k_bearer.size())) : std::string();
    const Operator* found = nullptr;
    for (const auto& entry : operators_) {  // every entry is compared, so that time tells nothing
        const bool by_certificate = entry.token_sha256.empty();
        if (by_certificate ? !has_token && !request.certificate.empty() && entry.name == request.certificate
                           : has_token && trust::constant_time_equal(digest, entry.token_sha256)) {
            found = &entry;
        }
    }
    return found;
}

std::optional<Response> Access::refusal(const Request& request, Role needed) const {
    const Operator* who = caller(request);
    // A browser that was lured here by a foreign name (DNS rebinding) or page (CSRF) says so in Host and Origin. A
    // token in the request rules that out: browsers show certificates by themselves, but never tokens.
    const bool shown_by_hand = who != nullptr && !who->token_sha256.empty();
    if (!shown_by_hand && loopback_ && !host_is_ours(request.header("host"))) {
        return problem(403, "The Host header names another machine. Use the address that the agent listens on.");
    }
    const auto origin = request.header("origin");
    if (!origin.empty() && origin != "http://" + std::string(request.header("host")) &&
        origin != "https://" + std::string(request.header("host"))) {
        return problem(403, "The request comes from another web page.");
    }
    if ((needed == Role::anyone && !bound_.empty()) || (needed == Role::viewer && loopback_) ||
        (who != nullptr && who->role >= needed)) {
        return std::nullopt;
    }
    if (who != nullptr) {
        return problem(403, "This token or certificate may read but not act. Use an operator's.");
    }
    Response refused = problem(
        401,
        "This needs a token ('Authorization: Bearer TOKEN') or a client certificate that listen.operators_file names.");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer");
    return refused;
}

}  // namespace hagent::http
