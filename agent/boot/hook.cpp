// SPDX-License-Identifier: Apache-2.0
// Owns boot method `hook`: the program `boot` of the device's maker, asked with a word for each method of Boot.
#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/boot/hook_answer.h"
#include "agent/boot/methods.h"
#include "agent/boot/program.h"
#include "platform/paths.h"
#include "platform/permissions.h"

namespace hagent::boot {
namespace {

using errors::AgentCode;

class Hook final : public Boot {
public:
    explicit Hook(const Means& means) : means_(means) {}

    std::string_view name() const override { return "hook"; }

    Result<State> look() override {
        State state = TRY(parse_hook_answer(TRY(call({"look"}))));
        if (state.running.empty()) {
            state.running = TRY(running_slot(means_.image, means_.devices));
        }
        if (state.chosen.empty()) {
            state.chosen = state.running;
        }
        TRY(check_names(state));
        for (auto& slot : slots_with_mark(means_, state.running)) {
            if (!state.is_unfit(slot)) {
                state.unfit.push_back(std::move(slot));
            }
        }
        return state;
    }

    Status check() override {
        const State state = TRY(look());
        const auto known = running_slot(means_.image, means_.devices);
        if (known.ok() ? *known != state.running : !known.error().is(AgentCode::slot_not_known)) {
            return known.ok() ? error(AgentCode::boot_slots_disagree,
                                      {"slot ", *known, " runs, and the hook boot says slot ", state.running})
                              : Failure(known.error());
        }
        TRY(call({"check"}));
        return {};
    }

    Status mark_unfit(const std::string& slot) override {
        const auto held = TRY(lock());
        TRY(may_mark(means_.image, TRY(look()), slot));
        TRY(call({"unfit", slot}));
        const State now = TRY(look());
        return kept(now.chosen != slot && !(now.trial && now.trial->slot == slot));
    }

    Status try_once(const std::string& slot, unsigned tries) override {
        const auto held = TRY(lock());
        TRY(may_try(means_, TRY(look()), slot));
        return start(slot, tries);
    }

    Status confirm(const std::string& slot) override {
        const auto held = TRY(lock());
        TRY(may_confirm(means_, TRY(look()), slot));
        TRY(call({"confirm", slot}));
        const State now = TRY(look());
        return kept(now.chosen == slot && !now.trial);
    }

    Status fall_back() override {
        const auto held = TRY(lock());
        if (!TRY(look()).trial) {
            return {};
        }
        TRY(call({"fall-back"}));
        return kept(!TRY(look()).trial);
    }

    Status give_back_try(unsigned most) override {
        const auto held = TRY(lock());
        const State state = TRY(look());
        const bool wanted = state.on_trial() && state.trial->tries_left < std::min(most, limits::k_trial_tries);
        return wanted ? start(state.running, state.trial->tries_left + 1) : Status();
    }

private:
    Result<std::unique_ptr<platform::Lock>> lock() const { return means_.files.lock(means_.lock); }

    Result<std::string> program() const {
        for (const char* ending : {"", ".exe"}) {
            std::string path = concat({means_.hooks_dir, platform::native("/"), "boot", ending});
            if (!means_.hooks_dir.empty() && TRY(means_.files.info(path))) {
                return path;
            }
        }
        return error(AgentCode::boot_program_failed, "there is no hook boot in script.hooks_dir");
    }

    /// Who can change it is looked at right before it runs, as with every hook.
    Result<std::string> call(std::vector<std::string> words) const {
        words.insert(words.begin(), TRY(program()));
        if (const auto weak = TRY(platform::weak_place(means_.files, words.front()))) {
            return error(AgentCode::config_insecure_permissions, {weak->path, " ", weak->remedy});
        }
        return run_boot_program(means_, words);
    }

    Status check_names(const State& state) const {
        TRY(check_slot(means_.image, state.running));
        TRY(check_slot(means_.image, state.chosen));
        if (state.trial) {
            TRY(check_slot(means_.image, state.trial->slot));
        }
        for (const auto& slot : state.unfit) {
            TRY(check_slot(means_.image, slot));
        }
        return {};
    }

    /// A boot loader that does not count has one start to give.
    Status start(const std::string& slot, unsigned tries) {
        TRY(call({"try", slot, std::to_string(tries)}));
        const State now = TRY(look());
        return kept(now.trial && !now.trial->over && now.trial->slot == slot && now.trial->tries_left >= 1 &&
                    now.trial->tries_left <= tries && !now.is_unfit(slot));
    }

    Status kept(bool is) const { return is ? Status() : Status(error(AgentCode::boot_not_kept, "the hook boot")); }

    Means means_;
};

}  // namespace

std::unique_ptr<Boot> make_hook(const Means& means) { return std::make_unique<Hook>(means); }

}  // namespace hagent::boot
