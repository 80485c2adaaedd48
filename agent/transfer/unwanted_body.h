// SPDX-License-Identifier: Apache-2.0
// Owns UnwantedBody: how much of a body that goes to nobody is taken, so that the connection can be used again, before
// it is cut off together with the connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/transfer/fetcher.h"

namespace hagent::transfer {

class UnwantedBody {
public:
    /// Some more of it has come; whether it may go on.
    bool take(std::string_view bytes) {
        text_ += bytes.substr(0, k_error_body_bytes - text_.size());
        bytes_ += bytes.size();
        cut_ = cut_ || bytes_ > limits::k_unwanted_body_bytes;
        return !cut_;
    }
    /// It is still under way, at this time of any clock that does not stand still.
    void wait(std::int64_t now_us) {
        since_us_ = since_us_.value_or(now_us);
        cut_ = cut_ || (now_us - *since_us_) / 1'000'000 >= limits::k_unwanted_body_seconds;
    }
    [[nodiscard]] bool cut() const { return cut_; }
    /// Its first bytes: those of an error may say why.
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
    std::uint64_t bytes_ = 0;
    std::optional<std::int64_t> since_us_;
    bool cut_ = false;
};

}  // namespace hagent::transfer
