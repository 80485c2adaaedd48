// SPDX-License-Identifier: Apache-2.0
// Owns boot method `grub`: the environment block, written in place, and what packaging/grub/hagent.cfg makes of it.
#include <algorithm>
#include <array>

#include "agent/base/concat.h"
#include "agent/base/crc32.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/boot/grub_env.h"
#include "agent/boot/methods.h"

namespace hagent::boot {
namespace {

using errors::AgentCode;
using platform::Access;
using platform::BlockDevice;

// stands in `tries` while nothing is on trial, and before the name of the slot that is unfit: GRUB does not look at it
constexpr char k_unfit = '-';

/// The block as it stands on the disk. A file that is too long is read as far as it takes to say so.
Result<std::string> read_block(BlockDevice& device) {
    const auto size = TRY(device.size());
    std::array<char, k_env_bytes> bytes{};
    std::size_t count = 0;
    while (size == k_env_bytes && count < bytes.size()) {
        const auto more = TRY(device.read_at(count, std::span(bytes).subspan(count)));
        if (more == 0) {
            break;
        }
        count += more;
    }
    if (count != k_env_bytes) {
        return error(AgentCode::boot_env_damaged,
                     {"it has ", std::to_string(size), " bytes and not ", std::to_string(k_env_bytes)});
    }
    return std::string(bytes.data(), count);
}

/// The sector with our variables is written in one piece. Where those of others move to the second one they are there
/// before they leave the first, and the other way round.
Status write_block(BlockDevice& device, const std::string& before, const std::string& after) {
    const auto half = [&](std::size_t offset) -> Status {
        const auto part = std::string_view(after).substr(offset, k_env_sector);
        if (part == std::string_view(before).substr(offset, k_env_sector)) {
            return {};
        }
        TRY(device.write_at(offset, part));
        return device.sync();
    };
    const bool second_first = after[k_env_sector] != '#';
    TRY(half(second_first ? k_env_sector : 0));
    TRY(half(second_first ? 0 : k_env_sector));
    TRY(device.forget_cache());
    return TRY(read_block(device)) == after ? Status()
                                            : Status(error(AgentCode::boot_not_kept, "the environment block"));
}

class Grub final : public Boot {
public:
    explicit Grub(const Means& means) : means_(means) {}

    std::string_view name() const override { return "grub"; }

    Result<State> look() override {
        const auto device = TRY(open(Access::read));
        return state_of(TRY(parsed(TRY(read(*device)))), TRY(running_slot(means_.image, means_.devices)));
    }

    Status check() override {
        const auto running = TRY(running_slot(means_.image, means_.devices));
        const auto device = TRY(open(Access::exclusive));  // it can be written
        GrubEnv env = TRY(parsed(TRY(read(*device))));
        TRY(check_place());
        TRY(check_generation(env));
        env.slot = env.trial = std::string(limits::k_slot_name_bytes, 'x');
        return grub_env_block(env).ok() ? Status() : named(grub_env_block(env).error());
    }

    Status mark_unfit(const std::string& slot) override {
        return change([&](GrubEnv& env, const State& state) -> Status {
            TRY(may_mark(means_.image, state, slot));
            env.slot = state.running;
            env.trial.clear();
            env.tries = concat({std::string_view(&k_unfit, 1), slot});
            return {};
        });
    }

    Status try_once(const std::string& slot, unsigned tries) override {
        check_tries(tries);
        return change([&](GrubEnv& env, const State& state) -> Status {
            TRY(may_try(means_, state, slot));
            env.slot = state.running;
            env.trial = slot;
            env.tries = std::to_string(tries);
            return {};
        });
    }

    Status confirm(const std::string& slot) override {
        return change([&](GrubEnv& env, const State& state) -> Status {
            TRY(may_confirm(means_, state, slot));
            env.slot = slot;
            end_trial(env);
            if (env.tries == k_unfit + slot) {  // it runs: it is whole
                env.tries.clear();
            }
            return {};
        });
    }

    Status fall_back() override {
        return change([&](GrubEnv& env, const State& state) -> Status {
            if (state.trial) {
                env.slot = state.chosen;
                end_trial(env);
            }
            return {};
        });
    }

    Status give_back_try(unsigned most) override {
        return change([&](GrubEnv& env, const State& state) -> Status {
            const unsigned bound = std::min(most, limits::k_trial_tries);
            if (state.on_trial() && state.trial->tries_left < bound) {
                env.tries = std::to_string(state.trial->tries_left + 1);
            }
            return {};
        });
    }

private:
    static void check_tries(unsigned tries) { hagent::check(tries >= 1 && tries <= limits::k_trial_tries); }

    /// The mark of a slot that is unfit outlives the trial of another one.
    static void end_trial(GrubEnv& env) {
        if (!env.trial.empty() || (!env.tries.starts_with(k_unfit))) {
            env.tries.clear();
        }
        env.trial.clear();
    }

    Failure named(const Error& why) const { return Failure(Error(why).with(means_.image.grub_env)); }

    Result<std::unique_ptr<BlockDevice>> open(Access access) const {
        return means_.devices.open(means_.image.grub_env, access);
    }
    Result<std::string> read(BlockDevice& device) const {
        auto block = read_block(device);
        return block.ok() ? std::move(block) : named(block.error());
    }
    Result<GrubEnv> parsed(const std::string& block) const {
        auto env = parse_grub_env(block);
        return env.ok() ? std::move(env) : named(env.error());
    }

    /// Eight digits that tell this start of the machine from others.
    std::string this_start() const {
        static constexpr std::string_view k_digits = "0123456789abcdef";
        const std::uint32_t sum = crc32(means_.host.facts().boot_id);
        std::string out;
        for (int shift = 28; shift >= 0; shift -= 4) {
            out += k_digits[(sum >> static_cast<unsigned>(shift)) & 15U];
        }
        return out;
    }

    /// GRUB writes over the blocks of the file that it has found: in file systems that keep them in one place and have
    /// no sums of them. Slots that are files are no device's, and GRUB is not there either.
    Status check_place() const {
        static constexpr std::array<std::string_view, 5> k_good = {"ext2", "ext3", "ext4", "vfat", "msdos"};
        const std::string found = means_.devices.file_system_at(means_.image.grub_env);
        const bool good = found.empty() || std::find(k_good.begin(), k_good.end(), found) != k_good.end();
        return good || !on_devices()
                   ? Status()
                   : Status(error(AgentCode::boot_env_place, {means_.image.grub_env, " lies on ", found}));
    }

    bool on_devices() const {
        const auto slot = means_.devices.info(means_.image.slots.front().device());
        return slot.ok() && slot->block;
    }

    /// What was written in an earlier start is what GRUB has read in this one, or GRUB reads something else. One that
    /// says nothing proves nothing.
    Status check_generation(const GrubEnv& env) const {
        const std::string line = means_.devices.command_line();
        const auto read = command_line_value(line, "hagent.generation");
        const bool told = line.find("hagent.generation=") != std::string::npos;
        if (told ? env.generation != read && env.generation != this_start() : on_devices()) {
            return error(AgentCode::boot_not_read, {means_.image.grub_env, " holds generation ",
                                                    env.generation.empty() ? "none" : clip(env.generation, 40),
                                                    ", GRUB has read ", read.empty() ? "none" : clip(read, 40)});
        }
        return {};
    }

    /// GRUB takes the first slot where the block names none.
    State state_of(const GrubEnv& env, std::string running) const {
        State state;
        state.running = std::move(running);
        state.chosen = means_.image.find(env.slot) != nullptr ? env.slot : means_.image.slots.front().name;
        state.unfit = slots_with_mark(means_, state.running);
        if (means_.image.find(env.trial) != nullptr) {
            const auto tries =
                parse_u64(env.tries, limits::k_trial_tries);  // GRUB takes no trial with any other number
            state.trial = Trial{env.trial, tries ? narrow<unsigned>(*tries) : 0U,
                                env.trial != state.running && env.generation != this_start()};
        }
        const std::string_view mark = env.tries;
        if (env.trial.empty() && mark.starts_with(k_unfit) && means_.image.find(mark.substr(1)) != nullptr &&
            mark.substr(1) != state.running && !state.is_unfit(mark.substr(1))) {
            state.unfit.emplace_back(mark.substr(1));
        }
        return state;
    }

    /// Nothing is written where nothing changes. The open file is the lock: it is the same for all who write.
    template <class Edit>
    Status change(Edit edit) {
        const auto running = TRY(running_slot(means_.image, means_.devices));
        const auto device = TRY(open(Access::exclusive));
        const std::string before = TRY(read(*device));
        const GrubEnv old = TRY(parsed(before));
        GrubEnv env = old;
        TRY(edit(env, state_of(old, running)));
        if (env == old) {
            return {};
        }
        env.generation = this_start();
        const auto after = grub_env_block(env);
        return after.ok() ? write_block(*device, before, *after) : named(after.error());
    }

    Means means_;
};

}  // namespace

std::unique_ptr<Boot> make_grub(const Means& means) { return std::make_unique<Grub>(means); }

}  // namespace hagent::boot
