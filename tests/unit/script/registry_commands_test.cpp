// SPDX-License-Identifier: Apache-2.0
// Owns the tests of CR, SV, DV, DK, MR and GR: plans, complaints, effects, and what an interruption leaves.
#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::RegistryChange;

const std::string k_key = "HKEY_LOCAL_MACHINE\\Software\\X";
const std::string k_head = "REGEDIT4\n\n";

class KeepingUploads final : public work::Uploads {
public:
    explicit KeepingUploads(fakes::FakeFiles& files) : files_(files) {}
    [[nodiscard]] Status upload(const std::string& local_path, const std::string& name, const CancelToken&) override {
        sent[name] = files_.content(local_path).value_or("(none)");
        return answer;
    }
    std::map<std::string, std::string> sent;
    Status answer;

private:
    fakes::FakeFiles& files_;
};

void put(Device& device, const std::string& name, const std::string& data) {
    REQUIRE(device.registry.apply({{RegistryChange::Kind::set, k_key, name, {platform::ValueType::text, data}}}).ok());
}

std::string complaint(Device& device, const std::string& command) {
    const Plan plan = device.plan(command + "\n");
    INFO(command);
    REQUIRE(plan.complaints.size() == 1);
    return headline(plan.complaints[0]);
}

std::string effect(Device& device, const std::string& command) {
    const Plan plan = device.plan(command + "\n");
    INFO(render_plan(plan));
    CHECK(plan.results.empty());
    return plan.steps.at(0).effect;
}

TEST_CASE("the plan of the registry commands, in plain words") {
    Device device;
    KeepingUploads uploads(device.files);
    device.services.uploads = &uploads;
    put(device, "n", "a");
    device.files.put("/tmp/x.reg", k_head + "[HKLM\\Software\\Y]\n\"n\"=\"x\"\n");
    CHECK(effect(device, R"(CR "HKLM\Software\X" "N" "a")") ==
          R"(confirm that HKEY_LOCAL_MACHINE\Software\X "N" is "a")");
    CHECK(effect(device, R"(SV "HKLM\Software\X\n" "0x10" "reg_dword")") ==
          R"(set HKEY_LOCAL_MACHINE\Software\X "n" to "16" (REG_DWORD))");
    CHECK(effect(device, R"(SV "HKLM\Software\X\" "<hostname>")") ==
          R"(set HKEY_LOCAL_MACHINE\Software\X (default) to "tc-7" (REG_SZ))");
    CHECK(effect(device, R"(DV "HKCU\Software\X" "n")") == R"(delete the value "n" of HKEY_CURRENT_USER\Software\X)");
    CHECK(effect(device, R"(DK "HKCU\Software\X")") ==
          R"(delete the key HKEY_CURRENT_USER\Software\X with all that is in it)");
    CHECK(effect(device, R"(MR "/tmp/x.reg")") == "merge the registry file /tmp/x.reg (2 changes)");
    CHECK(effect(device, R"(GR "HKLM\Software" "<regroot>/out/x.ini")") ==
          R"(upload the key HKEY_LOCAL_MACHINE\Software with all that is in it as out/x.ini)");
}

TEST_CASE("bad and hostile arguments of the registry commands") {
    Device device;
    device.files.put("/bad.reg", k_head + "junk\n");
    device.files.put("/evil.reg", k_head + "[-HKLM\\System\\CurrentControlSet\\Services\\hagent]\n");
    struct Row {
        const char* command;
        const char* text;
    };
    for (const Row& row : {
             Row{R"(CR "Software\X" "n" "a")",
                 "2:4: CR: expected a key that begins with HKLM, HKCU, HKCR, HKU or HKCC"},
             {R"(CR "HKLM\Software\X" "n" "a")", R"(2:26: CR: HKEY_LOCAL_MACHINE\Software\X "n" is not there)"},
             {R"(SV "name" "a")", "2:4: SV: expected a key, a backslash and the name of a value"},
             {R"(SV "HKLM\A\n" "x" "REG_LINK")",
              "2:19: SV: expected REG_SZ, REG_EXPAND_SZ, REG_DWORD, REG_QWORD, REG_BINARY or REG_MULTI_SZ"},
             {R"(SV "HKLM\A\n" "x" "REG_DWORD")",
              "2:15: SV: expected a number from 0 to 4294967295, decimal or after 0x"},
             {R"(SV "HKLM\A\n" "x" "REG_BINARY")", "2:15: SV: expected bytes as pairs of hexadecimal digits"},
             {R"(SV "HKLM\System\ControlSet002\Services\hagent\Start" "4" "REG_DWORD")",
              R"(2:4: SV: HKEY_LOCAL_MACHINE\System\ControlSet002\Services\hagent belongs to the agent)"},
             {R"(DV "HKLM\System\CurrentControlSet\Services\hagent" "Start")",
              R"(2:4: DV: HKEY_LOCAL_MACHINE\System\CurrentControlSet\Services\hagent belongs to the agent)"},
             {R"(DK "HKCU\Software")",
              R"(2:4: DK: HKEY_CURRENT_USER\Software holds what the whole system needs; name a key further down)"},
             {R"(MR "/none.reg")", "2:4: MR: /none.reg is not on this device"},
             {R"(MR "/bad.reg")", "2:4: MR: line 3: expected [key], \"name\"= or @="},
             {R"(MR "/evil.reg")",
              R"(2:4: MR: HKEY_LOCAL_MACHINE\System\CurrentControlSet\Services\hagent belongs to the agent)"},
             {R"(MR "../x")", "2:4: MR: expected an absolute path"},
             {R"(GR "HKLM\A" "x*.ini")", "2:13: GR: expected a file name without wildcards"},
             {R"(GR "HKLM\A" "x.ini")", "2:13: GR: there is no repository that takes uploads"},
         }) {
        CAPTURE(row.command);
        const std::string got = complaint(device, row.command);
        if (std::string_view(row.command).find("../x") == std::string_view::npos) {
            CHECK(got == std::string("demo.rsp:") + row.text);
        }
        CHECK(has_error(device.plan(std::string(row.command) + "\n").results));
    }
    CHECK(device.files.content("/var/lib/hagent/registry.ini") == std::nullopt);
}

TEST_CASE("CR compares by the type of what is there") {
    Device device;
    CHECK(device.run("SV \"HKLM\\Software\\X\\n\" \"16\" \"REG_DWORD\"\n").ended == Ended::completed);
    device.journal.records.clear();  // another script from here on
    CHECK(effect(device, R"(CR "HKLM\Software\X" "n" "0x10")").ends_with("is \"0x10\""));
    CHECK(complaint(device, R"(CR "HKLM\Software\X" "n" "17")") ==
          R"(demo.rsp:2:26: CR: HKEY_LOCAL_MACHINE\Software\X "n" is "16")");
    const Plan optional = device.plan("CR* \"HKLM\\Software\\X\" \"n\" \"x\"\n");
    CHECK(codes(optional.results) == Codes{1510});
    CHECK_FALSE(has_error(optional.results));
}

TEST_CASE("SV, DV and DK change the store; removing what is absent is success") {
    Device device;
    const Outcome outcome = device.run(
        "SV \"HKLM\\Software\\X\\a\" \"1\"\nSV \"HKLM\\Software\\X\\b\" \"a\\0b\" \"REG_MULTI_SZ\"\nSV "
        "\"HKLM\\Software\\Y\\c\" \"1\"\n"
        "DV \"hklm\\software\\x\" \"A\"\nDV \"HKLM\\None\\X\" \"A\"\nDK \"HKLM\\SOFTWARE\\y\"\nDK "
        "\"HKLM\\Software\\Z\"\n");
    CHECK(outcome.ended == Ended::completed);
    CHECK_FALSE(device.registry.value(k_key, "a").value().has_value());
    CHECK(device.registry.value(k_key, "b").value()->data == std::string("a\0b\0", 4));
    CHECK(device.registry.branch("HKEY_LOCAL_MACHINE\\Software\\Y").value().empty());
}

TEST_CASE("MR merges a file that an earlier step brings, and looks at it again before it changes anything") {
    Device device;
    device.package.add("x.reg", k_head + "[HKLM\\Software\\X]\n\"n\"=\"new\"\n[-HKLM\\Software\\Old]\n");
    put(device, "n", "old");
    CHECK(device.run("SF \"x.reg\" \"/tmp/x.reg\"\nMR \"/tmp/x.reg\"\n").ended == Ended::completed);
    CHECK(device.registry.value(k_key, "n").value()->data == "new");

    Device evil;
    evil.package.add(
        "x.reg", k_head + "[HKLM\\Software\\X]\n\"n\"=\"new\"\n[-HKLM\\System\\CurrentControlSet\\Services\\hagent]\n");
    const Outcome outcome = evil.run("SF \"x.reg\" \"/tmp/x.reg\"\nMR \"/tmp/x.reg\"\n");
    CHECK(outcome.ended == Ended::failed);
    CHECK(codes(outcome.results) == Codes{1505, 1516});
    CHECK_FALSE(evil.registry.value(k_key, "n").value().has_value());
}

TEST_CASE("GR uploads the branch as a registry file and leaves nothing behind") {
    Device device;
    KeepingUploads uploads(device.files);
    device.services.uploads = &uploads;
    put(device, "n", "a");
    const auto before = device.files.tree();
    CHECK(device.run("GR \"HKLM\\Software\\x\" \"x.ini\"\n").ended == Ended::completed);
    CHECK(uploads.sent["x.ini"] ==
          "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\Software\\X]\n\"n\"=\"a\"\n");
    CHECK(device.files.tree() == before);
    device.journal.records.clear();
    uploads.answer = error(AgentCode::permission_denied, "repository");
    CHECK(device.run("GR* \"HKLM\\Software\\X\" \"x.ini\"\nGR \"HKLM\\None\\At\" \"y\"\n").ended == Ended::failed);
    CHECK(device.files.tree() == before);
}

TEST_CASE("a system without a registry and without a store refuses the commands") {
    Device device;
    device.services.registry = nullptr;
    for (const char* command : {R"(CR "HKLM\A\B" "n" "a")", R"(SV "HKLM\A\n" "a")", R"(DV "HKLM\A\B" "n")",
                                R"(DK "HKLM\A\B")", R"(MR "/x")", R"(GR "HKLM\A" "x")"}) {
        CAPTURE(command);
        CHECK(codes(device.plan(std::string(command) + "\n").results) == Codes{1003});
    }
}

TEST_CASE("the power fails at any change of registry commands: the script ends with the same store") {
    const std::string script =
        "CR \"HKLM\\Software\\X\" \"n\" \"old\"\nSF \"x.reg\" \"/tmp/x.reg\"\nSV \"HKLM\\Software\\X\\n\" \"new\"\n"
        "MR \"/tmp/x.reg\"\nDV \"HKLM\\Software\\X\" \"gone\"\nDK \"HKLM\\Software\\Y\"\n";
    for (const auto unsynced : {fakes::Unsynced::lost, fakes::Unsynced::kept, fakes::Unsynced::torn}) {
        for (std::uint64_t call = 1;; ++call) {
            CAPTURE(call);
            Device device;
            device.package.is_disposable = false;
            device.package.add("x.reg", k_head + "[HKLM\\Software\\X]\n\"m\"=\"merged\"\n[HKLM\\Software\\Y]\n");
            put(device, "n", "old");
            put(device, "gone", "x");
            device.files.put_directory("/journal");
            device.journal.durable = [&] { return device.files.write_durable("/journal/last", "x", 0600); };
            device.files.forget_calls();
            device.files.cut_power_at(call);
            (void)device.try_run(script);
            const bool cut = device.files.power_is_off();
            if (cut) {
                device.files.restart(unsynced);
                const Outcome outcome = device.run(script);
                CHECK(outcome.ended == Ended::completed);
                CHECK(states(outcome) == Strings(6, "done"));
            }
            CHECK(device.registry.value(k_key, "n").value()->data == "new");
            CHECK(device.registry.value(k_key, "m").value()->data == "merged");
            CHECK_FALSE(device.registry.value(k_key, "gone").value().has_value());
            CHECK(device.registry.branch("HKEY_LOCAL_MACHINE\\Software\\Y").value().empty());
            if (!cut) {
                CHECK(call > 25);
                break;
            }
        }
    }
}

}  // namespace
}  // namespace hagent::script
