// SPDX-License-Identifier: Apache-2.0
// Owns the variables of scripts and the comparison of image versions.
#include "agent/script/variables.h"

#include <array>
#include <compare>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/base/version.h"

namespace hagent::script {
namespace {

/// The name in "<name>..." or empty.
std::string_view variable_name(std::string_view text) {
    std::size_t end = 1;
    while (end < text.size() && is_letter(text[end])) {
        ++end;
    }
    return end > 1 && end < text.size() && text[end] == '>' ? text.substr(1, end - 1) : std::string_view();
}

/// A variable without a value is refused: put in as nothing, "/data/<serial>/x" would become another place.
Result<std::string> value_of(std::string_view name, const Facts& facts) {
    const std::string os = facts.os_codes.empty() ? "" : facts.os_codes.front();
    const std::array<std::pair<std::string_view, const std::string*>, 6> variables = {
        {{"mac", &facts.mac},
         {"ip", &facts.ip},
         {"hostname", &facts.hostname},
         {"serial", &facts.serial},
         {"os", &os},
         {"image", &facts.image_version}}};
    if (equal_ignoring_case(name, "regroot")) {
        return error(errors::AgentCode::bad_argument,
                     "expected <regroot> only at the beginning of a repository path; the device does not see it: fetch "
                     "the file with SF first, and name the place where SF puts it");
    }
    for (const auto& [known, value] : variables) {
        if (!equal_ignoring_case(name, known)) {
            continue;
        }
        if (value->empty()) {
            return error(errors::AgentCode::bad_argument, {"this device has no value for <", known, ">"});
        }
        return *value;
    }
    return error(errors::AgentCode::bad_argument, {"expected one of <mac> <ip> <hostname> <serial> <os> <image>, not <",
                                                   clip(name, 32), ">; a plain '<' is written \"<<\""});
}

}  // namespace

Result<std::string> expand(std::string_view text, const Facts& facts) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '<') {
            out += text[at];
            continue;
        }
        const auto rest = text.substr(at);
        if (rest.starts_with("<<")) {
            out += '<';
            ++at;
        } else if (const auto name = variable_name(rest); !name.empty()) {
            out += TRY(value_of(name, facts));
            at += name.size() + 1;
        } else {
            out += '<';
        }
    }
    return out;
}

Result<bool> version_holds(std::string_view condition, std::string_view version) {
    condition = trim(condition);
    const auto digits = condition.find_first_not_of("<>=!");
    const auto relation = condition.substr(0, digits);
    const auto wanted = digits == std::string_view::npos ? std::string_view() : trim(condition.substr(digits));
    if (wanted.empty() || wanted.find_first_of(" \t<>=!") != std::string_view::npos) {
        return error(errors::AgentCode::bad_argument, "expected a relation and a version such as \">=11.2\"");
    }
    const auto order = compare_versions(version, wanted);
    if (relation.empty() || relation == "=" || relation == "==") {
        return order == 0;
    }
    if (relation == "!=") {
        return order != 0;
    }
    if (relation == "<") {
        return order < 0;
    }
    if (relation == "<=") {
        return order <= 0;
    }
    if (relation == ">") {
        return order > 0;
    }
    if (relation == ">=") {
        return order >= 0;
    }
    return error(errors::AgentCode::bad_argument, "expected one of = != < <= > >= before the version");
}

}  // namespace hagent::script
