// SPDX-License-Identifier: Apache-2.0
// Owns OutputTail: the last bytes of a program's output in bounded memory. For the implementations of process.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace hagent::platform {

/// `limit` counts bytes. The tail is what a report needs: programs say at the end why they failed.
class OutputTail {
public:
    explicit OutputTail(std::size_t limit) : limit_(limit) {}

    /// Takes bytes; at most twice the limit plus one piece is in memory.
    void add(std::string_view bytes) {
        kept_.append(bytes.substr(bytes.size() - (bytes.size() < limit_ ? bytes.size() : limit_)));
        // Cut only when twice the limit is reached: each byte is then moved once on average, not with every piece.
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
