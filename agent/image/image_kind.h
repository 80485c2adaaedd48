// SPDX-License-Identifier: Apache-2.0
// Owns the kind of work that writes a system image into a slot and brings the device to it.
#pragma once

#include "agent/work/kind.h"

namespace hagent::image {

/// The slot that a job names; empty: the one that does not run.
inline constexpr std::string_view k_option_slot = "slot";

class ImageKind final : public work::Kind {
public:
    [[nodiscard]] std::unique_ptr<work::Work> analyse(const work::Request& request) const override;
    /// The chunk tables: the plan tells what of the image is on the device already.
    [[nodiscard]] bool reads_entry() const override { return false; }
    [[nodiscard]] std::vector<std::string> files_for_analysis(const trust::Manifest& manifest) const override;
};

}  // namespace hagent::image
