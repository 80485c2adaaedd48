// SPDX-License-Identifier: Apache-2.0
// Owns, in the static musl program, what the C++ library does when it gives up: it says so and ends. In place of the
// library's own way, which would carry code to unwind the stack and to spell the names of types (125 KiB) for
// exceptions that nobody catches.
#include <unistd.h>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <new>

#define HAGENT_RUNTIME extern "C" __attribute__((visibility("default")))

namespace {

[[noreturn]] void give_up() {
    constexpr char k_text[] =
        "hagent: no memory is left, or a rule of the C++ library was broken; this program ends here\n";
    [[maybe_unused]] const auto written = write(STDERR_FILENO, k_text, sizeof k_text - 1);
    std::abort();
}

void* given(void* memory) {
    if (memory == nullptr) {
        give_up();
    }
    return memory;
}

std::size_t rounded_up(std::size_t size, std::size_t step) { return (size + step - 1) / step * step; }

}  // namespace

void* operator new(std::size_t size) { return given(std::malloc(size == 0 ? 1 : size)); }
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, std::align_val_t step) {
    const auto bytes = static_cast<std::size_t>(step);
    return given(std::aligned_alloc(bytes, rounded_up(size == 0 ? 1 : size, bytes)));
}
void* operator new[](std::size_t size, std::align_val_t step) { return operator new(size, step); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

void std::terminate() noexcept { give_up(); }

// Itanium C++ ABI, levels I and II: what compiled code calls around exceptions. The first two end the program, so that
// there never is an exception to count, to catch or to pass on.
#define HAGENT_ENDS(name) \
    HAGENT_RUNTIME void name() { give_up(); }
HAGENT_ENDS(__cxa_allocate_exception)
HAGENT_ENDS(__cxa_throw)
HAGENT_ENDS(__cxa_init_primary_exception)
HAGENT_ENDS(__cxa_free_exception)
HAGENT_ENDS(__cxa_begin_catch)
HAGENT_ENDS(__cxa_end_catch)
HAGENT_ENDS(__cxa_rethrow)
HAGENT_ENDS(__cxa_rethrow_primary_exception)
HAGENT_ENDS(__gxx_personality_v0)
HAGENT_ENDS(_Unwind_Resume)
HAGENT_RUNTIME void __cxa_increment_exception_refcount(void* /*exception*/) {}
HAGENT_RUNTIME void __cxa_decrement_exception_refcount(void* /*exception*/) {}
HAGENT_RUNTIME void* __cxa_current_primary_exception() { return nullptr; }
HAGENT_RUNTIME unsigned __cxa_uncaught_exceptions() { return 0; }
