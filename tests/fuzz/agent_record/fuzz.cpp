// SPDX-License-Identifier: Apache-2.0
// Owns the fuzz target of the record that says which agent is started.
#include <cstdint>
#include <string>

#include "agent/upgrade/choice.h"
#include "agent/upgrade/record.h"
#include "tests/fuzz/require.h"

using namespace hagent;
using namespace hagent::upgrade;

/// What was understood is written so that it is understood again, and every rule can live with it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    auto record = parse_record(text);
    if (!record.ok()) {
        return 0;
    }
    const auto again = parse_record(record_text(*record));
    fuzz::require(again.ok() && record_text(*again) == record_text(*record));
    const Now now{{"boot", Uptime{Millis{5000}}}, WallTime{Millis{1'796'083'200'000}}};
    const Place own{"1.2.0.0", "/usr/sbin/hagent"};
    for (int i = 0; i < 8; ++i) {
        const auto choice = choose(*record, own, now);
        fuzz::require(parse_record(record_text(*record)).ok());
        fuzz::require(choice.pause >= Millis{0} && choice.pause <= Seconds{30});
        if (!choice.program) {
            break;
        }
        not_startable(*record, choice, own, "not here", now);
        fuzz::require(i < 5);  // the trial, the confirmed one, the one before it
    }
    return 0;
}
