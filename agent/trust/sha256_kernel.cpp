// SPDX-License-Identifier: Apache-2.0
// Owns the portable compression (FIPS 180-4, 6.2.2) and the one that uses the SHA extensions of x86 processors.
#include "agent/trust/sha256_kernel.h"

#include <bit>

#if defined(__i386__) || defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace hagent::trust {
namespace {

alignas(16) constexpr std::array<std::uint32_t, 64> k_round = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2};

constexpr std::size_t k_block = 64;

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

/// One round. Instead of moving the eight values along, the caller gives them in turned order.
[[gnu::always_inline]] inline void one_round(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t& d,
                                             std::uint32_t e, std::uint32_t f, std::uint32_t g, std::uint32_t& h,
                                             std::uint32_t sum) {
    h += (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + (g ^ (e & (f ^ g))) + sum;
    d += h;
    h += (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) | (c & (a | b)));
}

void compress_block(Sha256State& state, const std::uint8_t* data) {
    Words w;  // all written by expand()
    expand(w, data);
    const auto sum = [&w](std::size_t i) { return k_round[i] + w[i]; };
    auto [a, b, c, d, e, f, g, h] = state;
    for (std::size_t i = 0; i < k_round.size(); i += 8) {
        one_round(a, b, c, d, e, f, g, h, sum(i));
        one_round(h, a, b, c, d, e, f, g, sum(i + 1));
        one_round(g, h, a, b, c, d, e, f, sum(i + 2));
        one_round(f, g, h, a, b, c, d, e, sum(i + 3));
        one_round(e, f, g, h, a, b, c, d, sum(i + 4));
        one_round(d, e, f, g, h, a, b, c, sum(i + 5));
        one_round(c, d, e, f, g, h, a, b, sum(i + 6));
        one_round(b, c, d, e, f, g, h, a, sum(i + 7));
    }
    const Sha256State out = {a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < state.size(); ++i) {
        state[i] += out[i];
    }
}

}  // namespace

void sha256_compress_portable(Sha256State& state, const std::uint8_t* data, std::size_t blocks) {
    for (; blocks > 0; --blocks, data += k_block) {
        compress_block(state, data);
    }
}

#if defined(__i386__) || defined(__x86_64__)

namespace {

constexpr unsigned k_leaf1_ecx_ssse3 = 1U << 9U;
constexpr unsigned k_leaf1_ecx_sse41 = 1U << 19U;
constexpr unsigned k_leaf7_ebx_sha = 1U << 29U;

[[gnu::target("sha,sse4.1"), gnu::always_inline]] inline __m128i load_vector(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

/// Four rounds on the message words `w`; the state is spread over two vectors as the instructions want it.
[[gnu::target("sha,sse4.1"), gnu::always_inline]] inline void four_rounds(__m128i& abef, __m128i& cdgh, __m128i w,
                                                      const std::uint32_t* round) {
    const __m128i sum = _mm_add_epi32(w, load_vector(round));
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
}

/// Four words of the block: they are big-endian there.
[[gnu::target("sha,sse4.1"), gnu::always_inline]] inline __m128i message_words(const std::uint8_t* data) {
    return _mm_shuffle_epi8(load_vector(data), _mm_set_epi64x(0x0C0D0E0F08090A0BLL, 0x0405060700010203LL));
}

/// The next four message words from the last sixteen (w0 oldest).
[[gnu::target("sha,sse4.1"), gnu::always_inline]] inline __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3) {
    const __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
    return _mm_sha256msg2_epu32(partial, w3);
}

}  // namespace

bool has_sha_extensions() {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    constexpr unsigned k_needed = k_leaf1_ecx_ssse3 | k_leaf1_ecx_sse41;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & k_needed) != k_needed) {
        return false;
    }
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & k_leaf7_ebx_sha) != 0;
}

[[gnu::target("sha,sse4.1")]] void sha256_compress_extensions(Sha256State& state, const std::uint8_t* data,
                                                              std::size_t blocks) {
    const __m128i dcba = load_vector(state.data());
    const __m128i hgfe = load_vector(state.data() + 4);
    const __m128i cdab = _mm_shuffle_epi32(dcba, 0xB1);
    const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1B);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
    for (; blocks > 0; --blocks, data += k_block) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        auto w0 = message_words(data), w1 = message_words(data + 16), w2 = message_words(data + 32), w3 = message_words(data + 48);
        four_rounds(abef, cdgh, w0, &k_round[0]);
        four_rounds(abef, cdgh, w1, &k_round[4]);
        four_rounds(abef, cdgh, w2, &k_round[8]);
        four_rounds(abef, cdgh, w3, &k_round[12]);
        for (std::size_t i = 16; i < k_round.size(); i += 16) {  // sixteen at a time, so that every word has a register
            w0 = next_words(w0, w1, w2, w3);
            four_rounds(abef, cdgh, w0, &k_round[i]);
            w1 = next_words(w1, w2, w3, w0);
            four_rounds(abef, cdgh, w1, &k_round[i + 4]);
            w2 = next_words(w2, w3, w0, w1);
            four_rounds(abef, cdgh, w2, &k_round[i + 8]);
            w3 = next_words(w3, w0, w1, w2);
            four_rounds(abef, cdgh, w3, &k_round[i + 12]);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data()), _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data() + 4), _mm_alignr_epi8(dchg, feba, 8));
}

#else

bool has_sha_extensions() { return false; }

void sha256_compress_extensions(Sha256State& state, const std::uint8_t* data, std::size_t blocks) {
    sha256_compress_portable(state, data, blocks);
}

#endif

void sha256_compress(Sha256State& state, const std::uint8_t* data, std::size_t blocks) {
    static const bool fast = has_sha_extensions();
    fast ? sha256_compress_extensions(state, data, blocks) : sha256_compress_portable(state, data, blocks);
}

}  // namespace hagent::trust
