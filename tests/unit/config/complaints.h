// SPDX-License-Identifier: Apache-2.0
// Owns short forms for the tests of the configuration.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "agent/base/text.h"
#include "agent/config/config.h"
#include "tests/fakes/rooted.h"

namespace hagent::config {

using fakes::rooted;

/// A configuration in which every path that begins with '/' is one of this system.
inline std::string rooted_text(const std::string& text) {
    return replace_all(fakes::rooted_script(text), "\\", "\\\\");
}

/// The settings of a text that must be right.
inline Settings settings_of(std::string_view text, ManagerRule manager = ManagerRule::optional) {
    auto outcome = parse(text, manager);
    if (auto* complaints = std::get_if<1>(&outcome)) {
        FAIL(render(*complaints));
    }
    return std::get<0>(std::move(outcome));
}

/// The complaints about a text, as render() shows them; empty when there are none.
inline std::string complaints_of(std::string_view text, ManagerRule manager = ManagerRule::optional) {
    const auto outcome = parse(text, manager);
    const auto* complaints = std::get_if<1>(&outcome);
    return complaints == nullptr ? "" : render(*complaints);
}

/// The code of the first complaint.
inline errors::AgentCode code_of(std::string_view text, ManagerRule manager = ManagerRule::optional) {
    const auto outcome = parse(text, manager);
    REQUIRE(outcome.index() == 1);
    return std::get<1>(outcome).front().code;
}

}  // namespace hagent::config
