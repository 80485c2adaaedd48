// SPDX-License-Identifier: Apache-2.0
// Owns the fuzz target of xz chunks.
#include "agent/decode/decode.h"
#include "tests/fuzz/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    hagent::fuzz::decode_input(hagent::decode::Compression::xz, data, size);
    return 0;
}
