// SPDX-License-Identifier: Apache-2.0
// Owns the count of what a test program holds on the heap. Linking live_heap.cpp replaces operator new and delete of
// that program.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hagent::live_heap {

/// Bytes that were asked for and not given back yet, on all threads: by operator new, and by take() and its like.
[[nodiscard]] std::int64_t bytes();

/// Whether operator new of this program counts. Where a checker keeps its own one, a test has to say so.
[[nodiscard]] bool counts();

/// The C library's functions over the same count, for libraries that can be given theirs.
[[nodiscard]] void* take(std::size_t bytes);
[[nodiscard]] void* take_zeroed(std::size_t count, std::size_t bytes);
[[nodiscard]] void* take_again(void* block, std::size_t bytes);
[[nodiscard]] char* take_text(const char* text);
void give_back(void* block);

}  // namespace hagent::live_heap
