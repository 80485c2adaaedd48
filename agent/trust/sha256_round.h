// SPDX-License-Identifier: Apache-2.0
// Owns the rounds of SHA-256 and their constants (FIPS 180-4, 4.2.2 and 6.2.2), for the compression functions of this
// folder.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "agent/trust/sha256_kernel.h"

namespace hagent::trust {

alignas(16) inline constexpr std::array<std::uint32_t, 64> k_sha256_round = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2};

inline constexpr std::size_t k_sha256_block = 64;

/// How a word is turned by three distances at once.
enum class Turns {
    nested,  // one inside the other: fewer copies where an instruction overwrites what it turns
    apart,   // each by itself: a shorter chain where it does not (BMI2)
};

/// The eight values in the course of a block.
template <Turns turns>
struct Sha256Values {
    std::uint32_t a, b, c, d, e, f, g, h;
    std::uint32_t b_xor_c = b ^ c;  // a ^ b of the round before

    explicit Sha256Values(const Sha256State& s)
        : a(s[0]), b(s[1]), c(s[2]), d(s[3]), e(s[4]), f(s[5]), g(s[6]), h(s[7]) {}
    void add_to(Sha256State& s) const {
        const Sha256State values = {a, b, c, d, e, f, g, h};
        for (std::size_t i = 0; i < s.size(); ++i) {
            s[i] += values[i];
        }
    }

    /// Four rounds; each sum is a message word plus its round's constant.
    [[gnu::always_inline]] void four_rounds(std::uint32_t sum0, std::uint32_t sum1, std::uint32_t sum2,
                                            std::uint32_t sum3) {
        round(a, b, d, e, f, g, h, sum0);
        round(h, a, c, d, e, f, g, sum1);
        round(g, h, b, c, d, e, f, sum2);
        round(f, g, a, b, c, d, e, sum3);
        std::swap(a, e);
        std::swap(b, f);
        std::swap(c, g);
        std::swap(d, h);
    }

private:
    template <int first, int second, int third>
    [[gnu::always_inline]] static std::uint32_t turned(std::uint32_t x) {
        if constexpr (turns == Turns::nested) {
            return std::rotr(std::rotr(std::rotr(x, third - second) ^ x, second - first) ^ x, first);
        } else {
            return std::rotr(x, first) ^ std::rotr(x, second) ^ std::rotr(x, third);
        }
    }

    /// The bits of `f` where `e` has ones, else those of `g`, together with `sum`.
    [[gnu::always_inline]] static std::uint32_t chosen(std::uint32_t e_of, std::uint32_t f_of, std::uint32_t g_of,
                                                       std::uint32_t sum) {
        if constexpr (turns == Turns::nested) {
            return sum + (g_of ^ (e_of & (f_of ^ g_of)));
        } else {
            return sum + (e_of & f_of) + (~e_of & g_of);
        }
    }

    /// Instead of moving the values along, the caller gives them in turned order. The next round waits for `d_of` and
    /// `h_of`: each is added up in two halves, so that what is known early does not come late.
    [[gnu::always_inline]] void round(std::uint32_t x, std::uint32_t y, std::uint32_t& d_of, std::uint32_t e_of,
                                      std::uint32_t f_of, std::uint32_t g_of, std::uint32_t& h_of, std::uint32_t sum) {
        const std::uint32_t x_xor_y = x ^ y;
        const std::uint32_t early = chosen(e_of, f_of, g_of, h_of + sum);
        const std::uint32_t turned_e = turned<6, 11, 25>(e_of);
        const std::uint32_t d_early = d_of + early;
        const std::uint32_t h_early = early + ((x_xor_y & b_xor_c) ^ y);
        const std::uint32_t late = turned_e + turned<2, 13, 22>(x);
        d_of = d_early + turned_e;
        h_of = h_early + late;
        b_xor_c = x_xor_y;
    }
};

}  // namespace hagent::trust
