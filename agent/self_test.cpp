// SPDX-License-Identifier: Apache-2.0
#include "agent/self_test.h"

#include "agent/base/crc32.h"
#include "agent/base/json.h"
#include "agent/base/time.h"
#include "agent/errors/catalogue.h"
#include "agent/loop/loop.h"
#include "agent/transfer/curl_fetcher.h"
#include "agent/trust/digest.h"
#include "agent/trust/random.h"
#include "platform/paths.h"

namespace hagent {
namespace {

/// FIPS 180-4's example, over the block's border and in pieces.
bool digests() {
    trust::Sha256 sum;
    for (int i = 0; i < 1000; ++i) {
        sum.update("aaaaaaaaaa");
    }
    return trust::sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" &&
           sum.bytes() == 10000 && crc32("123456789") == 0xCBF43926;
}

bool json() {
    const JsonDocument document(R"({"a":[1,-2,"\u00e4"]})");
    return !document.fault() && document.root().find("a").size() == 3;
}

bool random_bytes() {
    auto random = trust::Random::create();
    return random.ok() && random->u64().ok();
}

bool clocks(platform::Clock& clock) {
    const auto before = clock.uptime();
    return clock.uptime() >= before && parse_rfc3339(rfc3339(clock.wall())).has_value();
}

/// The program can read itself: a file that was cut off, or a file system that lies, ends here.
bool own_file(platform::Files& files) {
    const auto info = files.info(platform::own_program());
    return info.ok() && *info && (**info).bytes > 0;
}

bool catalogue() { return errors::describe(errors::agent(errors::AgentCode::agent_given_up)).name == "agent_given_up"; }

}  // namespace

std::vector<SelfTest> self_tests(Machine& machine) {
    transfer::Options options;
    return {
        {"digests", digests()},
        {"json", json()},
        {"catalogue", catalogue()},
        {"random", random_bytes()},
        {"clocks", clocks(machine.clock)},
        {"files", own_file(*machine.files)},
        {"loop", loop::Loop::create(machine.clock).ok()},
        {"transfer", transfer::curl_fetcher(options) != nullptr},
    };
}

}  // namespace hagent
