// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the exit codes that scripts around the agent rely on. Source: spec 11.
#include "agent/verbs/verbs.h"

#include <doctest/doctest.h>

#include "agent/errors/catalogue.h"

namespace hagent::verbs {
namespace {

using errors::AgentCode;

TEST_CASE("an error's exit code follows its kind") {
    const std::vector<std::pair<errors::Id, int>> rows = {
        {errors::agent(AgentCode::usage), k_usage},
        {errors::agent(AgentCode::busy), k_try_later},
        {errors::agent(AgentCode::session_not_found), k_not_found},
        {errors::agent(AgentCode::file_not_found), k_not_found},
        {errors::agent(AgentCode::config_missing), k_refused},
        {errors::agent(AgentCode::config_clear_text_refused), k_refused},
        {errors::agent(AgentCode::signature_invalid), k_refused},
        {errors::agent(AgentCode::unknown_key), k_refused},
        {errors::agent(AgentCode::access_denied), k_refused},
        {errors::agent(AgentCode::permission_denied), k_refused},
        {errors::agent(AgentCode::digest_mismatch), k_failed},
        {errors::agent(AgentCode::step_failed), k_failed},
        {errors::agent(AgentCode::attempts_exhausted), k_try_later},
        {errors::agent(AgentCode::interrupted), k_try_later},
        {errors::http(404), k_failed},
        {errors::http(503), k_try_later},
        {errors::ftp(421), k_try_later},
        {errors::winsock(10061), k_try_later},
    };
    for (const auto& [id, code] : rows) {
        const auto shown = errors::id_text(id);
        CAPTURE(shown);
        CHECK(exit_code(error(id)) == code);
    }
}

TEST_CASE("the numbers themselves are permanent") {
    CHECK(k_done == 0);
    CHECK(k_failed == 1);
    CHECK(k_usage == 2);
    CHECK(k_refused == 3);
    CHECK(k_not_found == 4);
    CHECK(k_try_later == 75);
}

}  // namespace
}  // namespace hagent::verbs
