// SPDX-License-Identifier: Apache-2.0
// What copies and compares memory in the static musl program, beside a loop over bytes that cannot be wrong.
#include <doctest/doctest.h>
#include <strings.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace {

constexpr std::size_t k_room = 96;
using Bytes = std::array<unsigned char, k_room>;

Bytes numbered() {
    Bytes bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<unsigned char>(i + 1);
    }
    return bytes;
}

/// `bytes` after `size` of them were copied from place `from` to place `to`, all read before any is written.
Bytes expected(const Bytes& bytes, std::size_t to, std::size_t from, std::size_t size) {
    Bytes result = bytes;
    for (std::size_t i = 0; i < size; ++i) {
        result[to + i] = bytes[from + i];
    }
    return result;
}

// Called through these, so that the compiler does not put its own code in their place.
void* (*volatile copy)(void*, const void*, std::size_t) = std::memcpy;
void* (*volatile move)(void*, const void*, std::size_t) = std::memmove;
int (*volatile compare)(const void*, const void*, std::size_t) = std::memcmp;
int (*volatile differ)(const void*, const void*, std::size_t) = bcmp;

}  // namespace

TEST_CASE("memmove copies every length between every two places, whichever way they overlap") {
    const Bytes before = numbered();
    std::size_t wrong = 0;
    for (std::size_t to = 0; to <= k_room / 2; ++to) {
        for (std::size_t from = 0; from <= k_room / 2; ++from) {
            for (std::size_t size = 0; size <= k_room / 2; ++size) {
                Bytes bytes = before;
                wrong += move(&bytes[to], &bytes[from], size) != &bytes[to];
                wrong += bytes != expected(before, to, from, size);
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("memcpy copies every length to every alignment and returns the target") {
    const Bytes from = numbered();
    std::size_t wrong = 0;
    for (std::size_t to = 0; to < 8; ++to) {
        for (std::size_t start = 0; start < 8; ++start) {
            for (std::size_t size = 0; size + 8 <= k_room; ++size) {
                Bytes bytes{}, plain{};
                for (std::size_t i = 0; i < size; ++i) {
                    plain[to + i] = from[start + i];
                }
                wrong += copy(&bytes[to], &from[start], size) != &bytes[to];
                wrong += bytes != plain;
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("memcmp and bcmp find one byte that differs, at every place of every length and alignment") {
    constexpr std::size_t k_longest = 24;
    std::size_t wrong = 0;
    for (std::size_t start = 0; start < 8; ++start) {
        for (std::size_t size = 0; size <= k_longest; ++size) {
            const Bytes left = numbered();
            Bytes right{};
            std::memcpy(&right[1], &left[start], size);
            wrong += compare(&left[start], &right[1], size) != 0;
            wrong += differ(&left[start], &right[1], size) != 0;
            for (std::size_t at = 0; at < size; ++at) {
                const auto byte = right[1 + at];
                right[1 + at] = 0xFF;
                wrong += compare(&left[start], &right[1], size) >= 0;
                wrong += compare(&right[1], &left[start], size) <= 0;
                wrong += differ(&left[start], &right[1], size) == 0;
                right[1 + at] = byte;
            }
        }
    }
    CHECK(wrong == 0);
}
