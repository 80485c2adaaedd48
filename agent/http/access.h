// SPDX-License-Identifier: Apache-2.0
// Owns the decision who may call what: deny by default. Source: spec 11 "HTTP listener".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/http/request.h"
#include "agent/http/response.h"

namespace hagent::http {

/// Each role may do what those before it may. anyone: the trigger only. viewer: read; on a loopback listener nobody
/// needs to log in for that. operators: act.
enum class Role : std::uint8_t { anyone, viewer, operators };

/// Known by a token, which is stored as the SHA-256 of its text and never as itself, or by a client certificate.
struct Operator {
    std::string name;
    Role role = Role::viewer;
    std::string token_sha256;  // lower-case hexadecimal; empty: known by a certificate whose common name is `name`
};

/// Lines of "viewer|operator NAME SHA256HEX|certificate"; '#' begins a comment. Fails with config_bad_value and the
/// line.
[[nodiscard]] Result<std::vector<Operator>> parse_operators(std::string_view text);

/// The rules of one listener. A pure function of the request.
class Access {
public:
    /// `bound` is the listener's "address:port".
    Access(std::string bound, std::vector<Operator> operators);
    /// Nobody without a token of theirs gets in, wherever he comes from and whatever he asks for.
    [[nodiscard]] static Access for_operators_only(std::vector<Operator> operators);

    /// Why the request is refused (401 without a good token, 403 for a foreign Host or Origin), or nothing.
    [[nodiscard]] std::optional<Response> refusal(const Request& request, Role needed) const;

private:
    [[nodiscard]] bool host_is_ours(std::string_view host) const;
    [[nodiscard]] const Operator* caller(const Request& request) const;

    std::string bound_;
    bool loopback_;
    std::vector<Operator> operators_;
};

}  // namespace hagent::http
