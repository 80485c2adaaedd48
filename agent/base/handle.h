// SPDX-License-Identifier: Apache-2.0
// Owns UniqueHandle: one move-only owner for any operating system or library resource.
#pragma once

#include <utility>

namespace hagent {

/// Traits supply `using Value`, `static Value none()` and `static void close(Value)`. A resource is closed once, by
/// whoever owns it last, on every way out of a function.
template <class Traits>
class UniqueHandle {
public:
    using Value = typename Traits::Value;

    UniqueHandle() = default;
    explicit UniqueHandle(Value value) : value_(value) {}
    UniqueHandle(UniqueHandle&& other) noexcept : value_(other.release()) {}
    UniqueHandle& operator=(UniqueHandle&& other) noexcept {
        if (this != &other) {
            reset(other.release());
        }
        return *this;
    }
    UniqueHandle(const UniqueHandle&) = delete;
    UniqueHandle& operator=(const UniqueHandle&) = delete;
    ~UniqueHandle() { reset(); }

    [[nodiscard]] Value get() const { return value_; }
    explicit operator bool() const { return value_ != Traits::none(); }
    /// The value without its owner: the caller closes it.
    Value release() { return std::exchange(value_, Traits::none()); }
    /// The new value is in place before the old one is closed.
    void reset(Value value = Traits::none()) {
        if (Value old = std::exchange(value_, value); old != Traits::none()) {
            Traits::close(old);
        }
    }

private:
    Value value_ = Traits::none();
};

}  // namespace hagent
