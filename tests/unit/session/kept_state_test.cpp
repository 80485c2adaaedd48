// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what is kept over a restart: whatever has changed meanwhile is not used.
#include "agent/trust/digest.h"
#include "tests/fakes/job_source.h"
#include "tests/unit/session/device.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

const std::string k_base = "/var/lib/hagent/";
const FileMap k_files = {{"conf", "a=1\n"}, {"kernel", std::string(20000, 'k')}};
const std::string k_script =
    "EX \"halt\"\n"
    "SF \"conf\" \"/etc/app.conf\"\n"
    "SF \"kernel\" \"/boot/kernel\"\n";

/// A session that is stopped in its first step, with everything fetched, and goes on in another life.
struct Halted : Device {
    explicit Halted(Job job = Device::job()) {
        publish(k_script, k_files);
        processes.on("halt", [this](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
            (void)stop.request(StopReason::shutdown);
            return platform::Exit{};
        });
        processes.on("evil", platform::Exit{});
        CHECK(run(job).value() == SessionEnd::interrupted);
        fetcher.asked.clear();
    }
    SessionEnd go_on() {
        Stop fresh;
        auto session = Session::resume(context, id, std::nullopt);
        REQUIRE(session.ok());
        return (*session)->run(fresh).value();
    }
    void check_good() {
        CHECK(go_on() == SessionEnd::finished);
        CAPTURE(listener.text());
        CHECK(listener.finals().at(0).stage == ReportStage::success);
        CHECK(files.content("/etc/app.conf") == k_files.at("conf"));
        CHECK(files.content("/boot/kernel") == k_files.at("kernel"));
        CHECK(processes.calls.size() == 1);
    }
    std::string kept(const std::string& name) const { return k_base + "sessions/" + id + "/package/" + name; }
    /// Where the file of that content is staged.
    std::string part(const std::string& content) {
        for (const auto& path : files.tree()) {
            if (path.ends_with("/part") && files.content(path) == content) {
                return path;
            }
        }
        FAIL("not staged");
        return {};
    }
    void flip(const std::string& path) {
        auto bytes = *files.content(path);
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
        files.put(path, bytes, 0600);
    }
};

TEST_CASE("what is kept over a restart is checked when it is used: unchanged it costs no download") {
    Halted device;
    device.check_good();
    CHECK(device.fetcher.asked.empty());
}

TEST_CASE("what is kept over a restart is checked when it is used: a changed file is fetched anew") {
    Halted device;
    SUBCASE("the script") {
        const auto path = device.kept("entry");
        auto text = *device.files.content(path);
        device.files.put(path, text.replace(text.find("SF \"conf\""), 0, "EX \"evil\"\n"), 0600);
    }
    SUBCASE("the script, cut short") { device.files.put(device.kept("entry"), "", 0600); }
    SUBCASE("the manifest") { device.flip(device.kept("manifest.json")); }
    SUBCASE("the signature") { device.flip(device.kept("manifest.sig")); }
    SUBCASE("a staged file") { device.flip(device.part(k_files.at("kernel"))); }
    SUBCASE("a staged file, cut short") {
        device.files.put(device.part(k_files.at("kernel")), std::string(100, 'k'), 0600);
    }
    SUBCASE("a staged file that is gone") { CHECK(device.files.remove(rooted(device.part(k_files.at("conf")))).ok()); }
    SUBCASE("every kept file") {
        for (const auto& name : {"entry", "manifest.json", "manifest.sig"}) {
            device.flip(device.kept(name));
        }
        device.flip(device.part(k_files.at("kernel")));
        device.flip(device.part(k_files.at("conf")));
    }
    device.check_good();
}

TEST_CASE("what is kept over a restart is checked when it is used: what cannot be had again is not used") {
    Halted device;
    device.fetcher.files.clear();
    SUBCASE("the script") {
        device.flip(device.part(*device.files.content(device.kept("entry"))));
        device.files.put(device.kept("entry"), "[Version]\nNumber=1\n[Script]\nEX \"evil\"\n", 0600);
    }
    SUBCASE("the manifest") { device.flip(device.kept("manifest.json")); }
    SUBCASE("a staged file") { device.flip(device.part(k_files.at("kernel"))); }
    CHECK(device.go_on() == SessionEnd::finished);
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
    CHECK(device.processes.calls.size() == 1);
    CHECK_FALSE(device.files.exists("/boot/kernel"));
}

TEST_CASE("a session goes on with the manifest that it was begun with, not with a newer one of the same signer") {
    Halted device;
    device.flip(device.kept("manifest.json"));
    trust::Manifest newer;
    newer.serial = 8;
    device.publish("EX \"evil\"\n", k_files, newer);
    CHECK(device.go_on() == SessionEnd::finished);
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
    CHECK(has_code(device.listener.last.results, AgentCode::digest_mismatch));
    CHECK(device.processes.calls.size() == 1);
}

TEST_CASE("a key that is not trusted any more ends what it signed, also half-way") {
    Halted device;
    device.files.put("/etc/hagent/keys/release.pem", trust::keys::k_ec_b_public);
    CHECK(device.go_on() == SessionEnd::finished);
    CHECK(has_code(device.listener.last.results, AgentCode::unknown_key));
    CHECK_FALSE(device.files.exists("/boot/kernel"));
}

TEST_CASE("an unsigned package is kept as the journal vouches for it") {
    Job job = Device::job();
    signed_package(job).allow_unsigned = true;
    Halted device(job);
    auto manifest = trust::parse_manifest(*device.files.content(device.kept("manifest.json"))).value();
    const std::string evil = "[Version]\nNumber=1\n[Script]\nEX \"evil\"\n";
    for (auto& file : manifest.files) {
        file.sha256 = file.path == "demo.rsp" ? trust::sha256_hex(evil) : file.sha256;
    }
    device.files.put(device.kept("manifest.json"), trust::write_manifest(manifest), 0600);
    device.files.put(device.kept("entry"), evil, 0600);
    device.check_good();
}

// ---- the job names its package

TEST_CASE("a job runs the package that was ordered: another one of the same signer at its place is refused unread") {
    Device device;
    device.publish("SF \"conf\" \"/etc/app.conf\"\n", k_files);
    Job job = Device::job();
    const std::string url = std::string(k_base_url) + "manifest.json";
    signed_package(job).manifest_sha256 = trust::sha256_hex(device.fetcher.files.at(url).bytes);
    SUBCASE("the right one") {
        REQUIRE(device.run(job).ok());
        CHECK(device.listener.finals().at(0).stage == ReportStage::success);
        CHECK(device.stored().record.package_sha256 == signed_package(job).manifest_sha256);
        return;
    }
    trust::Manifest other;
    other.package = "other";
    other.serial = 99;
    SUBCASE("another package") { device.publish("EX \"evil\"\n", k_files, other); }
    SUBCASE("what is no manifest") { device.fetcher.files.at(url).bytes = "{"; }
    REQUIRE(device.run(job).ok());
    CHECK(has_code(device.listener.last.results, AgentCode::digest_mismatch));
    CHECK(device.listener.text().find("another package than the job means") != std::string::npos);
    CHECK(device.processes.calls.empty());
    CHECK_FALSE(device.asked_for("demo.rsp"));
    CHECK_FALSE(device.files.exists("/var/lib/hagent/serials"));  // nothing in it was believed
}

TEST_CASE("a job runs the package that was ordered, also after a restart before its manifest had come") {
    Device device;
    device.publish("EX \"evil\"\n", k_files);
    Job job = Device::job();
    signed_package(job).manifest_sha256 = std::string(64, 'a');
    auto begun = Session::begin(device.context, job);
    REQUIRE(begun.ok());
    device.id = (*begun)->record().id;
    begun->reset();
    CHECK(signed_package(device.stored().record.job).manifest_sha256 == std::string(64, 'a'));
    CHECK(device.resume().value() == SessionEnd::finished);
    CHECK(has_code(device.listener.last.results, AgentCode::digest_mismatch));
    CHECK(device.processes.calls.empty());
}

TEST_CASE("a job that is offered again may mean another package only as long as nothing is done") {
    Halted device;
    Job again = Device::job();
    signed_package(again).manifest_sha256 = std::string(64, 'a');
    Stop fresh;
    auto session = Session::resume(device.context, device.id, again);
    REQUIRE(session.ok());
    CHECK((*session)->run(fresh).value() == SessionEnd::finished);
    CHECK(device.listener.finals().at(0).stage == ReportStage::success);  // the one that was begun
    CHECK(device.files.content("/etc/app.conf") == k_files.at("conf"));
}

// ---- without a signature

TEST_CASE("a look that was killed leaves nothing that the next look believes") {
    Device device;
    device.publish("SF \"conf\" \"/etc/app.conf\"\n", k_files);
    device.files.put("/var/lib/hagent/sessions/check/package/manifest.json", "{}");
    device.files.put("/var/lib/hagent/sessions/check/package/entry", "[Version]\nNumber=1\n[Script]\nEX \"evil\"\n");
    device.files.put("/var/lib/hagent/downloads/check-1/part", "old");
    SessionRecord record;
    record.id = "check";
    record.job = Device::job();
    const auto plan = dry_run(device.context, record, device.stop.token());
    REQUIRE(plan.ok());
    device.files.put("/var/lib/hagent/sessions/check-1/package/manifest.json", "{}");
    device.files.put("/var/lib/hagent/downloads/check-1-1/part", "old");
    REQUIRE(device.store.drop_looks().ok());
    CHECK(plan->text.find("SF") != std::string::npos);
    CHECK(plan->text.find("EX") == std::string::npos);
    for (const auto& path : device.files.tree()) {
        CHECK_FALSE(path.starts_with("/var/lib/hagent/sessions/check"));
        CHECK_FALSE(path.starts_with("/var/lib/hagent/downloads/check"));
    }
}

}  // namespace
}  // namespace hagent::session
