// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/boot/boot_world.h"

#include <doctest/doctest.h>

#include "agent/base/text.h"
#include "agent/boot/efi_entry.h"
#include "agent/boot/grub_env.h"
#include "agent/boot/methods.h"

namespace hagent {
namespace {

using config::BootMethod;

constexpr const char* k_lock = "/state/boot";
constexpr const char* k_env = k_grub_env;
const std::string k_variables = "/sys/firmware/efi/efivars/";

/// GRUB with packaging/grub/hagent.cfg.
class GrubWorld final : public BootWorld {
public:
    explicit GrubWorld(const std::string& of_others) : BootWorld(BootMethod::grub) {
        counts = true;
        image.grub_env = k_env;
        std::string block = "# GRUB Environment Block\n" + of_others;
        block.resize(boot::k_env_bytes, '#');
        files.put(k_env, block, 0600);
    }
    Result<std::unique_ptr<platform::Lock>> other_writer() override { return files.lock(k_env); }

protected:
    std::string next_slot() override {
        const auto block = files.content(k_env);
        auto env = boot::parse_grub_env(block.value_or(""));
        if (!env.ok()) {
            return "A";
        }
        generation_ = env->generation;
        const bool known = env->trial == "A" || env->trial == "B";
        if (known && (env->tries == "1" || env->tries == "2" || env->tries == "3")) {
            --env->tries[0];
            std::string changed = *block;
            const auto at = changed.find("hagent_tries=") + 13;
            changed[at] = env->tries[0];
            files.put(k_env, changed, 0600);
            return env->trial;
        }
        return env->slot == "B" ? "B" : "A";
    }
    std::string line_for(const std::string& slot) override {
        return "hagent.slot=" + slot + " hagent.generation=" + generation_;
    }

private:
    std::string generation_;
};

/// Firmware that follows BootNext once, then BootOrder.
class EfiWorld final : public BootWorld {
public:
    EfiWorld() : BootWorld(BootMethod::efi) {
        put("Boot0001", entry("Firmware setup", ""));
        put("Boot000A", entry("hagent A", ""));
        put("Boot000B", entry("Linux", "root=/dev/sda3 hagent.slot=B"));
        put("BootOrder", boot::efi_numbers({0x000A, 0x0001, 0x000B}));
        put("BootCurrent", boot::efi_numbers({0x000A}));
        put("Timeout", std::string("\x07\0\0\0\x05\0", 6));
        files.put("/state/x", "");
    }
    Result<std::unique_ptr<platform::Lock>> other_writer() override { return files.lock(k_lock); }

protected:
    std::string next_slot() override {
        const auto next = numbers("BootNext");
        if (!next.empty()) {
            CHECK(files.remove(k_variables + "BootNext" + std::string(boot::k_efi_global)).ok());
            CHECK(files.sync_directory(k_variables).ok());
            return started(next.front());
        }
        for (const auto number : numbers("BootOrder")) {
            const auto read = files.content(k_variables + boot::efi_entry_name(number));
            const auto found = boot::parse_efi_entry(read.value_or(""));
            if (found && found->active && number != 1) {
                return started(number);
            }
        }
        return "";
    }

private:
    static std::string utf16(const std::string& text) {
        std::string out;
        for (const char c : text + '\0') {
            out += c;
            out += '\0';
        }
        return out;
    }
    static std::string entry(const std::string& name, const std::string& options) {
        const std::string path("\x7f\xff\x04\0", 4);
        return std::string("\x07\0\0\0\x01\0\0\0\x04\0", 10) + utf16(name) + path +
               (options.empty() ? "" : utf16(options));
    }
    void put(const std::string& name, const std::string& bytes) {
        files.put(k_variables + name + std::string(boot::k_efi_global), bytes, 0644);
    }
    std::vector<std::uint16_t> numbers(const std::string& name) {
        const auto bytes = files.content(k_variables + name + std::string(boot::k_efi_global)).value_or("");
        return boot::parse_efi_numbers(bytes).value_or(std::vector<std::uint16_t>());
    }
    std::string started(std::uint16_t number) {
        put("BootCurrent", boot::efi_numbers({number}));
        return number == 0x000A ? "A" : "B";
    }
};

/// bcdedit.exe as a program over a store in a file, which the boot manager follows.
class BcdWorld final : public BootWorld {
public:
    BcdWorld() : BootWorld(BootMethod::bcd) {
        store("A", "");
        files.put("/state/x", "");
        processes.on("bcdedit.exe",
                     [this](const platform::Command& command, const CancelToken&) { return run(command.argv); });
    }
    Result<std::unique_ptr<platform::Lock>> other_writer() override { return files.lock(k_lock); }

protected:
    std::string next_slot() override {
        const auto [chosen, next] = store();
        current_ = next.empty() ? chosen : next;
        store(chosen, "");
        return current_;
    }
    std::string line_for(const std::string& /*slot*/) override { return ""; }

private:
    static std::string id_of(const std::string& slot) {
        return slot == "A" ? "{aaaaaaaa-1db4-4c62-bf78-c548a880142d}" : "{bbbbbbbb-1db4-4c62-bf78-c548a880142d}";
    }
    static std::string slot_of(const std::string& id) { return id.starts_with("{a") ? "A" : "B"; }
    std::pair<std::string, std::string> store() {
        const std::string text = files.content("/bcd").value_or("");
        return {text.substr(0, 1), text.substr(1)};
    }
    void store(const std::string& chosen, const std::string& next) { files.put("/bcd", chosen + next); }

    static std::string loader(const std::string& slot) {
        return "\r\nWindows-Startladeprogramm\r\n-------------------------\r\nBezeichner              " + id_of(slot) +
               "\r\ndevice                  partition=C:\r\npath                    "
               "\\Windows\\system32\\winload.exe\r\n"
               "description             " +
               (slot == "A" ? "A" : "Windows 10") +
               "\r\ndisplayorder            {aaaaaaaa-0000-4c62-bf78-c548a880142d}\r\n" +
               (slot == "B" ? "loadoptions             hagent.slot=B\r\n" : "");
    }

    Result<platform::Exit> run(const std::vector<std::string>& argv) {
        const std::string verb = argv.at(1);
        const auto [chosen, next] = store();
        if (verb == "/enum") {
            if (argv.at(2) == "{current}") {
                return platform::Exit{0, false, loader(current_), 0};
            }
            return platform::Exit{0, false,
                                  "\r\nWindows-Start-Manager\r\n---------------------\r\n"
                                  "Bezeichner              {9dea862c-5cdd-4e70-acc1-f32b344d4795}\r\n"
                                  "description             Windows Boot Manager\r\n"
                                  "default                 " +
                                      id_of(chosen) + "\r\n" +
                                      (next.empty() ? "" : "bootsequence            " + id_of(next) + "\r\n") +
                                      "displayorder            " + id_of("A") + "\r\n                        " +
                                      id_of("B") + "\r\ntimeout                 0\r\n" + loader("A") + loader("B"),
                                  0};
        }
        TRY(files.outside("bcdedit " + verb));
        if (verb == "/default") {
            store(slot_of(argv.at(2)), next);
        } else if (verb == "/bootsequence") {
            store(chosen, slot_of(argv.at(2)));
        } else if (verb == "/deletevalue" && argv.at(2) == "{bootmgr}" && argv.at(3) == "bootsequence") {
            store(chosen, "");
        } else {
            return platform::Exit{1, false, "The parameter is incorrect.\r\n", 0};
        }
        return platform::Exit{0, false, "The operation completed successfully.\r\n", 0};
    }

    std::string current_ = "A";
};

/// A boot loader that only the hook knows.
class HookWorld final : public BootWorld {
public:
    HookWorld() : BootWorld(BootMethod::hook) {
        counts = true;
        files.put("/hooks/boot", "#!/bin/sh\n", 0755);
        files.put("/state/x", "");
        save({"A", "", "0", ""});
        processes.on("boot",
                     [this](const platform::Command& command, const CancelToken&) { return run(command.argv); });
    }
    Result<std::unique_ptr<platform::Lock>> other_writer() override { return files.lock(k_lock); }

protected:
    std::string next_slot() override {
        auto [chosen, trial, tries, unfit] = saved();
        running_ = chosen;
        over_ = !trial.empty() && tries == "0";
        if (!trial.empty() && tries != "0") {
            --tries[0];
            running_ = trial;
        }
        save({chosen, trial, tries, unfit});
        return running_;
    }

private:
    struct Saved {
        std::string chosen, trial, tries, unfit;
    };
    Saved saved() {
        const auto text = files.content("/loader").value_or("");
        const auto parts = split(text, ',');
        return {std::string(parts[0]), std::string(parts[1]), std::string(parts[2]), std::string(parts[3])};
    }
    void save(const Saved& state) {
        files.put("/loader", state.chosen + "," + state.trial + "," + state.tries + "," + state.unfit);
    }

    Result<platform::Exit> run(const std::vector<std::string>& argv) {
        const std::string word = argv.at(1);
        Saved now = saved();
        if (word == "look") {
            std::string out = "running=" + running_ + "\nchosen=" + now.chosen + "\n";
            out += now.trial.empty()
                       ? ""
                       : "trial=" + now.trial + "\ntries=" + now.tries + "\nover=" + (over_ ? "1" : "0") + "\n";
            return platform::Exit{0, false, out + (now.unfit.empty() ? "" : "unfit=" + now.unfit + "\n"), 0};
        }
        if (word == "check") {
            return platform::Exit{};
        }
        TRY(files.outside("boot " + word));
        if (word == "unfit") {
            now = {running_, "", "0", argv.at(2)};
        } else if (word == "try") {
            over_ = false;
            now = {now.chosen, argv.at(2), argv.at(3), ""};
        } else if (word == "confirm") {
            now = {argv.at(2), "", "0", now.unfit == argv.at(2) ? "" : now.unfit};
        } else if (word == "fall-back") {
            now.trial.clear();
        } else {
            return platform::Exit{2, false, "boot: unknown word " + word + "\n", 0};
        }
        save(now);
        return platform::Exit{};
    }

    std::string running_ = "A";
    bool over_ = false;
};

}  // namespace

BootWorld::BootWorld(config::BootMethod method) {
    image.boot = method;
    image.slots = {{"A", {{"root", device_of("A")}}}, {"B", {{"root", device_of("B")}}}};
    put_image("A");
    put_image("B");
    devices.line = method == BootMethod::bcd    ? ""
                   : method == BootMethod::grub ? "hagent.slot=A hagent.generation="
                                                : "hagent.slot=A";
}

std::string BootWorld::start() {
    const std::string slot = next_slot();
    host.known.boot_id = "start-" + std::to_string(++starts_);
    devices.line = line_for(slot);
    return slot;
}

std::string BootWorld::start_after_cut(fakes::Unsynced unsynced) {
    files.power_cut();
    files.restart(unsynced);
    return start();
}

std::unique_ptr<boot::Boot> BootWorld::boot() {
    const boot::Means means{image, files, processes, devices, host, "/hooks", k_lock};
    // Its fake stands in for Windows everywhere.
    return image.boot == BootMethod::bcd ? boot::make_bcd(means) : boot::make_boot(means);
}

boot::State BootWorld::look() {
    auto state = boot()->look();
    REQUIRE_MESSAGE(state.ok(), (state.ok() ? "" : state.error().context));
    return *state;
}

std::unique_ptr<BootWorld> grub_world() { return std::make_unique<GrubWorld>("saved_entry=Debian\n"); }
std::unique_ptr<BootWorld> full_grub_world() {
    std::string lines;
    for (int i = 10; i < 40; ++i) {
        lines += "of_others_" + std::to_string(i) + "=v\n";
    }
    return std::make_unique<GrubWorld>(lines);
}
std::unique_ptr<BootWorld> efi_world() { return std::make_unique<EfiWorld>(); }
std::unique_ptr<BootWorld> bcd_world() { return std::make_unique<BcdWorld>(); }
std::unique_ptr<BootWorld> hook_world() { return std::make_unique<HookWorld>(); }

const std::vector<NamedWorld>& boot_worlds() {
    static const std::vector<NamedWorld> worlds = {
        {"grub", grub_world}, {"efi", efi_world}, {"bcd", bcd_world}, {"hook", hook_world}};
    return worlds;
}

}  // namespace hagent
