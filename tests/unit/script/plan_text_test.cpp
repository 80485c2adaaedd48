// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the plan's two texts.
#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

Plan small_plan(Device& device) {
    device.package.add("fw/kernel", std::string(2048, 'k'));
    auto parsed =
        parse("[Version]\nNumber=demo\nNumber=twice\n[Script]\nCO \"SLX\"\nSF* \"fw/kernel\" \"/boot/kernel\"\nRB\n",
              "demo.rsp");
    Options options;
    options.staging_dir = k_staging;
    return as_written(analyse(Device::rooted_arguments(std::get<Script>(parsed)), device.facts, device.package,
                              device.jail, device.files, device.disks, options));
}

TEST_CASE("the JSON plan has the shape of the interface description") {
    Device device;
    CHECK(
        plain(plan_json(small_plan(device))) ==
        R"({"version":{"Number":"demo"},"plan":[)"
        R"({"step":1,"line":5,"op":"CO","optional":false,"arguments":["SLX"],"effect":"confirm operating system SLX"},)"
        R"({"step":2,"line":6,"op":"SF","optional":true,"arguments":["fw/kernel","/boot/kernel"],"effect":"fetch fw/kernel (2.0 KiB) to /boot/kernel"},)"
        R"({"step":3,"line":7,"op":"RB","optional":false,"arguments":[],"effect":"restart the device"}],)"
        R"("downloads":[{"file":"fw/kernel","bytes":2048}],)"
        R"("disk":[{"volume":"/","type":0,"state":1,"before_bytes":4294967296,"after_bytes":4294965248,"peak_bytes":2048}],)"
        R"("reboots":1,"results":[]})");
}

TEST_CASE("results in JSON carry code, status, cause and next step") {
    Device device;
    const std::string json = plan_json(device.plan("CO \"WES\"\n"));
    CHECK(json.find("\"code\":1506,\"protocol\":\"agent\",\"name\":\"os_mismatch\",\"status\":4,"
                    "\"status_name\":\"SW_ERROR\",\"info\":1,\"text\":\"") != std::string::npos);
    CHECK(json.find("(demo.rsp:2:4: CO: this device runs SLX, not WES)\",\"next\":\"") != std::string::npos);
}

TEST_CASE("people read steps, downloads, disk and restarts") {
    Device device;
    CHECK(render_plan(small_plan(device)) ==
          "demo.rsp: Number demo, Number twice\n"
          "Steps\n"
          "   1  line 5    CO  confirm operating system SLX\n"
          "   2  line 6    SF* fetch fw/kernel (2.0 KiB) to /boot/kernel\n"
          "   3  line 7    RB  restart the device\n"
          "Downloads: 1, 2.0 KiB\n"
          "     2.0 KiB  fw/kernel\n"
          "Disk\n"
          "  /: 4.0 GiB available now, 4.0 GiB afterwards, at most 2.0 KiB taken: enough space\n"
          "Restarts: 1\n");
}

TEST_CASE("people see results with the line, a caret and the next step") {
    Device device;
    const std::string text = render_plan(device.plan("CO \"WES\"\n"));
    CHECK(text.find("\nERROR agent-1506 os_mismatch: ") != std::string::npos);
    CHECK(text.find("\ndemo.rsp:2:4: CO: this device runs SLX, not WES\nCO \"WES\"\n   ^\n") != std::string::npos);
    CHECK(text.ends_with("\nThe script cannot be run; nothing was changed.\n"));
}

}  // namespace
}  // namespace hagent::script
