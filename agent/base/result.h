// SPDX-License-Identifier: Apache-2.0
// Owns Result<T>, the one way to fail, and TRY, the one macro that passes a failure on.
#pragma once

#include <memory>
#include <utility>

#include "agent/base/check.h"
#include "agent/base/error.h"

namespace hagent {

/// Either a T or an Error. Reading the wrong side is a bug in us and aborts. Besides the T it holds one pointer: the
/// Error lives on the heap, none is success. A result whose value or error was moved out stays what it was: ok() says
/// the same, and only the moved value, or the abort of reading the moved error, shows it.
template <class T>
class [[nodiscard]] Result {
public:
    using value_type = T;

    Result(const T& value) : value_(value) {}
    Result(T&& value) : value_(std::move(value)) {}
    Result(const Error& error) : failure_(error) {}
    Result(Error&& error) : failure_(std::move(error)) {}
    Result(Failure&& failure) : failure_(std::move(failure)) {}

    Result(const Result& other) : failure_(other.failure_) {
        if (ok()) {
            std::construct_at(&value_, other.value_);
        }
    }
    Result(Result&& other) noexcept : failure_(std::move(other.failure_)) {
        if (ok()) {
            std::construct_at(&value_, std::move(other.value_));
        }
    }
    Result& operator=(const Result& other) { return *this = Result(other); }
    Result& operator=(Result&& other) noexcept {
        if (this != &other) {
            std::destroy_at(this);
            std::construct_at(this, std::move(other));
        }
        return *this;
    }
    ~Result() {
        if (ok()) {
            std::destroy_at(&value_);
        }
    }

    [[nodiscard]] bool ok() const { return failure_.none(); }
    explicit operator bool() const { return ok(); }

    [[nodiscard]] T& value() & { return check(ok()), value_; }
    [[nodiscard]] const T& value() const& { return check(ok()), value_; }
    [[nodiscard]] T&& value() && { return check(ok()), std::move(value_); }
    [[nodiscard]] T value_or(T other) && { return ok() ? std::move(value_) : std::move(other); }

    [[nodiscard]] Error& error() & { return failure_.error(); }
    [[nodiscard]] const Error& error() const& { return failure_.error(); }
    [[nodiscard]] Error&& error() && { return std::move(failure_.error()); }
    /// The failure itself, to be passed on as the result of another type.
    [[nodiscard]] Failure failure() && { return check(!ok()), std::move(failure_); }

    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

private:
    union {
        T value_;  // there when the failure is none
    };
    Failure failure_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;

    Result() = default;
    Result(const Error& error) : failure_(error) {}
    Result(Error&& error) : failure_(std::move(error)) {}
    Result(Failure&& failure) : failure_(std::move(failure)) {}

    [[nodiscard]] bool ok() const { return failure_.none(); }
    explicit operator bool() const { return ok(); }
    void value() const { check(ok()); }

    [[nodiscard]] Error& error() & { return failure_.error(); }
    [[nodiscard]] const Error& error() const& { return failure_.error(); }
    [[nodiscard]] Error&& error() && { return std::move(failure_.error()); }
    [[nodiscard]] Failure failure() && { return check(!ok()), std::move(failure_); }

private:
    Failure failure_;
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
            return std::move(name).failure(); \
        } \
        std::move(name).value(); \
    })
