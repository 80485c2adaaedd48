// SPDX-License-Identifier: Apache-2.0
// Owns the test of the corpus: every script of it gets exactly the plan or the objections that stand beside it.
#include <algorithm>
#include <set>

#include "agent/script/commands.h"
#include "platform/paths.h"
#include "tests/unit/script/corpus.h"
#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

constexpr std::size_t k_least_cases = 120;
constexpr std::uint64_t k_mib = std::uint64_t{1} << 20U;
const std::string k_reg = "REGEDIT4\n\n";

const std::vector<CorpusCase>& corpus() {
    static const auto k_cases = read_corpus(HAGENT_SCRIPT_CORPUS);
    return k_cases;
}

bool is_windows() { return platform::native("/") == "\\"; }
bool is_for_here(const CorpusCase& one) { return one.only.empty() || one.only == (is_windows() ? "windows" : "posix"); }

/// The device of corpus/README.md, which has what scripts ask for and what they must not touch.
struct World : Device {
    explicit World(const CorpusCase& one) {
        add_package();
        add_device(one);
        disks.all.push_back({"/boot", platform::VolumeType::normal, 20 * k_mib, 9 * k_mib, 9 * k_mib});
        disks.all.push_back({"/ro", platform::VolumeType::read_only, 9 * k_mib, 9 * k_mib, 9 * k_mib});
        disks.all.push_back({"/tiny", platform::VolumeType::normal, k_mib, 3500, 2000});
        for (const char* program : {"sh", "setup", "service"}) {
            processes.on(program, platform::Exit{});
        }
        jail.protected_paths.push_back(rooted("/data/agent.key"));
        if (!one.roots.empty()) {
            jail.roots = plain_to_rooted(one.roots);
        }
        lose(one.without);
        files.forget_calls();
    }

    [[nodiscard]] std::string check(const CorpusCase& one) {
        const bool untouched = one.only == "windows";  // its paths are those of Windows already
        auto parsed = one.wire ? parse_wire(one.script, "reply") : parse(one.script, "demo.rsp");
        if (const auto* complaints = std::get_if<1>(&parsed)) {
            plan_ = refused_plan(complaints->front().file, *complaints);
        } else {
            auto& script = std::get<Script>(parsed);
            plan_ = analyse(untouched ? script : rooted_arguments(script), facts, package, jail, files, disks,
                            options(one.done));
        }
        plan_ = untouched ? plan_ : as_written(plan_);
        CHECK(files.calls().empty());
        return one.verdict == Verdict::error ? objections() : render_plan(plan_);
    }
    [[nodiscard]] const Plan& planned() const { return plan_; }

private:
    void add_package() {
        package.add("fw/kernel", std::string(3000, 'k'));
        package.add("fw/a.bin", "aa");
        package.add("fw/b.bin", "bbb");
        package.add("new/a.bin", "newer");
        package.add("tree/one", "1");
        package.add("tree/sub/two", "22");
        package.add("tools/flash", "#!/bin/sh\n");
        package.add("kiosk.reg", k_reg + "[HKLM\\Software\\Vendor]\n\"Mode\"=\"open\"\n");
        package.add("long/" + std::string(100, 'a'), "x");
    }
    void add_device(const CorpusCase& one) {
        const auto named = [&](const char* file) { return one.script.find(file) != std::string::npos; };
        if (named("huge.img")) {  // as no manifest should say
            package.list.push_back({"huge.img", UINT64_MAX, std::string(64, '0')});
        }
        if (named("large.txt")) {  // takes time to make
            files.put("/data/large.txt", std::string((4 * k_mib) + 1, 'l'));
        }
        files.put("/data/list.txt", "a\nb\n");
        files.put("/data/old.txt", std::string(500, 'o'));
        files.put("/data/good.reg", k_reg + "[HKLM\\Software\\Vendor]\n\"Mode\"=\"open\"\n");
        files.put("/data/bad.reg", k_reg + "[HKLM\\Software\\Vendor]\nMode=open\n");
        files.put("/data/evil.reg", k_reg + "[-HKLM\\System\\CurrentControlSet\\Services\\hagent]\n");
        files.put("/data/agent.key", "secret");
        files.put("/etc/passwd", "root");
        files.put("/data/sub/x", "x");
        files.put_symlink("/data/here", "/data/sub");
        files.put_symlink("/data/out", "/etc");
        files.put_symlink("/data/passwd", "/etc/passwd");
        files.put_symlink("/data/state", "/var/lib/hagent");
        files.put_symlink("/data/loop", "/data/loop");
        files.put_device("/dev/sda");
        files.put_device("/data/pipe");
        files.put_symlink("/data/disk", "/dev/sda");
        using platform::RegistryChange;
        const std::string key = "HKEY_LOCAL_MACHINE\\Software\\Vendor";
        REQUIRE(registry
                    .apply({{RegistryChange::Kind::set, key, "Mode", {platform::ValueType::text, "kiosk"}},
                            {RegistryChange::Kind::set, key, "Count", {platform::ValueType::number, "16"}}})
                    .ok());
    }
    void lose(const std::vector<std::string>& things) {
        for (const auto& thing : things) {
            if (thing == "uploads") {
                uploads_ = false;
            } else if (thing == "registry") {
                registry_ = nullptr;
            } else if (thing == "facts") {
                facts = {};
            } else {
                FAIL("unknown thing to be without: " << thing);
            }
        }
    }
    [[nodiscard]] static std::vector<std::string> plain_to_rooted(std::vector<std::string> paths) {
        std::transform(paths.begin(), paths.end(), paths.begin(), [](const std::string& path) { return rooted(path); });
        return paths;
    }
    [[nodiscard]] Options options(unsigned done) {
        for (unsigned n = 1; n <= done; ++n) {
            earlier_.push_back({});
            earlier_.back().n = n;
            earlier_.back().state = StepState::done;
        }
        Options options;
        options.staging_dir = k_staging;
        options.uploads = uploads_;
        options.processes = &processes;
        options.registry = registry_;
        options.earlier = earlier_;
        return options;
    }
    [[nodiscard]] std::string objections() const {
        constexpr std::string_view last = "\nThe script cannot be run; nothing was changed.\n";
        Plan bare = plan_;
        bare.steps.clear();
        bare.version.clear();
        std::string text = render_plan(bare);
        CHECK(text.ends_with(last));
        text.resize(text.size() - last.size());
        return text.substr(std::min(text.size(), plan_.file.size() + 2));  // without the file's name above them
    }

    Plan plan_;
    std::vector<StepRecord> earlier_;
    bool uploads_ = true;
    platform::Registry* registry_ = &registry;
};

/// Where two texts part, for people who look for it.
std::size_t first_difference(const std::string& a, const std::string& b) {
    const auto [in_a, in_b] =
        std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin());
    return 1 + static_cast<std::size_t>(std::count(a.begin(), in_a, '\n'));
}

TEST_CASE("every script of the corpus gets the plan or the objections that stand beside it") {
    for (const auto& one : corpus()) {
        if (!is_for_here(one)) {
            continue;
        }
        CAPTURE(one.where);
        CAPTURE(one.name);
        World world(one);
        const std::string text = world.check(one);
        const bool same = text == one.expected;
        CHECK_MESSAGE(same, "they part in line ", first_difference(text, one.expected), "\n--- expected\n",
                      one.expected, "--- actual\n", text, "---");
        CHECK(has_error(world.planned().results) == (one.verdict != Verdict::plan));
    }
}

TEST_CASE("the corpus is large, its cases have names of their own, and every command has good ones and bad ones") {
    std::set<std::string> names, good, bad;
    for (const auto& one : corpus()) {
        CAPTURE(one.where);
        CHECK(names.insert(one.name).second);
        CHECK_FALSE(one.expected.empty());
        const auto parsed = one.wire ? parse_wire(one.script, "reply") : parse(one.script, "demo.rsp");
        if (const auto* script = std::get_if<Script>(&parsed)) {
            for (const auto& command : script->commands) {
                (one.verdict == Verdict::plan ? good : bad).insert(command.op);
            }
        }
    }
    MESSAGE(names.size() << " scripts");
    CHECK(names.size() >= k_least_cases);
    for (const auto& row : command_table()) {
        CAPTURE(row.name);
        CHECK(good.contains(std::string(row.name)));
        CHECK(bad.contains(std::string(row.name)));
    }
}

TEST_CASE("escapes of the corpus") {
    CHECK(unescaped("a\\x0Fb\\xfc\\\\\\r\\n\\t\\\n.") ==
          "a\x0F"
          "b\xFC\\\r\n\t.");
    CHECK(unescaped("\\{3*ab}\\{2*\\x41\\n}") == "abababA\nA\n");
}

}  // namespace
}  // namespace hagent::script
