// SPDX-License-Identifier: Apache-2.0
// Owns boot method `bcd`: the boot manager of Windows, through bcdedit.exe. Its boot sequence starts a slot once, its
// default is the chosen one.
#include <algorithm>
#include <map>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/boot/bcd_text.h"
#include "agent/boot/efi_entry.h"
#include "agent/boot/methods.h"
#include "agent/boot/program.h"

namespace hagent::boot {
namespace {

using errors::AgentCode;

/// The store as it is now.
struct Store {
    std::map<std::string, std::string> entries;  // identifier of each slot's
    std::string default_id, next, current;       // `next`: first of the boot sequence

    [[nodiscard]] const std::string* slot_of(const std::string& id) const {
        const auto found =
            std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.second == id; });
        return found == entries.end() ? nullptr : &found->first;
    }
};

class Bcd final : public Boot {
public:
    explicit Bcd(const Means& means) : means_(means) {}

    std::string_view name() const override { return "bcd"; }

    Result<State> look() override { return state_of(TRY(read())); }

    Status check() override {
        TRY(state_of(TRY(read())));
        TRY(lock());
        return {};
    }

    Status mark_unfit(const std::string& slot) override {
        return change([&](const Store& store, const State& state) -> Status {
            TRY(may_mark(means_.image, state, slot));
            TRY(drop_next(store, slot));
            return choose(store, state.running);
        });
    }

    Status try_once(const std::string& slot, unsigned /*tries*/) override {
        return change([&](const Store& store, const State& state) -> Status {
            TRY(may_try(means_, state, slot));
            TRY(choose(store, state.running));
            return start_once(store, slot);
        });
    }

    Status confirm(const std::string& slot) override {
        return change([&](const Store& store, const State& state) -> Status {
            TRY(may_confirm(means_, state, slot));
            TRY(choose(store, slot));
            return drop_next(store, "");
        });
    }

    Status fall_back() override {
        return change([&](const Store& store, const State& /*state*/) { return drop_next(store, ""); });
    }

    Status give_back_try(unsigned most) override {
        return change([&](const Store& store, const State& state) -> Status {
            const bool wanted = most > 0 && state.on_trial() && state.trial->tries_left == 0;
            return wanted ? start_once(store, state.running) : Status();
        });
    }

private:
    Result<std::unique_ptr<platform::Lock>> lock() const { return means_.files.lock(means_.lock); }

    Result<std::string> bcdedit(std::vector<std::string> words) const {
        words.insert(words.begin(), "bcdedit.exe");
        return run_boot_program(means_, words);
    }

    /// Two entries of one slot would be two systems on it.
    Status find_slots(const std::vector<BcdEntry>& entries, Store& out) const {
        for (const auto& slot : means_.image.slots) {
            for (const auto& entry : entries) {
                if (entry_is_of_slot(entry.description, entry.options, slot.name) &&
                    !out.entries.emplace(slot.name, entry.id).second) {
                    return error(AgentCode::boot_entry_missing, {"slot ", slot.name, " has more than one entry"});
                }
            }
            if (!out.entries.contains(slot.name)) {
                return error(AgentCode::boot_entry_missing, {"slot ", slot.name, " has no entry"});
            }
        }
        return {};
    }

    Result<Store> read() const {
        const auto entries = TRY(parse_bcd(TRY(bcdedit({"/enum", "all", "/v"}))));
        const auto current = TRY(parse_bcd(TRY(bcdedit({"/enum", "{current}", "/v"}))));
        Store out;
        out.current = current.front().id;
        TRY(find_slots(entries, out));
        const auto manager = std::find_if(entries.begin(), entries.end(),
                                          [](const BcdEntry& entry) { return entry.id == k_bcd_manager; });
        if (manager == entries.end()) {
            return error(AgentCode::boot_entry_missing, "the boot manager's own");
        }
        out.default_id = to_lower(manager->default_id);
        out.next = manager->sequence.empty() ? "" : to_lower(manager->sequence.front());
        return out;
    }

    /// Windows has no command line that names a slot: the boot manager knows what it has started.
    Result<std::string> running(const Store& store) const {
        auto known = running_slot(means_.image, means_.devices);
        const auto* started = store.slot_of(store.current);
        if (started == nullptr || (!known.ok() && !known.error().is(AgentCode::slot_not_known))) {
            return known;
        }
        if (known.ok() && *known != *started) {
            return error(AgentCode::boot_slots_disagree,
                         {"slot ", *known, " runs, and the boot manager has started slot ", *started});
        }
        return *started;
    }

    /// As with EFI: what runs and is not the default was started once.
    Result<State> state_of(const Store& store) const {
        State state;
        state.running = TRY(running(store));
        const auto* chosen = store.slot_of(store.default_id);
        state.chosen = chosen == nullptr ? state.running : *chosen;
        if (const auto* next = store.slot_of(store.next)) {
            state.trial = Trial{*next, 1, false};
        } else if (state.running != state.chosen) {
            state.trial = Trial{state.running, 0, false};
        }
        state.unfit = slots_with_mark(means_, state.running);
        return state;
    }

    template <class Edit>
    Status change(Edit edit) const {
        const auto held = TRY(lock());
        const auto store = TRY(read());
        return edit(store, TRY(state_of(store)));
    }

    Status kept(bool is) const { return is ? Status() : Status(error(AgentCode::boot_not_kept, "bcdedit")); }

    Status choose(const Store& store, const std::string& slot) const {
        const auto& id = store.entries.at(slot);
        if (store.default_id == id) {
            return {};
        }
        TRY(bcdedit({"/default", id}));
        return kept(TRY(read()).default_id == id);
    }

    Status start_once(const Store& store, const std::string& slot) const {
        const auto& id = store.entries.at(slot);
        TRY(bcdedit({"/bootsequence", id}));
        return kept(TRY(read()).next == id);
    }

    /// Takes away what starts this slot once, or any of ours where none is named.
    Status drop_next(const Store& store, std::string_view slot) const {
        const auto* next = store.slot_of(store.next);
        if (next == nullptr || (!slot.empty() && *next != slot)) {
            return {};
        }
        TRY(bcdedit({"/deletevalue", "{bootmgr}", "bootsequence"}));
        return kept(TRY(read()).next.empty());
    }

    Means means_;
};

}  // namespace

std::unique_ptr<Boot> make_bcd(const Means& means) { return std::make_unique<Bcd>(means); }

}  // namespace hagent::boot
