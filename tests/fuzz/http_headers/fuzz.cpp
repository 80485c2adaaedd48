// SPDX-License-Identifier: Apache-2.0
// Fuzzes HTTP heads: what is believed is consistent, and no head makes a wrong part fit.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/transfer/http_head.h"
#include "agent/transfer/reply_policy.h"
#include "tests/fuzz/require.h"

using hagent::fuzz::require;

namespace {}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hagent::transfer;
    constexpr std::uint64_t k_offset = 100;
    constexpr std::uint64_t k_total = 1000;
    HttpHead head;
    for (const auto line : hagent::split(std::string_view(reinterpret_cast<const char*>(data), size), '\n')) {
        head.line(line);
    }
    require(head.status() <= 999);
    const auto reply = head.reply_head();
    require(reply.validator.size() <= hagent::limits::k_http_header_bytes);
    require(!reply.end || reply.start < *reply.end);
    require(!reply.total || !reply.end || *reply.end <= *reply.total);
    require(!head.retry_after() || head.retry_after()->count() >= 0);
    if (reply.number == 206 && judge_range(reply, {k_offset}, "", k_total) == RangeVerdict::fits) {
        require(reply.start == k_offset && reply.end == k_total && !reply.range_broken);
    }
    Situation situation;
    situation.reply = hagent::errors::http(reply.number);
    situation.stage = Stage::http_body;
    require(!to_string(decide(situation).kind).empty());
    return 0;
}
