// SPDX-License-Identifier: Apache-2.0
// Owns Result<T>, the one way to fail, and TRY, the one macro that passes a failure on.
#pragma once

#include <utility>
#include <variant>

#include "agent/base/check.h"
#include "agent/base/error.h"

namespace hagent {

/// Either a T or an Error. Reading the wrong side is a bug in us and aborts.
template <class T>
class [[nodiscard]] Result {
public:
    using value_type = T;

    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    [[nodiscard]] T& value() & { return check(ok()), *std::get_if<0>(&state_); }
    [[nodiscard]] const T& value() const& { return check(ok()), *std::get_if<0>(&state_); }
    [[nodiscard]] T&& value() && { return check(ok()), std::move(*std::get_if<0>(&state_)); }
    [[nodiscard]] T value_or(T other) && { return ok() ? std::move(*std::get_if<0>(&state_)) : std::move(other); }

    [[nodiscard]] Error& error() & { return check(!ok()), *std::get_if<1>(&state_); }
    [[nodiscard]] const Error& error() const& { return check(!ok()), *std::get_if<1>(&state_); }
    [[nodiscard]] Error&& error() && { return check(!ok()), std::move(*std::get_if<1>(&state_)); }

    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

private:
    std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;

    Result() = default;
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }
    void value() const { check(ok()); }

    [[nodiscard]] Error& error() & { return check(!ok()), *std::get_if<1>(&state_); }
    [[nodiscard]] const Error& error() const& { return check(!ok()), *std::get_if<1>(&state_); }
    [[nodiscard]] Error&& error() && { return check(!ok()), std::move(*std::get_if<1>(&state_)); }

private:
    std::variant<std::monostate, Error> state_;
};

using Status = Result<void>;

}  // namespace hagent

/// The value of a Result, or the enclosing function returns its Error. May be nested.
#define TRY(expression) HAGENT_TRY_AS(HAGENT_TRY_NAME(__COUNTER__), expression)
#define HAGENT_TRY_NAME(number) HAGENT_TRY_JOIN(hagent_try_, number)
#define HAGENT_TRY_JOIN(name, number) name##number
#define HAGENT_TRY_AS(name, expression)         \
    __extension__({                             \
        auto name = (expression);               \
        if (!name.ok()) {                       \
            return std::move(name).error();     \
        }                                       \
        std::move(name).value();                \
    })
