// SPDX-License-Identifier: Apache-2.0
#include "agent/script/script_kind.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/script/commands.h"
#include "agent/script/interpreter.h"
#include "agent/script/key_store.h"
#include "agent/script/parser.h"
#include "agent/script/planning.h"
#include "agent/script/repository_path.h"
#include "agent/trust/manifest.h"

namespace hagent::script {
namespace {

using errors::AgentCode;

/// What registry commands work on. A script that is tried out below a folder must not reach the machine's own.
class ScriptRegistry {
public:
    ScriptRegistry(const work::Services& services, const std::string& relocation)
        : machine_(relocation.empty() ? services.registry : nullptr),
          store_(services.files,
                 (relocation.empty() ? services.settings.state : config::StatePaths(relocation)).registry()) {}
    [[nodiscard]] platform::Registry* get() { return machine_ != nullptr ? machine_ : &store_; }

private:
    platform::Registry* machine_;
    KeyStore store_;
};

Parsed parsed(std::string_view text, const std::string& name, const work::Options& options) {
    return work::option(options, k_option_form) == k_wire_form ? parse_wire(text, name) : parse(text, name);
}

/// Options are wishes of a manager. One that makes no sense is no reason to refuse the script.
std::uint64_t number_option(const work::Options& job, std::string_view name, std::uint64_t most,
                            std::uint64_t otherwise) {
    const auto text = work::option(job, name);
    return text ? parse_u64(*text, most).value_or(otherwise) : otherwise;
}

Options options_for(const work::Request& request, platform::Registry* registry) {
    const work::Services& services = request.services;
    Options options;
    options.staging_dir = services.settings.state.downloads();
    options.time_limit = services.settings.time_limit;
    options.processes = &services.processes;
    options.registry = registry;
    options.device = &services;
    options.earlier = request.earlier;
    options.uploads = services.uploads != nullptr;
    options.postponements =
        narrow<unsigned>(number_option(request.options, k_option_postponements, k_most_postponements, k_postponements));
    const auto seconds =
        number_option(request.options, k_option_question, narrow<std::uint64_t>(k_longest_question.count()), 0);
    options.question = seconds == 0 ? k_usual_question : Seconds(narrow<std::int64_t>(seconds));
    return options;
}

/// The pure planner over the facts of this device. An entry that cannot be read is a result of the plan like any other,
/// so that whoever asked sees it in the same place.
Plan plan_of(const work::Request& request) {
    const auto& name = request.manifest.entry;
    if (!request.entry) {
        Plan plan;
        plan.results.push_back(error_result(request.entry.error(), AgentCode::step_failed));
        return plan;
    }
    const auto script = parsed(*request.entry, name, request.options);
    if (const auto* complaints = std::get_if<std::vector<Complaint>>(&script)) {
        return refused_plan(name, *complaints);
    }
    const work::Services& services = request.services;
    ScriptRegistry registry(services, request.relocation);
    return analyse(std::get<Script>(script), services.facts, request.package,
                   {services.settings.roots, request.relocation, services.settings.protected_paths}, services.files,
                   services.disks, options_for(request, registry.get()));
}

/// The plan without what only scripts know.
work::Plan general(const Plan& plan) {
    return {{plan.steps.begin(), plan.steps.end()}, plan.downloads, plan.disk, plan.reboots, plan.results};
}

class ScriptWork final : public work::Work {
public:
    ScriptWork(Plan plan, PackageFiles& package)
        : plan_(std::move(plan)), package_(package), general_(general(plan_)) {}

    [[nodiscard]] const work::Plan& plan() const override { return general_; }
    /// The registry of the analysis is gone by now: the run opens its own.
    [[nodiscard]] Result<Outcome> run(work::Run& run) override {
        ScriptRegistry registry(run.services, plan_.jail.relocation);
        work::Services services = run.services;
        services.registry = registry.get();
        return script::run(plan_, package_, services, run.journal, run.observer, run.earlier, run.cancel);
    }
    [[nodiscard]] std::string plan_json() const override { return script::plan_json(plan_); }
    [[nodiscard]] std::string plan_text() const override { return render_plan(plan_); }

private:
    Plan plan_;
    PackageFiles& package_;
    work::Plan general_;
};

}  // namespace

std::unique_ptr<work::Work> ScriptKind::analyse(const work::Request& request) const {
    return std::make_unique<ScriptWork>(plan_of(request), request.package);
}

/// The plan objects to all that is left out here: names that could be in no package, and wildcards, for which nobody
/// can tell which files there are.
std::vector<std::string> ScriptKind::files_wanted(const std::string& entry, const work::Options& options) const {
    std::vector<std::string> paths;
    const auto script = parsed(entry, "", options);
    if (!std::holds_alternative<Script>(script)) {
        return paths;
    }
    for (const auto& command : std::get<Script>(script).commands) {
        const CommandRow* row = find_command(command.op);
        if (row == nullptr || row->plan != plan_fetch_files || command.arguments.empty()) {
            continue;
        }
        const auto path = repository_path(command.arguments[0].text);
        if (path.ok() && trust::valid_path(*path) && !has_wildcard(*path) &&
            std::find(paths.begin(), paths.end(), *path) == paths.end()) {
            paths.push_back(*path);
        }
    }
    return paths;
}

}  // namespace hagent::script
