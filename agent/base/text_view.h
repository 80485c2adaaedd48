// SPDX-License-Identifier: Apache-2.0
// Owns TextView: how a function that many places call takes a text.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace hagent {

/// A borrowed text, as a parameter only: whatever the caller has becomes two words without a call and without a branch.
/// A std::string_view of a std::string costs each caller the question where the string keeps its bytes; here the string
/// itself is pointed at, and the one function called asks. Never kept: it is good while the call lasts.
class TextView {
public:
    TextView() : TextView("") {}
    TextView(const char* text) : data_(text), size_(k_terminated) {}
    TextView(std::string_view text) : data_(text.data()), size_(text.size()) {}
    TextView(const std::string& text) : data_(&text), size_(k_string) {}
    /// Constant words that end with a zero (errors::Words).
    template <class Words>
    requires requires(const Words& words) {
        { words.c_str() } -> std::same_as<const char*>;
    }
    TextView(const Words& words) : TextView(words.c_str()) {}

    [[nodiscard]] std::string_view view() const;
    operator std::string_view() const { return view(); }

private:
    static constexpr std::size_t k_string = static_cast<std::size_t>(-1);
    static constexpr std::size_t k_terminated = static_cast<std::size_t>(-2);

    const void* data_;  // the bytes, or the std::string
    std::size_t size_;  // k_string: data_ is one; k_terminated: up to the first zero
};

}  // namespace hagent
