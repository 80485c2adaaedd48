// SPDX-License-Identifier: Apache-2.0
// Owns what each step of an image does.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/boot/boot.h"
#include "agent/image/analysis.h"
#include "agent/image/image_plan.h"
#include "agent/image/trial.h"
#include "agent/work/runner.h"

namespace hagent::image {

/// The device of the target is held from the first step on, but for the time in which the package's program runs.
class ImageActions final : public work::Actions {
public:
    ImageActions(const ImagePlan& plan, work::PackageFiles& package, const work::Run& run);

    [[nodiscard]] Result<work::Acted> act(const work::StepPlan& step, work::StepRecord& record) override;
    /// No step stops the machine by the runner: see Trial::restart().
    [[nodiscard]] Status stop_machine(const work::StepPlan& step, work::StepRecord& record) override;

    [[nodiscard]] const std::optional<Uptime>& look_again_at() const { return look_again_at_; }

private:
    [[nodiscard]] Status prepare();
    [[nodiscard]] Status write(unsigned part);
    [[nodiscard]] Status verify();
    [[nodiscard]] Status after_write(work::StepRecord& record);
    [[nodiscard]] Status run_program(work::StepRecord& record);
    [[nodiscard]] Status look_at_health(work::StepRecord& record);
    [[nodiscard]] Result<work::Acted> last_check_in(work::StepRecord& record);
    [[nodiscard]] Status switch_over();
    [[nodiscard]] Status hold_verified();
    [[nodiscard]] Result<work::Acted> judge(Op op, work::StepRecord& record);

    [[nodiscard]] Status open_writer();
    void close_writer();
    [[nodiscard]] Status keep_counts();
    [[nodiscard]] Result<bool> switched() const;
    [[nodiscard]] unsigned part_of(unsigned step) const;
    [[nodiscard]] std::string job() const { return plan_.package + " " + run_.services.scratch_dir; }
    [[nodiscard]] std::string ill_note() const { return run_.services.scratch_dir + "/image.ill"; }

    const ImagePlan& plan_;
    work::PackageFiles& package_;
    const work::Run& run_;
    std::unique_ptr<boot::Boot> boot_;
    OpenSlots slots_;
    std::unique_ptr<SlotWriter> writer_;
    bool verified_ = false;  // in this life, and held since
    std::optional<Uptime> look_again_at_;
};

}  // namespace hagent::image
