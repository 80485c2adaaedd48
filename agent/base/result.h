// SPDX-License-Identifier: Apache-2.0
// Owns Result<T>, the one way to fail, and TRY, the one macro that passes a failure on.
#pragma once

#include <optional>
#include <utility>

#include "agent/base/check.h"
#include "agent/base/error.h"

namespace hagent {

/// Either a T or an Error. Reading the wrong side is a bug in us and aborts.
template <class T>
class [[nodiscard]] Result {
public:
    using value_type = T;

    Result(const T& value) : value_(std::in_place, value) {}
    Result(T&& value) : value_(std::in_place, std::move(value)) {}
    Result(const Error& error) : error_(error) {}
    Result(Error&& error) : error_(std::move(error)) {}

    [[nodiscard]] bool ok() const { return value_.has_value(); }
    explicit operator bool() const { return ok(); }

    [[nodiscard]] T& value() & { return check(ok()), *value_; }
    [[nodiscard]] const T& value() const& { return check(ok()), *value_; }
    [[nodiscard]] T&& value() && { return check(ok()), std::move(*value_); }
    [[nodiscard]] T value_or(T other) && { return ok() ? std::move(*value_) : std::move(other); }

    [[nodiscard]] Error& error() & { return check(!ok()), error_; }
    [[nodiscard]] const Error& error() const& { return check(!ok()), error_; }
    [[nodiscard]] Error&& error() && { return check(!ok()), std::move(error_); }

    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

private:
    // two plain members and not a variant: what a variant does to copy and destroy itself is larger
    std::optional<T> value_;
    Error error_{};  // read only when there is no value
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;

    Result() = default;
    Result(const Error& error) : error_(error) {}
    Result(Error&& error) : error_(std::move(error)) {}

    [[nodiscard]] bool ok() const { return !error_.has_value(); }
    explicit operator bool() const { return ok(); }
    void value() const { check(ok()); }

    [[nodiscard]] Error& error() & { return check(!ok()), *error_; }
    [[nodiscard]] const Error& error() const& { return check(!ok()), *error_; }
    [[nodiscard]] Error&& error() && { return check(!ok()), std::move(*error_); }

private:
    std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace hagent

/// The value of a Result, or the enclosing function returns its Error. May be nested.
#define TRY(expression) HAGENT_TRY_AS(HAGENT_TRY_NAME(__COUNTER__), expression)
#define HAGENT_TRY_NAME(number) HAGENT_TRY_JOIN(hagent_try_, number)
#define HAGENT_TRY_JOIN(name, number) name##number
#define HAGENT_TRY_AS(name, expression) \
    __extension__({ \
        auto name = (expression); \
        if (!name.ok()) { \
            return std::move(name).error(); \
        } \
        std::move(name).value(); \
    })
