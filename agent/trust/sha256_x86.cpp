// SPDX-License-Identifier: Apache-2.0
// Owns the compressions that use what x86 processors have: the SHA extensions, or else four message words at a time by
// SSSE3, with BMI2 for the rounds where there is that.
#include "agent/trust/sha256_kernel.h"
#include "agent/trust/sha256_round.h"

#if defined(__i386__) || defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

namespace hagent::trust {
namespace {

constexpr unsigned k_leaf1_ecx_ssse3 = 1U << 9U;
constexpr unsigned k_leaf1_ecx_sse41 = 1U << 19U;
constexpr unsigned k_leaf7_ebx_sha = 1U << 29U;

[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i load_vector(const void* from) {
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
[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i message_words(const std::uint8_t* data) {
    return _mm_shuffle_epi8(load_vector(data), _mm_set_epi64x(0x0C0D0E0F08090A0BLL, 0x0405060700010203LL));
}

/// The next four message words from the last sixteen (w0 oldest).
[[gnu::target("sha,sse4.1"), gnu::always_inline]] inline __m128i next_words(__m128i w0, __m128i w1, __m128i w2,
                                                                            __m128i w3) {
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
    for (; blocks > 0; --blocks, data += k_sha256_block) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        auto w0 = message_words(data), w1 = message_words(data + 16), w2 = message_words(data + 32),
             w3 = message_words(data + 48);
        four_rounds(abef, cdgh, w0, &k_sha256_round[0]);
        four_rounds(abef, cdgh, w1, &k_sha256_round[4]);
        four_rounds(abef, cdgh, w2, &k_sha256_round[8]);
        four_rounds(abef, cdgh, w3, &k_sha256_round[12]);
        for (std::size_t i = 16; i < k_sha256_round.size();
             i += 16) {  // sixteen at a time, so that every word has a register
            w0 = next_words(w0, w1, w2, w3);
            four_rounds(abef, cdgh, w0, &k_sha256_round[i]);
            w1 = next_words(w1, w2, w3, w0);
            four_rounds(abef, cdgh, w1, &k_sha256_round[i + 4]);
            w2 = next_words(w2, w3, w0, w1);
            four_rounds(abef, cdgh, w2, &k_sha256_round[i + 8]);
            w3 = next_words(w3, w0, w1, w2);
            four_rounds(abef, cdgh, w3, &k_sha256_round[i + 12]);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data()), _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data() + 4), _mm_alignr_epi8(dchg, feba, 8));
}

namespace {

[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i turned(__m128i x, int bits) {
    return _mm_or_si128(_mm_srli_epi32(x, bits), _mm_slli_epi32(x, 32 - bits));
}

/// The small sigma 1 of two words, each of which stands twice in `pairs`: shifting both together turns them.
[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i sigma1_of_two(__m128i pairs) {
    return _mm_xor_si128(_mm_srli_epi32(pairs, 10),
                         _mm_xor_si128(_mm_srli_epi64(pairs, 17), _mm_srli_epi64(pairs, 19)));
}

/// The next four message words from the last sixteen (w0 oldest). The last two depend on the first two.
[[gnu::target("ssse3"), gnu::always_inline]] inline __m128i next_words_ssse3(__m128i w0, __m128i w1, __m128i w2,
                                                                             __m128i w3) {
    const __m128i to_low = _mm_set_epi32(-1, -1, 0x0B0A0908, 0x03020100);
    const __m128i to_high = _mm_set_epi32(0x0B0A0908, 0x03020100, -1, -1);
    const __m128i later = _mm_alignr_epi8(w1, w0, 4);
    const __m128i sigma0 = _mm_xor_si128(_mm_xor_si128(turned(later, 7), turned(later, 18)), _mm_srli_epi32(later, 3));
    __m128i words = _mm_add_epi32(_mm_add_epi32(w0, sigma0), _mm_alignr_epi8(w3, w2, 4));
    words = _mm_add_epi32(words, _mm_shuffle_epi8(sigma1_of_two(_mm_shuffle_epi32(w3, 0xFA)), to_low));
    return _mm_add_epi32(words, _mm_shuffle_epi8(sigma1_of_two(_mm_shuffle_epi32(words, 0x50)), to_high));
}

/// Message words with the constants of their rounds added, which go through memory to the other registers.
struct Sums {
    alignas(16) std::array<std::uint32_t, 16> at;

    [[gnu::target("ssse3"), gnu::always_inline]] void set(std::size_t i, __m128i words, std::size_t round) {
        _mm_store_si128(reinterpret_cast<__m128i*>(&at[i]), _mm_add_epi32(words, load_vector(&k_sha256_round[round])));
    }
    [[gnu::always_inline]] void four_rounds(auto& values, std::size_t i) const {
        values.four_rounds(at[i], at[i + 1], at[i + 2], at[i + 3]);
    }
};

template <Turns turns>
[[gnu::target("ssse3"), gnu::always_inline]] inline void compress_by_four(Sha256State& state, const std::uint8_t* data,
                                                                          std::size_t blocks) {
    Sums sums;
    for (; blocks > 0; --blocks, data += k_sha256_block) {
        auto w0 = message_words(data), w1 = message_words(data + 16), w2 = message_words(data + 32),
             w3 = message_words(data + 48);
        sums.set(0, w0, 0);
        sums.set(4, w1, 4);
        sums.set(8, w2, 8);
        sums.set(12, w3, 12);
        Sha256Values<turns> values(state);
        for (std::size_t next = 16; next < k_sha256_round.size();
             next += 16) {  // rounds, and the words of those sixteen later
            sums.four_rounds(values, 0);
            sums.set(0, w0 = next_words_ssse3(w0, w1, w2, w3), next);
            sums.four_rounds(values, 4);
            sums.set(4, w1 = next_words_ssse3(w1, w2, w3, w0), next + 4);
            sums.four_rounds(values, 8);
            sums.set(8, w2 = next_words_ssse3(w2, w3, w0, w1), next + 8);
            sums.four_rounds(values, 12);
            sums.set(12, w3 = next_words_ssse3(w3, w0, w1, w2), next + 12);
        }
        for (std::size_t i = 0; i < sums.at.size(); i += 4) {
            sums.four_rounds(values, i);
        }
        values.add_to(state);
    }
}

}  // namespace

bool has_ssse3() {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & k_leaf1_ecx_ssse3) != 0;
}

[[gnu::target("ssse3")]] void sha256_compress_ssse3(Sha256State& state, const std::uint8_t* data, std::size_t blocks) {
    compress_by_four<Turns::nested>(state, data, blocks);
}

#if defined(__x86_64__)
bool has_bmi2() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx") != 0 && __builtin_cpu_supports("bmi") != 0 &&
           __builtin_cpu_supports("bmi2") != 0;
}

[[gnu::target("avx,bmi,bmi2")]] void sha256_compress_bmi2(Sha256State& state, const std::uint8_t* data,
                                                          std::size_t blocks) {
    compress_by_four<Turns::apart>(state, data, blocks);
}
#else
bool has_bmi2() { return false; }
void sha256_compress_bmi2(Sha256State& state, const std::uint8_t* data, std::size_t blocks) {
    sha256_compress_ssse3(state, data, blocks);
}
#endif

}  // namespace hagent::trust

#else

namespace hagent::trust {

bool has_sha_extensions() { return false; }
bool has_bmi2() { return false; }
bool has_ssse3() { return false; }
void sha256_compress_extensions(Sha256State& state, const std::uint8_t* data, std::size_t blocks) {
    sha256_compress_portable(state, data, blocks);
}
void sha256_compress_bmi2(Sha256State& state, const std::uint8_t* data, std::size_t blocks) {
    sha256_compress_portable(state, data, blocks);
}
void sha256_compress_ssse3(Sha256State& state, const std::uint8_t* data, std::size_t blocks) {
    sha256_compress_portable(state, data, blocks);
}

}  // namespace hagent::trust

#endif
