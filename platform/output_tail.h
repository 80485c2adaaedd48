// SPDX-License-Identifier: Apache-2.0
// Owns OutputTail: the last bytes of a program's output in bounded memory. For the implementations of process.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace hagent::platform {

class OutputTail {
public:
    explicit OutputTail(std::size_t limit) : limit_(limit) {}

    /// Takes bytes; at most twice the limit plus one piece is in memory.
    void add(std::string_view bytes) {
        kept_.append(bytes.substr(bytes.size() - (bytes.size() < limit_ ? bytes.size() : limit_)));
        if (kept_.size() / 2 > limit_) {
            cut();
        }
    }

    /// The last `limit` bytes.
    [[nodiscard]] std::string take() {
        cut();
        return std::exchange(kept_, {});
    }

private:
    void cut() {
        if (kept_.size() > limit_) {
            kept_.erase(0, kept_.size() - limit_);
        }
    }

    std::size_t limit_;
    std::string kept_;
};

}  // namespace hagent::platform
