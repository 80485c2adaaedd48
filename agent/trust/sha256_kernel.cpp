// SPDX-License-Identifier: Apache-2.0
// Owns the compression that every processor can do (FIPS 180-4, 6.2.2), and the choice of one.
#include "agent/trust/sha256_kernel.h"

#include <bit>

#include "agent/trust/sha256_round.h"

namespace hagent::trust {
namespace {

std::uint32_t load_big(const std::uint8_t* at) {
    return std::uint32_t{at[0]} << 24U | std::uint32_t{at[1]} << 16U | std::uint32_t{at[2]} << 8U | at[3];
}

using Words = std::array<std::uint32_t, 64>;

/// The message words of all rounds at once: faster than a ring of sixteen, as no index is folded.
void expand(Words& w, const std::uint8_t* data) {
    for (std::size_t i = 0; i < 16; ++i) {
        w[i] = load_big(data + 4 * i);
    }
    for (std::size_t i = 16; i < w.size(); ++i) {
        const std::uint32_t x = w[i - 15], y = w[i - 2];
        const std::uint32_t s0 = std::rotr(x, 7) ^ std::rotr(x, 18) ^ (x >> 3U);
        const std::uint32_t s1 = std::rotr(y, 17) ^ std::rotr(y, 19) ^ (y >> 10U);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

void compress_block(Sha256State& state, const std::uint8_t* data) {
    Words w;  // all written by expand()
    expand(w, data);
    const auto sum = [&w](std::size_t i) { return k_sha256_round[i] + w[i]; };
    Sha256Values<Turns::nested> values(state);
    for (std::size_t i = 0; i < w.size(); i += 8) {
        values.four_rounds(sum(i), sum(i + 1), sum(i + 2), sum(i + 3));
        values.four_rounds(sum(i + 4), sum(i + 5), sum(i + 6), sum(i + 7));
    }
    values.add_to(state);
}

using Compress = void (*)(Sha256State&, const std::uint8_t*, std::size_t);

/// Asked once, because the processor stays the same. The order is that of the measured speeds (tests/bench).
Compress fastest() {
    if (has_sha_extensions()) {
        return sha256_compress_extensions;
    }
    if (has_bmi2()) {
        return sha256_compress_bmi2;
    }
    return has_ssse3() ? sha256_compress_ssse3 : sha256_compress_portable;
}

}  // namespace

void sha256_compress_portable(Sha256State& state, const std::uint8_t* data, std::size_t blocks) {
    for (; blocks > 0; --blocks, data += k_sha256_block) {
        compress_block(state, data);
    }
}

void sha256_compress(Sha256State& state, const std::uint8_t* data, std::size_t blocks) {
    static const Compress compress = fastest();
    compress(state, data, blocks);
}

}  // namespace hagent::trust
