// SPDX-License-Identifier: Apache-2.0
// Owns, in the static musl program, the copying and comparing of memory. It is copied by the processor's string
// instructions, which every x86 since 2010 runs at the speed of its cache, in place of the compiler's own functions,
// which copy word by word where no vector registers may be used: twenty times slower, and every byte of a transfer is
// copied. It is compared by words; the C library goes byte by byte, and every byte of a slot is looked at.
#include <cstddef>
#include <cstdint>

#define HAGENT_RUNTIME extern "C" __attribute__((visibility("default"), used))

namespace {

constexpr std::size_t k_word = 4;

struct __attribute__((packed, may_alias)) Word {
    std::uint32_t value;
};

bool same_word(const unsigned char* a, const unsigned char* b) {
    return reinterpret_cast<const Word*>(a)->value == reinterpret_cast<const Word*>(b)->value;
}

void copy_upwards(void* to, const void* from, std::size_t size) {
    std::size_t words = size / k_word, bytes = size % k_word;
    asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

void copy_downwards(void* to, const void* from, std::size_t size) {
    auto* to_last = static_cast<char*>(to) + size - 1;
    auto* from_last = static_cast<const char*>(from) + size - 1;
    asm volatile("std; rep movsb; cld" : "+D"(to_last), "+S"(from_last), "+c"(size) : : "memory", "cc");
}

}  // namespace

HAGENT_RUNTIME void* memcpy(void* to, const void* from, std::size_t size) {
    copy_upwards(to, from, size);
    return to;
}

HAGENT_RUNTIME void* memmove(void* to, const void* from, std::size_t size) {
    // The difference wraps around where `to` lies below `from`: only a target inside the source has to be filled from
    // its end.
    const auto distance = reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from);
    distance >= size ? copy_upwards(to, from, size) : copy_downwards(to, from, size);
    return to;
}

HAGENT_RUNTIME int memcmp(const void* left, const void* right, std::size_t size) {
    const auto* a = static_cast<const unsigned char*>(left);
    const auto* b = static_cast<const unsigned char*>(right);
    for (; size >= k_word && same_word(a, b); size -= k_word) {
        a += k_word;
        b += k_word;
    }
    for (; size != 0; --size) {
        if (const int difference = *a++ - *b++; difference != 0) {
            return difference;
        }
    }
    return 0;
}

/// What the compiler calls where only equality is asked for.
HAGENT_RUNTIME int bcmp(const void* left, const void* right, std::size_t size) { return memcmp(left, right, size); }
