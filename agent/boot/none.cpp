// SPDX-License-Identifier: Apache-2.0
// Owns boot method `none`: nobody can be told what to start next. What needs no telling succeeds.
#include "agent/boot/methods.h"

namespace hagent::boot {
namespace {

using errors::AgentCode;

class None final : public Boot {
public:
    explicit None(const Means& means) : means_(means) {}

    std::string_view name() const override { return "none"; }

    /// Devices without slots, and those that only write files, need not know which one runs.
    Result<State> look() override {
        State state;
        auto running = running_slot(means_.image, means_.devices);
        if (!running.ok() && !running.error().is(AgentCode::slot_not_known)) {
            return std::move(running).failure();
        }
        state.running = std::move(running).value_or("");
        state.chosen = state.running;
        state.unfit = slots_with_mark(means_, state.running);
        return state;
    }

    Status check() override {
        TRY(look());
        return {};
    }
    Status mark_unfit(const std::string& slot) override { return may_mark(means_.image, TRY(look()), slot); }
    Status try_once(const std::string& slot, unsigned /*tries*/) override {
        TRY(may_try(means_, TRY(look()), slot));
        return error(AgentCode::boot_method_none);
    }
    Status confirm(const std::string& slot) override { return may_confirm(means_, TRY(look()), slot); }
    Status fall_back() override { return {}; }
    Status give_back_try(unsigned /*most*/) override { return {}; }

private:
    Means means_;
};

}  // namespace

std::unique_ptr<Boot> make_none(const Means& means) { return std::make_unique<None>(means); }

}  // namespace hagent::boot
