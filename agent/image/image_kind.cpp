// SPDX-License-Identifier: Apache-2.0
#include "agent/image/image_kind.h"

#include <algorithm>

#include "agent/image/image_actions.h"
#include "agent/image/image_plan.h"

namespace hagent::image {

using errors::AgentCode;

namespace {

class ImageWork final : public work::Work {
public:
    ImageWork(ImagePlan plan, work::PackageFiles& package) : plan_(std::move(plan)), package_(package) {}

    [[nodiscard]] const work::Plan& plan() const override { return plan_.general; }
    [[nodiscard]] Result<work::Outcome> run(work::Run& run) override {
        ImageActions actions(plan_, package_, run);
        auto outcome = TRY(work::run_steps(plan_.general.steps, actions, run.services, run.journal, run.observer,
                                           run.earlier, run.cancel));
        outcome.look_again_at = actions.look_again_at();
        return outcome;
    }
    [[nodiscard]] std::string plan_json() const override { return image::plan_json(plan_); }
    [[nodiscard]] std::string plan_text() const override { return image::plan_text(plan_); }

private:
    ImagePlan plan_;
    work::PackageFiles& package_;
};

void object(ImagePlan& plan, const Error& error) {
    plan.general.results.push_back(error_result(error, AgentCode::image_device_unfit));
}

/// Once it was switched, the slots have changed their places: the note still knows them.
Result<Place> place_of(const work::Request& request, const std::string& package) {
    const auto& services = request.services;
    if (!request.earlier.empty() && services.devices != nullptr) {
        const auto notes = TRY(load_notes(services.files, services.settings.state.images()));
        const auto& image = services.settings.image;
        if (notes.writing && notes.writing->package == package && image.find(notes.writing->to) != nullptr) {
            return Place{notes.writing->to, notes.writing->from, image.boot != config::BootMethod::none};
        }
    }
    return choose_place(services, work::option(request.options, k_option_slot).value_or(""));
}

/// What the device holds already, and what is left to fetch.
Status look_for_chunks(ImagePlan& plan, const work::Request& request) {
    const auto open =
        TRY(open_slots(plan.member, plan.place, request.package, request.services, platform::Access::read));
    plan.sources = TRY(find_sources(open.parts, request.services.files, CancelToken()));
    plan.counts = TRY(count_chunks(open.parts, plan.sources, request.services.files));
    plan.general.streamed_bytes = plan.counts.fetch_bytes;
    return {};
}

void add_downloads(ImagePlan& plan, const work::PackageFiles& package) {
    for (const auto& file : package.files()) {
        const bool table = std::any_of(plan.member.parts.begin(), plan.member.parts.end(),
                                       [&](const Part& part) { return part.chunks == file.path; });
        if (table || file.path == plan.member.after_write) {
            plan.general.downloads.push_back(file);
        }
    }
}

}  // namespace

std::vector<std::string> ImageKind::files_for_analysis(const trust::Manifest& manifest) const {
    std::vector<std::string> tables;
    const auto member = image_member(manifest);
    for (const auto& part : member.ok() ? member->parts : std::vector<Part>()) {
        tables.push_back(part.chunks);
    }
    return tables;
}

/// Work that has begun is not measured against the device again: it has changed it.
std::unique_ptr<work::Work> ImageKind::analyse(const work::Request& request) const {
    ImagePlan plan;
    plan.package = package_key(request.manifest);
    auto member = image_member(request.manifest);
    auto place = member.ok() ? place_of(request, plan.package) : Result<Place>(member.error());
    if (!place.ok()) {
        object(plan, place.error());
        return std::make_unique<ImageWork>(std::move(plan), request.package);
    }
    plan.member = std::move(member).value();
    plan.place = std::move(place).value();
    add_downloads(plan, request.package);
    add_steps(plan, request.services.settings.image);
    if (request.earlier.empty()) {
        plan.general.results = objections(plan.member, plan.place, request.services);
        if (!has_error(plan.general.results)) {
            if (const auto looked = look_for_chunks(plan, request); !looked.ok()) {
                object(plan, looked.error());
            }
        }
    }
    return std::make_unique<ImageWork>(std::move(plan), request.package);
}

}  // namespace hagent::image
