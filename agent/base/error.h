// SPDX-License-Identifier: Apache-2.0
// Owns Error: what went wrong, as a catalogue row, the native number behind it and where it happened; and Failure, how
// an Error travels.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "agent/base/check.h"
#include "agent/base/text_view.h"
#include "agent/errors/id.h"

namespace hagent {

/// A failure as a value. `id` names a row of the error catalogue (permanent number, plain text, retry rule);
/// `os` is the operating system's own number (errno, GetLastError; 0 when none); `context` says which file,
/// host or step in a few words and never holds a secret.
struct Error {
    errors::Id id;
    std::int64_t os = 0;
    std::string context;

    /// The same error with `where` put in front of the context ("where: context").
    [[nodiscard]] Error with(TextView where) &&;

    /// Rows of other protocols are compared by `id`.
    [[nodiscard]] bool is(errors::AgentCode code) const { return id == errors::agent(code); }
};

template <class T>
class Result;

/// An Error on its way up: one pointer, so that passing it on costs a move of one word. Errors are rare, so each
/// lives on the heap. A failure that was moved from stays one, but reading its Error aborts. (Inside of a Result there
/// is also the failure without an Error: its success.)
class [[nodiscard]] Failure {
public:
    explicit Failure(const Error& error) : error_(kept(error)) {}
    explicit Failure(Error&& error) : error_(kept(std::move(error))) {}
    Failure(errors::Id id, TextView context) : error_(made(id, context)) {}
    Failure(errors::Id id, std::int64_t os, TextView context) : error_(made(id, os, context)) {}
    Failure(errors::Id id, std::initializer_list<TextView> context) : error_(made(id, context)) {}
    Failure(const Failure& other) : error_(other.holds() ? kept(*other.error_) : other.error_) {}
    Failure(Failure&& other) noexcept : error_(other.error_) { other.leave(); }
    Failure& operator=(Failure other) noexcept { return std::swap(error_, other.error_), *this; }
    ~Failure() {
        if (holds()) {
            drop(error_);
        }
    }

    [[nodiscard]] Error& error() { return check(holds()), *error_; }
    [[nodiscard]] const Error& error() const { return check(holds()), *error_; }
    operator const Error&() const { return error(); }  // lives as long as the failure

    /// As Error::with().
    Failure with(TextView where) &&;

private:
    template <class T>
    friend class Result;
    Failure() = default;

    // Here and not in the class's own lines, because several hundred places make a failure and several thousand could
    // end one.
    [[nodiscard]] static Error* kept(const Error& error);
    [[nodiscard]] static Error* kept(Error&& error);
    [[nodiscard]] static Error* made(errors::Id id, TextView context);
    [[nodiscard]] static Error* made(errors::Id id, std::int64_t os, TextView context);
    [[nodiscard]] static Error* made(errors::Id id, std::initializer_list<TextView> context);
    static void drop(Error* error);

    [[nodiscard]] bool none() const { return error_ == nullptr; }
    [[nodiscard]] static Error* moved_out() { return reinterpret_cast<Error*>(std::uintptr_t{1}); }
    [[nodiscard]] bool holds() const { return reinterpret_cast<std::uintptr_t>(error_) > 1; }
    void leave() {
        if (error_ != nullptr) {
            error_ = moved_out();
        }
    }

    Error* error_ = nullptr;
};

/// A context that is put together is given in its parts, as to concat().
[[nodiscard]] inline Failure error(errors::Id id, TextView context = {}) { return {id, context}; }
[[nodiscard]] inline Failure error(errors::Id id, std::initializer_list<TextView> context) { return {id, context}; }
[[nodiscard]] inline Failure error(errors::AgentCode code, TextView context = {}) {
    return {errors::agent(code), context};
}
[[nodiscard]] inline Failure error(errors::AgentCode code, std::initializer_list<TextView> context) {
    return {errors::agent(code), context};
}

}  // namespace hagent
