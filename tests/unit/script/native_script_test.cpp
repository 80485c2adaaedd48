// SPDX-License-Identifier: Apache-2.0
// Owns the tests that run scripts on the machine's own files, volumes, programs and registry, on every system.
#include <set>
#include <string>

#include "agent/base/text.h"
#include "agent/script/commands.h"
#include "platform/paths.h"
#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

/// A folder of its own below the system's temporary one, gone afterwards.
struct Folder {
    Folder() : files(platform::system_files()) {
        for (const char* name : {"TMPDIR", "TEMP", "TMP"}) {
            base = base.empty() ? platform::environment(name) : base;
        }
        base =
            platform::native((base.empty() ? "/tmp" : base) + "/hagent-script-" + std::to_string(platform::own_pid()));
        REQUIRE(files->remove_tree(base).ok());
        REQUIRE(files->make_directories(base).ok());
        base = files->resolve(base).value_or(base);
    }
    ~Folder() { (void)files->remove_tree(base); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    [[nodiscard]] std::string at(const std::string& name) const { return base + platform::native("/" + name); }
    [[nodiscard]] std::string content(const std::string& name) const {
        auto text = files->read(at(name), 1 << 20);
        return text ? std::move(text).value() : "(not there)";
    }
    void put(const std::string& name, const std::string& text) const {
        const std::string path = at(name);
        REQUIRE(files->make_directories(path.substr(0, path.find_last_of("/\\"))).ok());
        REQUIRE(files->write_durable(path, text, 0644).ok());
    }

    std::unique_ptr<platform::Files> files;
    std::string base;
};

struct FolderPackage final : PackageFiles {
    explicit FolderPackage(const Folder& place) : folder(place) {}
    void add(const std::string& path, const std::string& text) {
        folder.put("package/" + path, text);
        list.push_back({path, text.size(), trust::sha256_hex(text)});
    }
    [[nodiscard]] const std::vector<PackageFile>& files() const override { return list; }
    [[nodiscard]] Result<std::string> staged(const std::string& path) override { return folder.at("package/" + path); }
    [[nodiscard]] bool disposable() const override { return true; }

    const Folder& folder;
    std::vector<PackageFile> list;
};

std::string program_with_status(int status) {
    return platform::native("/") == "\\" ? "cmd.exe /c 'echo said & exit " + std::to_string(status) + "'"
                                         : "/bin/sh -c 'echo said; exit " + std::to_string(status) + "'";
}

/// A repository that is a folder beside the package.
class FolderUploads final : public work::Uploads {
public:
    explicit FolderUploads(const Folder& place) : folder_(place) {}
    [[nodiscard]] Status upload(const std::string& local_path, const std::string& name, const CancelToken&) override {
        folder_.put("repository/" + name, TRY(folder_.files->read(local_path, 1 << 20)));
        return {};
    }

private:
    const Folder& folder_;
};

/// The machine's registry, or a key store where it has none; gone afterwards is the one key that the test uses.
struct TestKey {
    explicit TestKey(const Folder& folder)
        : store(*folder.files, folder.at("registry.ini")), machine(platform::system_registry()) {
        remove();
    }
    ~TestKey() { remove(); }
    TestKey(const TestKey&) = delete;
    TestKey& operator=(const TestKey&) = delete;

    [[nodiscard]] platform::Registry& registry() { return machine != nullptr ? *machine : store; }
    void put(const std::string& name, const std::string& data) {
        REQUIRE(registry()
                    .apply({{platform::RegistryChange::Kind::set, path, name, {platform::ValueType::text, data}}})
                    .ok());
    }
    void remove() { CHECK(registry().apply({{platform::RegistryChange::Kind::remove_key, path, {}, {}}}).ok()); }

    KeyStore store;
    std::unique_ptr<platform::Registry> machine;
    std::string path = "HKEY_CURRENT_USER\\Software\\hagent-script-" + std::to_string(platform::own_pid());
};

struct Machine {
    Folder folder;
    FolderPackage package{folder};
    FolderUploads uploads{folder};
    TestKey key{folder};
    std::unique_ptr<platform::Disks> disks = platform::system_disks();
    std::unique_ptr<platform::Processes> processes = platform::system_processes();
    fakes::FakeHost host;
    fakes::FakeDialogs dialogs;
    fakes::FakeClock clock;
    MemoryJournal journal;
    Watcher watcher;
    CancelToken cancel;
    Facts facts = test_facts();

    /// '@' in the commands stands for the folder, '$' for the key.
    Outcome run(const std::string& commands) {
        const Script script =
            Device::script(replace_all(replace_all(commands, "@", folder.at("device")), "$", key.path));
        for (const auto& command : script.commands) {
            operations.insert(command.op);
        }
        const Jail jail{{folder.at("device")}, "", {folder.at("device/agent")}};
        Options options;
        options.staging_dir = folder.at("package");
        options.uploads = true;
        options.processes = processes.get();
        options.registry = &key.registry();
        const auto earlier = journal.earlier();
        options.earlier = earlier;
        const Plan plan = analyse(script, facts, package, jail, *folder.files, *disks, options);
        INFO(render_plan(plan));
        REQUIRE(!has_error(plan.results));
        work::Settings settings;
        settings.time_limit = Seconds{60};
        Services services{*folder.files, *processes,      host,     clock,        *disks, settings, facts,
                          &uploads,      &key.registry(), &dialogs, folder.at("")};
        auto outcome = script::run(plan, package, services, journal, watcher, journal.earlier(), cancel);
        REQUIRE(outcome.ok());
        return std::move(outcome).value();
    }

    std::set<std::string> operations;  // that a script had
};

TEST_CASE("a script changes the machine's own files") {
    Machine machine;
    machine.package.add("fw/kernel", "kernel");
    machine.package.add("tree/one", "1");
    machine.package.add("tree/sub/two", "2");
    machine.folder.put("device/list", "a\r\nb\r\n");
    machine.folder.put("device/old", "x");
    machine.folder.put("device/gone/deep/file", "x");
    machine.folder.put("device/from", "moved");
    const Outcome outcome = machine.run(
        "CF \"@\" \"1K\"\nSF \"fw/kernel\" \"@/boot/\"\nXC \"tree\" \"@/tree\"\nDF \"@/old\"\nDT \"@/gone\"\n"
        "RF \"@/from\" \"@/to\"\nAL \"@/list\" \"c\"\nDL \"@/list\" \"a\"\n");
    INFO((outcome.results.empty() ? "" : outcome.results[0].context));
    CHECK(outcome.ended == Ended::completed);
    CHECK(machine.folder.content("device/boot/kernel") == "kernel");
    CHECK(machine.folder.content("device/tree/sub/two") == "2");
    CHECK(machine.folder.content("device/list") == "b\r\nc\r\n");
    CHECK(machine.folder.content("device/to") == "moved");
    CHECK(machine.folder.content("device/old") == "(not there)");
    CHECK(machine.folder.content("device/gone/deep/file") == "(not there)");
    CHECK(machine.folder.content("package/fw/kernel") == "(not there)");
}

TEST_CASE(
    "every command of the table is done by the machine's own parts; only people and the power switch are played") {
    Machine machine;
    machine.package.add("kernel", "kernel");
    machine.package.add("tree/one", "1");
    machine.folder.put("device/list", "a\n");
    machine.folder.put("device/old", "x");
    machine.folder.put("device/gone/file", "x");
    machine.folder.put("device/from", "moved");
    machine.folder.put("device/x.reg", "REGEDIT4\n\n[" + machine.key.path + "\\Sub\\Deep]\n\"m\"=dword:00000007\n");
    machine.key.put("n", "old");
    machine.key.put("gone", "x");
    const std::string script =
        "CO \"SLX\"\nCF \"@\" \"1K\"\nCI \">=11\"\nCP \"VXC*\"\nCU \"thinuser\"\nCR \"$\" \"N\" \"old\"\n"
        "LU \"wait\" \"60\"\nQU \"now?\" \"5\"\nSF \"kernel\" \"@/boot/\"\nXC \"tree\" \"@/tree\"\n"
        "GF \"@/boot/kernel\" \"got/kernel\"\nEX \"" +
        program_with_status(0) +
        "\"\nDF \"@/old\"\nDT \"@/gone\"\n"
        "RF \"@/from\" \"@/to\"\nAL \"@/list\" \"b\"\nDL \"@/list\" \"a\"\nSV \"$\\n\" \"new\"\nMR \"@/x.reg\"\n"
        "DV \"$\" \"gone\"\nGR \"$\" \"key.reg\"\nDK \"$\\Sub\"\nEL\nRB\nAL \"@/list\" \"after\"\nSP\n";
    CHECK(machine.run(script).ended == Ended::reboot_requested);
    machine.host.known.boot_id = "after the restart";
    const Outcome outcome = machine.run(script);
    INFO((outcome.results.empty() ? "" : outcome.results[0].context));
    CHECK(outcome.ended == Ended::completed);
    CHECK(states(outcome) == Strings(26, "done"));

    CHECK(machine.folder.content("device/boot/kernel") == "kernel");
    CHECK(machine.folder.content("device/tree/one") == "1");
    CHECK(machine.folder.content("repository/got/kernel") == "kernel");
    CHECK(machine.folder.content("device/old") == "(not there)");
    CHECK(machine.folder.content("device/gone/file") == "(not there)");
    CHECK(machine.folder.content("device/to") == "moved");
    CHECK(machine.folder.content("device/list") == "b\nafter\n");
    const std::string exported = machine.folder.content("repository/key.reg");
    CHECK(exported.find("[" + machine.key.path + "]\n\"n\"=\"new\"\n") != std::string::npos);
    CHECK(exported.find("\\Sub\\Deep]\n\"m\"=dword:00000007\n") != std::string::npos);
    CHECK(exported.find("gone") == std::string::npos);
    CHECK(machine.key.registry().branch(machine.key.path + "\\Sub").value().empty());
    CHECK(machine.dialogs.log == Strings{"tell wait 60", "ask now? 5", "take back"});
    CHECK(machine.host.actions == std::vector{platform::PowerAction::reboot, platform::PowerAction::power_off});
    for (const auto& row : command_table()) {
        CAPTURE(row.name);
        CHECK(machine.operations.contains(std::string(row.name)) == (row.act != nullptr || row.plan != nullptr));
    }
}

TEST_CASE("the confirming commands ask about the machine itself") {
    const auto known = platform::system_host()->facts();
    Machine machine;
    machine.facts = work::facts_from(known, {"SLX"}, "11.2");
    const std::string user = known.user.empty() ? "-" : known.user,
                      product = known.product.empty() ? "(none)" : known.product;
    const std::string optional = known.product.empty() ? "*" : "";  // a machine in a container has no name of its own
    const Outcome outcome = machine.run("CO \"SLX\"\nCF \"@\" \"1\"\nCF* \"@\" \"17179869183G\"\nCI \"=11.2\"\nCU \"" +
                                        user + "\"\nCP" + optional + " \"" + product + "\"\n");
    CHECK(outcome.ended == Ended::completed);
    CHECK(states(outcome) ==
          Strings{"done", "done", "failed", "done", "done", known.product.empty() ? "failed" : "done"});
}

TEST_CASE("programs are left alone and run again on the machine itself") {
    Machine machine;
    CHECK(machine
              .run("EX \"" + program_with_status(0) + "\" \"-\"\nEX \"" + program_with_status(0) + "\" \"+r\" \"50\"\n")
              .ended == Ended::completed);
    machine.journal.records[2].state = StepState::running;
    const Outcome again = machine.run("EX \"" + program_with_status(3) + "\" \"-\"\nEX \"" + program_with_status(0) +
                                      "\" \"+r\" \"50\"\n");
    CHECK(again.ended == Ended::completed);
    CHECK(again.steps[1].output == "said");
}

TEST_CASE("a script starts the machine's own programs without a shell of ours") {
    Machine machine;
    machine.folder.put("device/x", "x");
    const Outcome good = machine.run("EX \"" + program_with_status(0) + "\"\n");
    INFO((good.results.empty() ? "" : good.results[0].context));
    CHECK(good.ended == Ended::completed);
    CHECK(good.steps[0].output == "said");
    machine.journal = {};
    const Outcome bad = machine.run("EX \"" + program_with_status(3) + "\"\nDF \"@/x\"\n");
    CHECK(bad.ended == Ended::failed);
    CHECK(codes(bad.results) == Codes{1513, 1516});
    CHECK(machine.folder.content("device/x") == "x");
}

}  // namespace
}  // namespace hagent::script
