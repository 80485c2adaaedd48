// SPDX-License-Identifier: Apache-2.0
// Owns the interface to the boot loader: which slot runs, which is started next, and what is on trial.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/config/settings.h"
#include "platform/block_device.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/process.h"

namespace hagent::boot {

/// A slot that the next start takes, or that runs now, without being the chosen one yet.
struct Trial {
    std::string slot;
    unsigned tries_left = 0;  // starts that it still has
    // It was written in an earlier life of the machine, and this one runs another slot: it was not taken, or has had
    // all its starts. Whoever tells the end of the trial calls fall_back().
    bool over = false;
    friend bool operator==(const Trial&, const Trial&) = default;
};

struct State {
    std::string running;
    std::string chosen;  // what the next ordinary start takes
    std::optional<Trial> trial;
    std::vector<std::string> unfit;  // slots that are marked: what is in them is not whole

    [[nodiscard]] bool is_unfit(std::string_view slot) const;
    [[nodiscard]] bool on_trial() const { return trial && !trial->over && trial->slot == running; }
};

/// A boot loader. Every change is durable when its call returns, and was read back; a power cut inside of one leaves
/// what was or what is wanted. Every call may be repeated. Those that change hold one lock for all who write, and fail
/// with `busy` while somebody else has it. Slots are names of the configuration, else no_such_slot.
/// Errors of all: boot_env_damaged, boot_env_full, boot_slots_disagree, slot_not_known, boot_entry_missing,
/// boot_program_failed, boot_not_kept, those of platform::BlockDevices, platform::Files and platform::Processes.
class Boot {
public:
    virtual ~Boot() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;  // "grub"
    /// Reads only.
    [[nodiscard]] virtual Result<State> look() = 0;
    /// For the analysis: readable, writable and ours; slots, root device and command line agree; the boot loader reads
    /// what we write (boot_not_read) and can write there itself (boot_env_place), as far as it can be told. Changes
    /// nothing.
    [[nodiscard]] virtual Status check() = 0;
    /// Before the first write to the slot: no start takes it, whatever its trial was. slot_runs for the slot that
    /// runs.
    [[nodiscard]] virtual Status mark_unfit(const std::string& slot) = 0;
    /// The slot is whole now: its mark goes, and the next starts take it on trial: `tries` of them where the boot
    /// loader counts, else one. One change: before it nothing starts the slot. boot_method_none where nobody can be
    /// told.
    [[nodiscard]] virtual Status try_once(const std::string& slot, unsigned tries) = 0;
    /// From now on the slot is the chosen one, and nothing is on trial.
    [[nodiscard]] virtual Status confirm(const std::string& slot) = 0;
    /// Nothing is on trial: the next start takes the chosen one.
    [[nodiscard]] virtual Status fall_back() = 0;
    /// The slot on trial runs, and its agent came up: it has one start more, yet at most `most`. Nothing where no trial
    /// runs. The bound over several lives is the caller's: he lowers `most`.
    [[nodiscard]] virtual Status give_back_try(unsigned most) = 0;
};

/// What a boot method works with; outlives it.
struct Means {
    const config::ImageSettings& image;
    platform::Files& files;
    platform::Processes& processes;
    platform::BlockDevices& devices;
    platform::Host& host;
    std::string hooks_dir;  // of boot method hook
    std::string lock;       // file for the lock, where the method has none that all who write share
};

/// The configured method. It holds no state: what it says is read anew in each call.
[[nodiscard]] std::unique_ptr<Boot> make_boot(const Means& means);

/// Which slot runs: `image.running`, else the command line's hagent.slot=, else the slot whose device is the root file
/// system. What of the three is known must agree, and a root that is a disk of its own must be a slot's, unless
/// `image.running` says which one runs. Errors: boot_slots_disagree, slot_not_known (nothing says it).
[[nodiscard]] Result<std::string> running_slot(const config::ImageSettings& image, platform::BlockDevices& devices);

/// The value of "KEY=VALUE" on a kernel's command line, the last one where it stands there twice; empty: not there.
[[nodiscard]] std::string_view command_line_value(std::string_view line, std::string_view key);

/// What is written over the first k_head_bytes of each part of a slot before anything else in it changes, and replaced
/// by the image's own bytes when all others are verified: no boot loader and no kernel finds a file system below it (it
/// covers the first descriptor of ext, FAT, squashfs, erofs and xfs), and look() tells the slot as unfit, whatever is
/// left of the boot environment.
inline constexpr std::size_t k_head_bytes = 4096;
/// `bytes` of that, from the start of the part on: a line of text, then zeros.
[[nodiscard]] std::string unfit_head(std::size_t bytes = k_head_bytes);
/// Whether a part that begins with these bytes bears the mark.
[[nodiscard]] bool is_unfit_head(std::string_view first_bytes);

}  // namespace hagent::boot
