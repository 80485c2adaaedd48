// SPDX-License-Identifier: Apache-2.0
// Owns scripts as a kind of work: from a package's entry to a plan, and from the plan to what is done.
#pragma once

#include "agent/work/kind.h"

namespace hagent::script {

// Numbers are decimal; one that cannot be read or is too large counts as not given.
// Options of a job that scripts know (work::Options).
inline constexpr std::string_view k_option_form = "form";                    // "wire": the entry is in wire form
inline constexpr std::string_view k_option_question = "question_s";          // how long QU asks that does not say so
inline constexpr std::string_view k_option_postponements = "postponements";  // how often the user may say later
inline constexpr std::string_view k_wire_form = "wire";

/// RSP packages (spec 4); the promises are those of work::Kind.
class ScriptKind final : public work::Kind {
public:
    [[nodiscard]] std::unique_ptr<work::Work> analyse(const work::Request& request) const override;
    [[nodiscard]] std::vector<std::string> files_wanted(const std::string& entry,
                                                        const work::Options& options) const override;
};

}  // namespace hagent::script
