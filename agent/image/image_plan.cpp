// SPDX-License-Identifier: Apache-2.0
#include "agent/image/image_plan.h"

#include <array>

#include "agent/base/concat.h"
#include "agent/base/json_writer.h"
#include "agent/errors/catalogue.h"

namespace hagent::image {
namespace {

constexpr std::array<std::string_view, 9> k_words = {"prepare",  "write",  "verify",  "after-write", "health",
                                                     "check-in", "switch", "restart", "trial"};

work::StepPlan& add(ImagePlan& plan, Op op, std::string effect) {
    work::StepPlan step;
    step.n = static_cast<unsigned>(plan.ops.size()) + 1;
    step.op = to_string(op);
    step.effect = std::move(effect);
    step.stage =
        op == Op::prepare || op == Op::write || op == Op::verify ? work::Stage::files : work::Stage::postscript;
    plan.ops.push_back(op);
    plan.general.steps.push_back(std::move(step));
    return plan.general.steps.back();
}

}  // namespace

std::string_view to_string(Op op) { return k_words[static_cast<std::size_t>(op)]; }

void add_steps(ImagePlan& plan, const config::ImageSettings& settings) {
    const auto& slot = plan.place.target;
    add(plan, Op::prepare, concat({"mark slot ", slot, " as not bootable and hold it"}));
    for (const auto& part : plan.member.parts) {
        add(plan, Op::write, concat({"write ", part.file, " to the part ", part.name, " of slot ", slot}));
    }
    add(plan, Op::verify, concat({"read slot ", slot, " back from its device and compare"}));
    if (!plan.member.after_write.empty()) {
        add(plan, Op::after_write, concat({"run ", plan.member.after_write, " of the package over slot ", slot}));
    }
    if (!plan.place.switches) {
        return;
    }
    if (!settings.health.empty()) {
        add(plan, Op::health, "run the health programs in the old system");
    }
    add(plan, Op::check_in, "check in, so that the manager can still say no");
    add(plan, Op::switch_over, concat({"have the next start take slot ", slot, " on trial"}));
    add(plan, Op::restart, "restart the device");
    add(plan, Op::trial, concat({"prove version ", plan.member.version, " and keep it, or go back"}));
    plan.general.reboots = 1;
}

std::string plan_json(const ImagePlan& plan) {
    JsonWriter json;
    json.begin_object();
    json.member("kind", "image");
    json.member("version", plan.member.version);
    json.member("slot", plan.place.target);
    json.begin_array("steps");
    for (const auto& step : plan.general.steps) {
        json.begin_object();
        json.member("n", step.n);
        json.member("op", step.op);
        json.member("effect", step.effect);
        json.end_object();
    }
    json.end_array();
    json.raw("chunks", plan.counts.json());
    json.member("fetch_bytes", plan.counts.fetch_bytes);
    json.begin_array("results");
    for (const auto& result : plan.general.results) {
        json.begin_object();
        json.member("code", result.id.number);
        json.member("name", errors::describe(result.id).name);
        json.member("status", static_cast<unsigned>(result.status));
        json.member("context", result.context);
        json.end_object();
    }
    json.end_array();
    json.end_object();
    return json.take();
}

std::string plan_text(const ImagePlan& plan) {
    std::string text;
    for (const auto& step : plan.general.steps) {
        text += concat({std::to_string(step.n), "  ", step.op, "  ", step.effect, "\n"});
    }
    const auto& counts = plan.counts;
    text += concat({std::to_string(counts.total), " chunks: ", std::to_string(counts.kept), " are in their place, ",
                    std::to_string(counts.copied), " are copied, ", std::to_string(counts.fetched), " are fetched (",
                    std::to_string(counts.fetch_bytes), " bytes)\n"});
    for (const auto& result : plan.general.results) {
        text += concat({errors::describe(result.id).cause.text(), " [", result.context, "]\n"});
    }
    return text;
}

}  // namespace hagent::image
