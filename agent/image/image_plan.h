// SPDX-License-Identifier: Apache-2.0
// Owns the plan of an image: its steps, and what everybody is told about them.
#pragma once

#include <string>
#include <vector>

#include "agent/image/analysis.h"
#include "agent/image/chunk_sources.h"
#include "agent/image/slot_writer.h"
#include "agent/work/plan.h"

namespace hagent::image {

enum class Op : std::uint8_t { prepare, write, verify, after_write, health, check_in, switch_over, restart, trial };
[[nodiscard]] std::string_view to_string(Op op);

struct ImagePlan {
    ImageMember member;
    Place place;
    std::string package;               // package_key()
    std::vector<ChunkSource> sources;  // empty: not looked for, because the work goes on
    ChunkCounts counts;                // of `sources`
    std::vector<Op> ops;               // of the steps, by their number
    work::Plan general;
};

/// Adds the steps of the image and the place. The same in every life.
void add_steps(ImagePlan& plan, const config::ImageSettings& settings);

/// The session's shape (spec 11) as far as a plan has it, with "slot" and "chunks".
[[nodiscard]] std::string plan_json(const ImagePlan& plan);
[[nodiscard]] std::string plan_text(const ImagePlan& plan);

}  // namespace hagent::image
