// SPDX-License-Identifier: Apache-2.0
// Owns the tests of jobs that met a bad answer before they changed anything: tried again, more and more seldom, and
// told as failed in the end.
#include "agent/trust/digest.h"
#include "tests/fakes/job_source.h"
#include "tests/unit/session/plant.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

const FileMap k_files = {{"conf", "a=1\n"}};
const std::string k_script = "SF \"conf\" \"/etc/app.conf\"\n";
constexpr Life k_daemon = {false, true};

struct Tried : Device {
    Tried() { publish(k_script, k_files); }
    SessionEnd first() {
        auto session = Session::begin(context, job());
        REQUIRE(session.ok());
        id = (*session)->record().id;
        return (*session)->run(stop, k_daemon).value();
    }
    SessionEnd again(const std::optional<Job>& offered = std::nullopt) {
        auto session = Session::resume(context, id, offered);
        REQUIRE(session.ok());
        return (*session)->run(stop, k_daemon).value();
    }
    std::string& served(const std::string& path) { return fetcher.files.at(k_base_url + path).bytes; }
    void check_done() {
        CAPTURE(listener.text());
        REQUIRE(listener.finals().size() == 1);
        CHECK(listener.finals()[0].stage == ReportStage::success);
        CHECK(files.content("/etc/app.conf") == "a=1\n");
        CHECK_FALSE(stored().record.try_again.has_value());
    }
};

TEST_CASE("one bad answer is not for ever: the job rests, says until when, and succeeds when the answer is good") {
    Tried device;
    const auto good = device.fetcher.files;
    AgentCode code = AgentCode::signature_invalid;
    SUBCASE("a signature of another manifest") { device.served("manifest.sig") = "not a signature"; }
    SUBCASE("a manifest that was changed") { device.served("manifest.json") += " "; }
    SUBCASE("a key that is not here yet") {
        device.publish(k_script, k_files, {}, trust::keys::k_ec_b_private);
        code = AgentCode::unknown_key;
    }
    SUBCASE("a file that has not been uploaded") {
        device.fetcher.files.erase(std::string(k_base_url) + "conf");
        code = AgentCode::no_source;
    }
    SUBCASE("an old file beside a new manifest") {
        device.served("conf") = "a=0\n";
        code = AgentCode::digest_mismatch;
    }
    SUBCASE("no manifest yet") {
        device.fetcher.files.clear();
        code = AgentCode::no_source;
    }
    CHECK(device.first() == SessionEnd::postponed);
    CHECK(device.listener.finals().empty());
    CHECK(has_code(device.listener.last.results, code));
    const auto until = device.stored().record.try_again;
    REQUIRE(until.has_value());
    CHECK(device.stored().record.tries == 1);
    CHECK(has_code(device.stored().record.results, code));
    CHECK(device.listener.text().find("nothing was changed; will be tried again at " + rfc3339(*until) +
                                      " (try 2 of 7)") != std::string::npos);
    CHECK(device.listener.text().find("what to do: ") != std::string::npos);
    device.fetcher.files = good;
    CHECK(device.again() == SessionEnd::finished);
    device.check_done();
    CHECK(device.listener.finals()[0].messages[0].find("tried 2 times") != std::string::npos);
    CHECK(device.listener.finals()[0].messages[0].find("restart") == std::string::npos);
}

TEST_CASE("a package that was signed anew meanwhile is taken as it is then") {
    Tried device;
    device.served("conf") = "a=0\n";  // half-published: it will be signed anew instead
    CHECK(device.first() == SessionEnd::postponed);
    trust::Manifest newer;
    newer.serial = 8;
    device.publish(k_script, k_files, newer);
    CHECK(device.again() == SessionEnd::finished);
    device.check_done();
    CHECK(device.stored().record.serial == 8);
}

TEST_CASE("one bad answer is not for ever, but the last one is told as a failure, once, after waits that grow") {
    Tried device;
    device.served("manifest.sig") = "not a signature";
    Millis before{0}, sum{0};
    CHECK(device.first() == SessionEnd::postponed);
    for (unsigned tried = 1; tried < limits::k_job_tries; ++tried) {
        CAPTURE(tried);
        CHECK(device.listener.finals().empty());
        CHECK(device.stored().record.tries == tried);
        const Millis wait = device.stored().record.rests_for(device.clock.wall());
        CHECK(wait >= wait_before_try(tried));
        CHECK(wait <= wait_before_try(tried) + wait_before_try(tried) / 4);
        CHECK(wait >= 2 * before);
        before = wait;
        sum += wait;
        CHECK(device.again() == (tried + 1 < limits::k_job_tries ? SessionEnd::postponed : SessionEnd::finished));
    }
    CHECK(sum < Seconds{2 * 3600});
    REQUIRE(device.listener.finals().size() == 1);
    CHECK(device.listener.finals()[0].stage == ReportStage::failure);
    CHECK(device.listener.finals()[0].messages[0].find("tried 7 times") != std::string::npos);
    CHECK(device.stored().record.results.size() == 1);
    CHECK_FALSE(device.files.exists("/etc/app.conf"));
}

TEST_CASE("what will not pass by itself is told at once") {
    Tried device;
    trust::Manifest manifest;
    SUBCASE("for another device") { manifest.targets.devices = {"tc-8"}; }
    SUBCASE("for another OS") { manifest.targets.os = {"WES"}; }
    SUBCASE("expired") { manifest.expires = parse_rfc3339("2026-11-30T23:59:59Z"); }
    device.publish(k_script, k_files, manifest);
    CHECK(device.first() == SessionEnd::finished);
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
}

TEST_CASE("at the command line the first failure is the last") {
    Tried device;
    device.served("manifest.sig") = "not a signature";
    CHECK(device.run(Device::job()).value() == SessionEnd::finished);
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
}

TEST_CASE("nothing is tried again once the device may have been changed") {
    Tried device;
    device.publish("EX \"halt\"\n" + k_script, k_files);
    device.processes.on("halt", [&](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        (void)device.stop.request(StopReason::shutdown);
        return platform::Exit{};
    });
    CHECK(device.first() == SessionEnd::interrupted);
    device.files.put("/etc/hagent/keys/release.pem", trust::keys::k_ec_b_public);
    Stop fresh;
    auto session = Session::resume(device.context, device.id, std::nullopt);
    REQUIRE(session.ok());
    CHECK((*session)->run(fresh, k_daemon).value() == SessionEnd::finished);
    CHECK(device.listener.finals().at(0).stage == ReportStage::failure);
}

TEST_CASE("a clock that is set meanwhile makes nobody wait longer than was meant") {
    Tried device;
    device.served("manifest.sig") = "not a signature";
    CHECK(device.first() == SessionEnd::postponed);
    const auto record = device.stored().record;
    CHECK(record.rests_for(*parse_rfc3339("2000-01-01T00:00:00Z")) <= wait_before_try(1) + wait_before_try(1) / 4);
    CHECK(record.rests_for(*parse_rfc3339("2000-01-01T00:00:00Z")) >= wait_before_try(1));
    CHECK(record.rests_for(*parse_rfc3339("2040-01-01T00:00:00Z")) == Millis{0});
}

// ---- in the queue

struct BadPlant : Plant {
    BadPlant() {
        good = fetcher.files;
        fetcher.files.at(std::string(k_base_url) + "manifest.sig").bytes = "not a signature";
    }
    void rest(int visits = 1) {
        CHECK(engine->offer(Device::job()) == Offer::taken);
        wait_idle(visits);
        REQUIRE(engine->next_try().has_value());
    }
    decltype(fetcher.files) good;
};

TEST_CASE("a job that rests is known until its time, then the next offer begins it") {
    BadPlant plant;
    plant.rest();
    CHECK(plant.engine->idle());
    CHECK(plant.engine->waiting() == std::vector<std::string>{"job-1"});
    CHECK(plant.engine->offer(Device::job()) == Offer::known);
    plant.engine->checked_in();  // a check-in alone does not hurry it
    CHECK(plant.engine->idle());
    plant.fetcher.files = plant.good;
    plant.clock.advance(*plant.engine->next_try() - plant.clock.uptime());
    CHECK(plant.engine->offer(Device::job()) == Offer::taken);
    plant.wait_idle(2);
    CHECK_FALSE(plant.engine->next_try().has_value());
    REQUIRE(plant.listener.finals().size() == 1);
    CHECK(plant.listener.finals()[0].stage == ReportStage::success);
    CHECK(plant.store.list().value_or({}).size() == 1);
}

TEST_CASE("the wait of a job that rests survives a restart, and so does the number of its tries") {
    BadPlant plant;
    plant.rest();
    const auto left = *plant.engine->next_try() - plant.clock.uptime();
    plant.clock.advance(left / 2);
    plant.restart();
    plant.wait_idle();
    REQUIRE(plant.engine->next_try().has_value());
    CHECK(*plant.engine->next_try() - plant.clock.uptime() <= left - left / 2);
    CHECK(plant.engine->offer(Device::job()) == Offer::known);
    CHECK(plant.listener.last.try_again.has_value());  // and it is shown
    plant.clock.advance(left);
    CHECK(plant.engine->offer(Device::job()) == Offer::taken);
    plant.wait_idle(2);
    CHECK(plant.store.load("000001")->record.tries == 2);
    CHECK(plant.listener.finals().empty());
}

TEST_CASE("a job that rests can be cancelled, and ends in order") {
    BadPlant plant;
    plant.rest();
    CHECK(plant.engine->cancel("job-1", StopReason::manager) == CancelOutcome::stopping);
    plant.wait_idle(2);
    REQUIRE(plant.listener.finals().size() == 1);
    CHECK(plant.listener.finals()[0].stage == ReportStage::cancelled);
    CHECK(plant.engine->waiting().empty());
}

TEST_CASE("a job that rests may be offered for later: it is then tried, and not executed") {
    BadPlant plant;
    plant.rest();
    plant.fetcher.files = plant.good;
    plant.clock.advance(*plant.engine->next_try() - plant.clock.uptime());
    Job later = Device::job();
    later.execute = false;
    CHECK(plant.engine->offer(later) == Offer::taken);
    plant.wait_idle(2);
    CHECK(plant.processes.calls.empty());
    CHECK(plant.engine->waiting() == std::vector<std::string>{"job-1"});
}

TEST_CASE("a job that rests is tried at once when its manager means another package by it now") {
    BadPlant plant;
    plant.rest();
    plant.fetcher.files = plant.good;
    Job other = Device::job();
    signed_package(other).manifest_sha256 =
        trust::sha256_hex(plant.good.at(std::string(k_base_url) + "manifest.json").bytes);
    CHECK(plant.engine->offer(other) == Offer::taken);
    plant.wait_idle(2);
    CHECK(plant.listener.finals().at(0).stage == ReportStage::success);
}

TEST_CASE("what a manager vouches for itself, and a legacy manager's script, are told at once") {
    Tried device;
    Job job = Device::job();
    const auto offer_each_file = [&] {
        signed_package(job).base_url.clear();
        for (const auto& [url, file] : device.fetcher.files) {
            signed_package(job).artifacts.push_back({url.substr(std::string(k_base_url).size()), url, file.bytes.size(),
                                                     trust::sha256_hex(file.bytes), ""});
        }
    };
    SessionEnd end = SessionEnd::finished;
    SUBCASE("a signature") {
        device.served("manifest.sig").back() ^= 1;
        offer_each_file();
    }
    SUBCASE("a file") {
        device.served("conf") = "a=0\n";
        offer_each_file();
    }
    SUBCASE("but not a file that comes otherwise than the manager says") {
        offer_each_file();
        device.served("conf") = "a=0\n";
        end = SessionEnd::postponed;
    }
    SUBCASE("nor a server that is not there") {
        offer_each_file();
        device.fetcher.files.clear();
        end = SessionEnd::postponed;
    }
    SUBCASE("a script from the wire") {
        job.options = {{"form", "wire"}};
        wire_script(job).commands = fakes::rooted_script(
            "SF \x0F"
            "a\x0F \x0F/data/a\x0F|10|");
        wire_script(job).repositories = {{"ftp://remote.example/", "user", "password"}};
    }
    auto session = Session::begin(device.context, job);
    REQUIRE(session.ok());
    CHECK((*session)->run(device.stop, k_daemon).value() == end);
    CHECK(device.listener.finals().size() == (end == SessionEnd::finished ? 1 : 0));
}

}  // namespace
}  // namespace hagent::session
