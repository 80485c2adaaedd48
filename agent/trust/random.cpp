// SPDX-License-Identifier: Apache-2.0
// Owns the generator: CTR-DRBG over the operating system's entropy.
#include "agent/trust/random.h"

#include <algorithm>
#include <array>
#include <vector>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>

#include "agent/base/text.h"

namespace hagent::trust {

struct Random::Impl {
    Impl() {
        mbedtls_entropy_init(&entropy);
        mbedtls_ctr_drbg_init(&generator);
    }
    ~Impl() {
        mbedtls_ctr_drbg_free(&generator);
        mbedtls_entropy_free(&entropy);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context generator;
};

Random::Random(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Random::Random(Random&&) noexcept = default;
Random& Random::operator=(Random&&) noexcept = default;
Random::~Random() = default;

Result<Random> Random::create() {
    auto impl = std::make_unique<Impl>();
    if (const int code = mbedtls_ctr_drbg_seed(&impl->generator, mbedtls_entropy_func, &impl->entropy, nullptr, 0);
        code != 0) {
        return Failure{errors::agent(errors::AgentCode::os_error), code, "no entropy from the system"};
    }
    return Random(std::move(impl));
}

Status Random::fill(std::span<std::uint8_t> out) {
    // The library gives at most 1024 bytes at a time.
    while (!out.empty()) {
        const auto part = out.first(std::min<std::size_t>(out.size(), MBEDTLS_CTR_DRBG_MAX_REQUEST));
        if (const int code = mbedtls_ctr_drbg_random(&impl_->generator, part.data(), part.size()); code != 0) {
            return Failure{errors::agent(errors::AgentCode::os_error), code, "random generator"};
        }
        out = out.subspan(part.size());
    }
    return {};
}

Result<std::uint64_t> Random::u64() {
    std::array<std::uint8_t, 8> bytes{};
    TRY(fill(bytes));
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes) {
        value = value << 8U | byte;
    }
    return value;
}

Result<std::string> Random::hex(std::size_t bytes) {
    std::vector<std::uint8_t> out(bytes);
    TRY(fill(out));
    return to_hex(out);
}

Result<std::uint64_t> random_u64() {
    Random random = TRY(Random::create());
    return random.u64();
}

}  // namespace hagent::trust
