// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what a session refuses: nothing of a package is believed before its signature and its fit are
// checked.
#include "agent/base/limits.h"
#include "agent/session/reserve.h"
#include "agent/trust/key_ring.h"
#include "agent/trust/serials.h"
#include "tests/fakes/job_source.h"
#include "tests/unit/session/device.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

const FileMap k_files = {{"conf", "a=1\n"}};
const std::string k_script = "SF \"conf\" \"/etc/app.conf\"\n";

/// The job ends as refused with this code: told once, with cause and advice, and the device is as it was.
void check_refused(Device& device, AgentCode code, const Job& job = Device::job()) {
    const auto end = device.run(job);
    REQUIRE(end.ok());
    CHECK(*end == SessionEnd::finished);
    CHECK(device.listener.last.phase == Phase::completed);
    CHECK(device.listener.last.failed());
    CAPTURE(device.listener.text());
    CHECK(has_code(device.listener.last.results, code));
    const auto finals = device.listener.finals();
    REQUIRE(finals.size() == 1);
    CHECK(finals[0].stage == ReportStage::failure);
    CHECK(device.listener.text().find("what to do: ") != std::string::npos);
    CHECK_FALSE(device.files.exists("/etc/app.conf"));
    CHECK(device.stored().record.ended.has_value());
}

TEST_CASE("one changed byte of the manifest is refused") {
    Device device;
    device.publish(k_script, k_files);
    auto& text = device.fetcher.files.at(std::string(k_base_url) + "manifest.json").bytes;
    text[text.find("1.0")] = '2';
    check_refused(device, AgentCode::signature_invalid);
    CHECK_FALSE(device.asked_for("demo.rsp"));
}

TEST_CASE("a signature that is no signature is refused") {
    Device device;
    device.publish(k_script, k_files);
    device.fetcher.files.at(std::string(k_base_url) + "manifest.sig").bytes = "not a signature";
    check_refused(device, AgentCode::signature_invalid);
}

TEST_CASE("a good signature by somebody else is refused") {
    Device device;
    SUBCASE("a key that is not here") {
        device.publish(k_script, k_files, {}, trust::keys::k_ec_b_private);
        check_refused(device, AgentCode::unknown_key);
    }
    SUBCASE("a key of another sort") {
        device.publish(k_script, k_files, {}, trust::keys::k_rsa_private);
        check_refused(device, AgentCode::unknown_key);
    }
    SUBCASE("no keys at all") {
        device.publish(k_script, k_files);
        REQUIRE(device.files.remove("/etc/hagent/keys/release.pem").ok());
        check_refused(device, AgentCode::unknown_key);
    }
    SUBCASE("a key that may sign images only") {
        device.publish(k_script, k_files);
        device.files.put("/etc/hagent/keys/release.roles", "image\n");
        check_refused(device, AgentCode::role_not_allowed);
    }
}

TEST_CASE("one changed byte of a file is refused before the first step") {
    Device device;
    device.publish("EX \"first\"\n" + k_script, k_files);
    device.processes.on("first", platform::Exit{});
    device.fetcher.files.at(std::string(k_base_url) + "conf").bytes = "a=2\n";
    check_refused(device, AgentCode::digest_mismatch);
    CHECK(device.processes.calls.empty());
}

TEST_CASE("a listed file of more than 2 GiB is counted whole: too large for the disk, and not what is on the server") {
    Device device;
    device.publish(k_script, k_files);
    auto& text = device.fetcher.files.at(std::string(k_base_url) + "manifest.json").bytes;
    auto manifest = trust::parse_manifest(text).value();
    for (auto& file : manifest.files) {
        file.bytes = file.path == "conf" ? (std::uint64_t{5} << 30U) + 4
                                         : file.bytes;  // the low 32 bits alone are 1 GiB and 4 bytes
    }
    text = trust::write_manifest(manifest);
    device.fetcher.files.at(std::string(k_base_url) + "manifest.sig").bytes =
        trust::sign(text, trust::keys::k_ec_a_private).value();
    SUBCASE("beyond what is free") {
        REQUIRE(device.run(Device::job()).ok());
        CHECK(device.listener.text().find("SW_DSA_OVER_LIMIT") != std::string::npos);
        CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
        CHECK_FALSE(device.asked_for("conf"));
        CHECK_FALSE(device.files.exists("/etc/app.conf"));
    }
    SUBCASE("the server has another size") {
        auto& disk = device.disks.all.front();
        disk.total_bytes = disk.free_bytes = disk.available_bytes = std::uint64_t{40} << 30U;
        check_refused(device, AgentCode::size_mismatch);
    }
}

TEST_CASE("a file that was cut short at its source is refused") {
    Device device;
    device.publish(k_script, k_files);
    device.fetcher.files.at(std::string(k_base_url) + "conf").bytes = "a=";
    check_refused(device, AgentCode::size_mismatch);
}

TEST_CASE("one changed byte of the script is refused") {
    Device device;
    device.publish(k_script, k_files);
    device.fetcher.files.at(std::string(k_base_url) + "demo.rsp").bytes.back() = ' ';
    check_refused(device, AgentCode::digest_mismatch);
}

TEST_CASE("a package for others is refused") {
    Device device;
    trust::Manifest manifest;
    SUBCASE("another operating system") {
        manifest.targets.os = {"WES"};
        device.publish(k_script, k_files, manifest);
        check_refused(device, AgentCode::wrong_os);
    }
    SUBCASE("another platform") {
        manifest.targets.platforms = {"T99"};
        device.publish(k_script, k_files, manifest);
        check_refused(device, AgentCode::wrong_platform);
    }
    SUBCASE("another device") {
        manifest.targets.devices = {"00:80:64:00:00:01"};
        device.publish(k_script, k_files, manifest);
        check_refused(device, AgentCode::wrong_device);
    }
}

TEST_CASE("a package for this device by name is taken") {
    Device device;
    trust::Manifest manifest;
    manifest.targets = {{"LXS"}, {"t10"}, {"00:80:64:AA:BB:CC"}};
    device.publish(k_script, k_files, manifest);
    REQUIRE(device.run(Device::job()).ok());
    CHECK(device.files.content("/etc/app.conf") == "a=1\n");
}

TEST_CASE("an expired package is refused, unless the clock cannot be right") {
    Device device;
    trust::Manifest manifest;
    manifest.expires = parse_rfc3339("2026-11-30T23:59:59Z");
    device.publish(k_script, k_files, manifest);
    SUBCASE("a good clock") { check_refused(device, AgentCode::package_expired); }
    SUBCASE("a clock without a battery") {
        device.clock.set_wall(*parse_rfc3339("2000-01-01T00:00:00Z"));
        REQUIRE(device.run(Device::job()).ok());
        CHECK(device.files.content("/etc/app.conf") == "a=1\n");
    }
}

TEST_CASE("a serial that is older than one accepted before is refused, also when that job did not succeed") {
    Device device;
    trust::Manifest newer;
    newer.serial = 9;
    device.publish("EX \"fails\"\n", k_files, newer);
    device.processes.on("fails", platform::Exit{1, false, ""});
    REQUIRE(device.run(Device::job("job-9")).ok());
    device.listener.reports.clear();
    trust::Manifest older;
    older.serial = 8;
    device.publish(k_script, k_files, older);
    check_refused(device, AgentCode::package_replayed, Device::job("job-8"));
    device.listener.reports.clear();
    device.publish(k_script, k_files, newer);
    REQUIRE(device.run(Device::job("job-9b")).ok());
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);
}

TEST_CASE("a package that has begun to change the device is not too old by what came after it") {
    Device device;
    trust::Manifest manifest;
    manifest.expires = parse_rfc3339("2026-12-02T00:00:00Z");
    device.publish("RB\n" + std::string(k_script), k_files, manifest);
    REQUIRE(*device.run(Device::job()) == SessionEnd::rebooting);
    SUBCASE("its time is over") { device.clock.set_wall(*parse_rfc3339("2026-12-03T00:00:00Z")); }
    SUBCASE("a newer one was looked at") {
        const auto keys = trust::KeyRing::load(device.files, device.settings.keys_directory);
        auto serials = trust::Serials::load(device.files, device.settings.state.serials());
        REQUIRE(serials->accept(keys->signers().front().fingerprint, "demo", 99).ok());
    }
    device.host.known.boot_id = "the next one";
    REQUIRE(*device.resume() == SessionEnd::finished);
    CHECK(device.files.content("/etc/app.conf") == "a=1\n");
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);
}

TEST_CASE("parts of a package that are missing are named") {
    Device device;
    device.publish(k_script, k_files);
    SUBCASE("no manifest among the manager's files") {
        Job job = Device::job();
        signed_package(job).base_url.clear();
        check_refused(device, AgentCode::manifest_missing, job);
    }
    SUBCASE("no signature among the manager's files") {
        Job job = Device::job();
        signed_package(job).base_url.clear();
        signed_package(job).artifacts = {
            {"manifest.json", std::string(k_base_url) + "manifest.json", std::nullopt, "", ""}};
        check_refused(device, AgentCode::signature_missing, job);
    }
    SUBCASE("a file that no source has") {
        device.fetcher.files.erase(std::string(k_base_url) + "conf");
        check_refused(device, AgentCode::no_source);
        const auto& results = device.listener.last.results;
        CHECK(std::any_of(results.begin(), results.end(),
                          [](const TaskResult& r) { return r.native == errors::http(404); }));
    }
}

TEST_CASE("a manifest that is too large is refused before it is fetched, or cut off while it is") {
    Device device;
    device.publish(k_script, k_files);
    Job job = Device::job();
    signed_package(job).base_url.clear();
    const std::string url = std::string(k_base_url) + "manifest.json";
    const std::string signature = std::string(k_base_url) + "manifest.sig";
    device.fetcher.files.at(url).bytes.resize(limits::k_manifest_bytes + 1, ' ');
    SUBCASE("the manager says so") {
        signed_package(job).artifacts = {{"manifest.json", url, limits::k_manifest_bytes + 1, "", ""},
                                         {"manifest.sig", signature, std::nullopt, "", ""}};
        check_refused(device, AgentCode::limit_exceeded, job);
        CHECK(device.fetcher.asked.empty());
    }
    SUBCASE("the manager does not say") {
        signed_package(job).artifacts = {{"manifest.json", url, std::nullopt, "", ""},
                                         {"manifest.sig", signature, std::nullopt, "", ""}};
        check_refused(device, AgentCode::limit_exceeded, job);
    }
}

TEST_CASE("a hundred attempts against a dead server end with the last reply") {
    Device device;
    device.publish(k_script, k_files);
    for (int i = 0; i < 100; ++i) {
        fakes::FakeFault fault;
        fault.refuse = errors::http(503);
        device.fetcher.faults.push_back(fault);
    }
    check_refused(device, AgentCode::attempts_exhausted);
    CHECK(device.fetcher.asked.size() == device.options.attempts);
}

TEST_CASE("what cannot be noted while files come is no failure of the job: it goes on later") {
    Device device;
    device.publish("SF \"conf\" \"/etc/app.conf\"\n", {{"conf", "a\n"}});
    device.listener.forward = [](const Report& report) {
        return report.stage == ReportStage::downloading ? Status(error(AgentCode::disk_full, "reports")) : Status();
    };
    const auto end = device.run(Device::job());
    REQUIRE_FALSE(end.ok());
    CHECK(end.error().is(AgentCode::disk_full));
    CHECK(device.listener.finals().empty());
    device.listener.forward = nullptr;
    CHECK(device.resume().value() == SessionEnd::finished);
    REQUIRE(device.listener.finals().size() == 1);
    CHECK(device.listener.finals()[0].stage == ReportStage::success);
}

TEST_CASE("a plan that has become shorter than what was done of it ends the job and not the agent") {
    Device device;
    device.publish("EX \"a\"\nEX \"stop\"\n", {});
    device.processes.on("a", platform::Exit{});
    device.processes.on("stop", [&](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        (void)device.stop.request(StopReason::shutdown);
        return error(AgentCode::cancelled);
    });
    CHECK(device.run(Device::job()).value() == SessionEnd::interrupted);
    auto log = device.store.reopen(device.id);
    REQUIRE(log.ok());
    work::StepRecord step;
    step.n = 9;
    step.state = work::StepState::done;
    REQUIRE(log->done(step).ok());
    Stop again;
    auto session = Session::resume(device.context, device.id, std::nullopt);
    REQUIRE(session.ok());
    CHECK((*session)->run(again).value() == SessionEnd::finished);
    CHECK(has_code((*session)->record().results, AgentCode::corrupt_journal));
}

TEST_CASE("the reserve is made where there is room and given up where there is none") {
    Device device;
    auto& free_bytes = device.disks.all.front().available_bytes;
    const std::string reserve = "/var/lib/hagent/reserve";
    free_bytes = 5000;
    keep_reserve(device.context);
    CHECK_FALSE(device.files.exists(reserve));
    free_bytes = 100'000;
    keep_reserve(device.context);
    CHECK(device.files.content(reserve)->size() == 49152);
    use_reserve(device.context);
    CHECK_FALSE(device.files.exists(reserve));
    CHECK_FALSE(give_up_reserve(device.context));
    free_bytes = 10'000'000;
    keep_reserve(device.context);
    use_reserve(device.context);
    CHECK(device.files.content(reserve)->size() == limits::k_reserve_bytes);
    device.files.set_capacity(0);
    CHECK(give_up_reserve(device.context));
    keep_reserve(device.context);
    CHECK_FALSE(device.files.exists(reserve));  // no half of one
}

}  // namespace
}  // namespace hagent::session
