// SPDX-License-Identifier: Apache-2.0
#include "agent/upgrade/agent_member.h"

#include <doctest/doctest.h>

#include "tests/fakes/fake_files.h"
#include "tests/fakes/rooted.h"

namespace hagent::upgrade {
namespace {

trust::Manifest manifest(const std::string& details, const std::string& version = "1.2.0.0") {
    trust::Manifest out;
    out.kind = JobKind::upgrade;
    out.version = version;
    out.files = {{"linux-i686-musl/hagent", 5, std::string(64, 'a'), {}}};
    out.details = details;
    return out;
}

TEST_CASE("a member names the program of each target") {
    const auto member =
        agent_member(manifest(R"({"targets":{"linux-i686-musl":"linux-i686-musl/hagent"},"allow_downgrade":true})"));
    REQUIRE(member.ok());
    CHECK(member->allow_downgrade);
    CHECK(member->program_for({"native", "Linux-i686-MUSL"}) == "linux-i686-musl/hagent");
    CHECK(member->program_for({"win-x86_64"}).empty());
}

TEST_CASE("members that say something else are refused") {
    const std::string good = R"({"targets":{},"allow_downgrade":false})";
    CHECK(agent_member(manifest(good)).ok());
    for (const std::string version : {"1.2-rc", "../1", "1..2", "1.2.3.4.5", ""}) {
        CAPTURE(version);
        CHECK_FALSE(agent_member(manifest(good, version)).ok());
    }
    for (const std::string bad :
         {"", "[]", "{}", R"({"targets":[]})", R"({"targets":{"a":"not/listed"}})", R"({"targets":{"a":1}})",
          R"({"targets":{},"allow_downgrade":1})", R"({"targets":{},"more":1})"}) {
        CAPTURE(bad);
        CHECK_FALSE(agent_member(manifest(bad)).ok());
    }
}

TEST_CASE("signing makes a target of each folder with an agent in it") {
    fakes::FakeFiles files;
    files.put("/r/linux-i686-musl/hagent", "x");
    files.put("/r/win-i686/hagent.exe", "x");
    files.put("/r/notes/readme.txt", "x");
    files.put("/r/hagent", "x");
    const auto found = agent_files(files, fakes::rooted("/r"));
    REQUIRE(found.ok());
    const auto member = make_agent_member(*found, false);
    REQUIRE(member.ok());
    CHECK(
        *member ==
        R"({"targets":{"linux-i686-musl":"linux-i686-musl/hagent","win-i686":"win-i686/hagent.exe"},"allow_downgrade":false})");
    CHECK_FALSE(make_agent_member({}, false).ok());
}

}  // namespace
}  // namespace hagent::upgrade
