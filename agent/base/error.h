// SPDX-License-Identifier: Apache-2.0
// Owns Error: what went wrong, as a catalogue row, the native number behind it and where it happened; and Failure, how
// an Error travels.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/check.h"
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
    [[nodiscard]] Error with(std::string_view where) &&;

    [[nodiscard]] bool is(errors::AgentCode code) const { return id == errors::agent(code); }
};

/// An Error on its way up, or none: one pointer, so that passing it on costs a move of one word. Errors are rare, so
/// each lives on the heap. An Error that was moved out leaves a failure without an Error behind: it is still no
/// success, and reading it aborts.
class [[nodiscard]] Failure {
public:
    Failure() = default;
    explicit Failure(const Error& error) : error_(kept(error)) {}
    explicit Failure(Error&& error) : error_(kept(std::move(error))) {}
    Failure(errors::Id id, std::int64_t os, std::string_view context) : error_(made(id, os, context)) {}
    Failure(const Failure& other) : error_(other.holds() ? kept(*other.error_) : other.error_) {}
    Failure(Failure&& other) noexcept : error_(other.error_) { other.leave(); }
    Failure& operator=(Failure other) noexcept { return std::swap(error_, other.error_), *this; }
    ~Failure() {
        if (holds()) {
            drop(error_);
        }
    }

    [[nodiscard]] bool none() const { return error_ == nullptr; }
    [[nodiscard]] Error& error() { return check(holds()), *error_; }
    [[nodiscard]] const Error& error() const { return check(holds()), *error_; }
    operator const Error&() const { return error(); }  // lives as long as the failure

    /// As Error::with().
    Failure with(std::string_view where) &&;

private:
    // Here and not in the class's own lines, because several hundred places make a failure and several thousand could
    // end one.
    [[nodiscard]] static Error* kept(const Error& error);
    [[nodiscard]] static Error* kept(Error&& error);
    [[nodiscard]] static Error* made(errors::Id id, std::int64_t os, std::string_view context);
    static void drop(Error* error);

    [[nodiscard]] static Error* moved_out() { return reinterpret_cast<Error*>(std::uintptr_t{1}); }
    [[nodiscard]] bool holds() const { return reinterpret_cast<std::uintptr_t>(error_) > 1; }
    void leave() {
        if (error_ != nullptr) {
            error_ = moved_out();
        }
    }

    Error* error_ = nullptr;
};

[[nodiscard]] inline Failure error(errors::Id id, std::string_view context = {}) { return {id, 0, context}; }
[[nodiscard]] inline Failure error(errors::AgentCode code, std::string_view context = {}) {
    return {errors::agent(code), 0, context};
}

}  // namespace hagent
