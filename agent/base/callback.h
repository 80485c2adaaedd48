// SPDX-License-Identifier: Apache-2.0
// Owns Callback: something to be called later, held by one owner.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "agent/base/check.h"

namespace hagent {

template <class Signature>
class Callback;

/// Any callable with that signature, on the heap. Move-only, so that each callable brings the code to call and to end
/// it and none to be copied; one that was moved from is empty, and calling an empty one is a bug in us and aborts. A
/// call may end or replace the callback that it is called through only if the callable does not look at itself
/// afterwards.
template <class Returned, class... Arguments>
class Callback<Returned(Arguments...)> {
public:
    Callback() = default;
    Callback(std::nullptr_t) {}
    template <class Callable>
    requires(!std::same_as<std::remove_cvref_t<Callable>, Callback> &&
             std::is_invocable_r_v<Returned, std::remove_cvref_t<Callable>&, Arguments...>)
        Callback(Callable&& callable)
        : body_(new Holder<std::remove_cvref_t<Callable>>(std::forward<Callable>(callable))) {}
    Callback(Callback&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
    Callback& operator=(Callback&& other) noexcept {
        Callback old(std::move(*this));
        body_ = std::exchange(other.body_, nullptr);
        return *this;
    }
    ~Callback() {
        if (body_ != nullptr) {
            body_->end(body_);
        }
    }

    explicit operator bool() const { return body_ != nullptr; }
    Returned operator()(Arguments... arguments) const {
        check(body_ != nullptr);
        return body_->call(body_, std::forward<Arguments>(arguments)...);
    }

private:
    // Two pointers in place of a table of virtual functions: that would be filled for each callable.
    struct Body {
        Returned (*call)(Body*, Arguments...);
        void (*end)(Body*);
    };

    template <class Callable>
    struct Holder : Body {
        template <class From>
        explicit Holder(From&& from) : Body{run, drop}, callable(std::forward<From>(from)) {}
        static Returned run(Body* body, Arguments... arguments) {
            return static_cast<Returned>(static_cast<Holder*>(body)->callable(std::forward<Arguments>(arguments)...));
        }
        static void drop(Body* body) { delete static_cast<Holder*>(body); }

        Callable callable;
    };

    Body* body_ = nullptr;
};

}  // namespace hagent
