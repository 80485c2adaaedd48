// SPDX-License-Identifier: Apache-2.0
// Owns boot method `efi`: BootNext starts a slot once, the first of our entries in BootOrder is the chosen one.
#include <algorithm>
#include <map>

#include "agent/base/concat.h"
#include "agent/boot/efi_entry.h"
#include "agent/boot/methods.h"

namespace hagent::boot {
namespace {

using errors::AgentCode;
using Numbers = std::vector<std::uint16_t>;

constexpr const char* k_folder = "/sys/firmware/efi/efivars/";

/// The variables as they are now.
struct Variables {
    std::map<std::string, std::uint16_t> entries;  // of each slot
    Numbers order, next, current;

    [[nodiscard]] const std::string* slot_of(std::uint16_t number) const {
        const auto found =
            std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.second == number; });
        return found == entries.end() ? nullptr : &found->first;
    }
};

class Efi final : public Boot {
public:
    explicit Efi(const Means& means) : means_(means) {}

    std::string_view name() const override { return "efi"; }

    Result<State> look() override { return state_of(TRY(read_all())); }

    Status check() override {
        const auto variables = TRY(read_all());
        const State state = TRY(state_of(variables));
        for (const auto number : variables.current) {
            if (const auto* slot = variables.slot_of(number); slot != nullptr && *slot != state.running) {
                return error(AgentCode::boot_slots_disagree,
                             {"slot ", state.running, " runs, and the firmware has started ", efi_entry_name(number),
                              " of slot ", *slot});
            }
        }
        TRY(lock());
        return {};
    }

    /// An entry that is switched off is not started from BootOrder, whatever the order becomes.
    Status mark_unfit(const std::string& slot) override {
        const auto held = TRY(lock());
        const auto variables = TRY(read_all());
        const State state = TRY(state_of(variables));
        TRY(may_mark(means_.image, state, slot));
        TRY(drop_next(variables, slot));
        TRY(choose_running(variables, state));
        return switch_entry(variables, slot, false);
    }

    Status try_once(const std::string& slot, unsigned /*tries*/) override {
        const auto held = TRY(lock());
        const auto variables = TRY(read_all());
        const State state = TRY(state_of(variables));
        TRY(may_try(means_, state, slot));
        TRY(choose_running(variables, state));
        TRY(switch_entry(variables, slot, true));
        return write("BootNext", efi_numbers({variables.entries.at(slot)}));
    }

    Status confirm(const std::string& slot) override {
        const auto held = TRY(lock());
        const auto variables = TRY(read_all());
        const State state = TRY(state_of(variables));
        TRY(may_confirm(means_, state, slot));
        TRY(switch_entry(variables, slot, true));
        TRY(put_first(variables, slot));
        return drop_next(variables, "");
    }

    Status fall_back() override {
        const auto held = TRY(lock());
        const auto variables = TRY(read_all());
        TRY(state_of(variables));
        return drop_next(variables, "");
    }

    Status give_back_try(unsigned most) override {
        const auto held = TRY(lock());
        const auto variables = TRY(read_all());
        const State state = TRY(state_of(variables));
        const bool wanted = most > 0 && state.on_trial() && state.trial->tries_left == 0;
        return wanted ? write("BootNext", efi_numbers({variables.entries.at(state.running)})) : Status();
    }

private:
    static std::string path_of(std::string_view name) { return concat({k_folder, name}); }
    static std::string global(std::string_view name) { return concat({name, k_efi_global}); }

    Result<std::unique_ptr<platform::Lock>> lock() const { return means_.files.lock(means_.lock); }

    /// Empty when it is not there.
    Result<std::string> read(const std::string& file) const {
        auto bytes = means_.files.read(path_of(file), k_efi_variable_bytes);
        if (!bytes.ok() && bytes.error().is(AgentCode::file_not_found)) {
            return std::string();
        }
        return bytes;
    }

    Result<Numbers> read_numbers(std::string_view name) const {
        const auto numbers = parse_efi_numbers(TRY(read(global(name))));
        return numbers ? Result<Numbers>(*numbers) : error(AgentCode::boot_env_damaged, path_of(global(name)));
    }

    /// Other entries are nobody's business of ours; what cannot be read of them says nothing either.
    Result<Variables> read_all() const {
        Variables out;
        for (const auto& file : TRY(means_.files.list(k_folder))) {
            const auto number = efi_entry_number(file);
            const auto entry = number ? parse_efi_entry(TRY(read(file))) : std::nullopt;
            for (const auto& slot : means_.image.slots) {
                if (entry && entry_is_of_slot(entry->description, entry->options, slot.name) &&
                    !out.entries.emplace(slot.name, *number).second) {
                    return error(AgentCode::boot_entry_missing, {"slot ", slot.name, " has more than one entry"});
                }
            }
        }
        for (const auto& slot : means_.image.slots) {
            if (!out.entries.contains(slot.name)) {
                return error(AgentCode::boot_entry_missing, {"slot ", slot.name, " has no entry"});
            }
        }
        out.order = TRY(read_numbers("BootOrder"));
        out.next = TRY(read_numbers("BootNext"));
        out.current = TRY(read_numbers("BootCurrent"));
        return out;
    }

    /// Firmware forgets BootNext when it has followed it. A slot that runs and is not the chosen one was started so.
    Result<State> state_of(const Variables& variables) const {
        State state;
        state.running = TRY(running_slot(means_.image, means_.devices));
        state.chosen = state.running;
        for (const auto number : variables.order) {
            if (const auto* slot = variables.slot_of(number)) {
                state.chosen = *slot;
                break;
            }
        }
        const auto* next = variables.next.empty() ? nullptr : variables.slot_of(variables.next.front());
        if (next != nullptr) {
            state.trial = Trial{*next, 1, false};
        } else if (state.running != state.chosen) {
            state.trial = Trial{state.running, 0, false};
        }
        state.unfit = slots_with_mark(means_, state.running);
        for (const auto& [slot, number] : variables.entries) {
            const auto entry = parse_efi_entry(TRY(read(efi_entry_name(number))));
            if (slot != state.running && !state.is_unfit(slot) && !(entry && entry->active)) {
                state.unfit.push_back(slot);
            }
        }
        return state;
    }

    /// Firmware writes a variable as a whole, or not at all; the file system of its variables knows no sync.
    Status write_file(const std::string& file, std::string_view bytes) const {
        const std::string path = path_of(file);
        {
            const auto opened = TRY(means_.files.open(path, platform::OpenMode::read_write));
            TRY(opened->write_at(0, bytes));
            (void)opened->sync();
        }
        TRY(means_.files.sync_directory(k_folder));
        return TRY(read(file)) == bytes ? Status() : Status(error(AgentCode::boot_not_kept, path));
    }
    Status write(std::string_view name, std::string_view bytes) const { return write_file(global(name), bytes); }

    /// Takes BootNext away when it starts this slot, or any of ours where none is named.
    Status drop_next(const Variables& variables, std::string_view slot) const {
        const auto* next = variables.next.empty() ? nullptr : variables.slot_of(variables.next.front());
        if (next == nullptr || (!slot.empty() && *next != slot)) {
            return {};
        }
        TRY(means_.files.remove(path_of(global("BootNext"))));
        TRY(means_.files.sync_directory(k_folder));
        return TRY(read_numbers("BootNext")).empty() ? Status() : Status(error(AgentCode::boot_not_kept, "BootNext"));
    }

    Status choose_running(const Variables& variables, const State& state) const {
        return state.chosen == state.running ? Status() : put_first(variables, state.running);
    }

    /// In front of all: firmware adds entries of its own, which keep their order behind.
    Status put_first(const Variables& variables, const std::string& slot) const {
        const auto wanted = variables.entries.at(slot);
        if (!variables.order.empty() && variables.order.front() == wanted) {
            return {};
        }
        Numbers order = {wanted};
        std::copy_if(variables.order.begin(), variables.order.end(), std::back_inserter(order),
                     [&](std::uint16_t number) { return number != wanted; });
        return write("BootOrder", efi_numbers(order));
    }

    Status switch_entry(const Variables& variables, const std::string& slot, bool active) const {
        const std::string file = efi_entry_name(variables.entries.at(slot));
        const std::string bytes = TRY(read(file));
        const auto entry = parse_efi_entry(bytes);
        if (!entry) {
            return error(AgentCode::boot_env_damaged, path_of(file));
        }
        return entry->active == active ? Status() : write_file(file, efi_entry_switched(bytes, active));
    }

    Means means_;
};

}  // namespace

std::unique_ptr<Boot> make_efi(const Means& means) { return std::make_unique<Efi>(means); }

}  // namespace hagent::boot
