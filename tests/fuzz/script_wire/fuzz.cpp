// SPDX-License-Identifier: Apache-2.0
// Owns the fuzz target of scripts in wire form: parsed, analysed and, when nothing objects, run on a device made of
// fakes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/script_text/judge.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    hagent::script::fuzzing::judge(hagent::script::parse_wire(bytes, "reply"));
    return 0;
}
