// SPDX-License-Identifier: Apache-2.0
// Owns operator new and delete of the programs that count their heap. All forms are replaced: a checker's own ones must
// not mix in.
#include "tests/unit/manager/live_heap.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace hagent::live_heap {
namespace {

constinit std::atomic<std::int64_t> live_bytes{0};

/// Stands before each block.
struct Head {
    void* raw;
    std::size_t bytes;
};

Head* head_of(void* block) { return static_cast<Head*>(block) - 1; }

void* take_aligned(std::size_t bytes, std::size_t alignment) {
    std::size_t room = bytes + alignment;
    void* raw = std::malloc(room + sizeof(Head));
    if (raw == nullptr) {
        std::abort();
    }
    void* block = static_cast<Head*>(raw) + 1;
    block = std::align(alignment, bytes, block, room);
    *head_of(block) = {raw, bytes};
    live_bytes.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
    return block;
}

}  // namespace

std::int64_t bytes() { return live_bytes.load(std::memory_order_relaxed); }

bool counts() {
    const std::int64_t before = bytes();
    void* block = ::operator new(1000);
    const bool seen = bytes() - before >= 1000;
    ::operator delete(block);
    return seen;
}

void* take(std::size_t bytes) { return take_aligned(bytes, alignof(std::max_align_t)); }

void* take_zeroed(std::size_t count, std::size_t bytes) { return std::memset(take(count * bytes), 0, count * bytes); }

void* take_again(void* block, std::size_t bytes) {
    void* other = take(bytes);
    if (block != nullptr) {
        std::memcpy(other, block, std::min(bytes, head_of(block)->bytes));
        give_back(block);
    }
    return other;
}

char* take_text(const char* text) {
    const std::size_t bytes = std::strlen(text) + 1;
    return static_cast<char*>(std::memcpy(take(bytes), text, bytes));
}

void give_back(void* block) {
    if (block != nullptr) {
        live_bytes.fetch_sub(static_cast<std::int64_t>(head_of(block)->bytes), std::memory_order_relaxed);
        std::free(head_of(block)->raw);
    }
}

}  // namespace hagent::live_heap

using hagent::live_heap::give_back;
using hagent::live_heap::take;
using hagent::live_heap::take_aligned;

// clang-format off
void* operator new(std::size_t n) { return take(n); }
void* operator new[](std::size_t n) { return take(n); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return take(n); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return take(n); }
void* operator new(std::size_t n, std::align_val_t a) { return take_aligned(n, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return take_aligned(n, static_cast<std::size_t>(a)); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return take_aligned(n, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return take_aligned(n, static_cast<std::size_t>(a)); }
void operator delete(void* p) noexcept { give_back(p); }
void operator delete[](void* p) noexcept { give_back(p); }
void operator delete(void* p, std::size_t) noexcept { give_back(p); }
void operator delete[](void* p, std::size_t) noexcept { give_back(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { give_back(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { give_back(p); }
void operator delete(void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete[](void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { give_back(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { give_back(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { give_back(p); }
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { give_back(p); }
// clang-format on
