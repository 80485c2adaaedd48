// SPDX-License-Identifier: Apache-2.0
// Owns the buffering and padding of both digests; SHA-256's compression is in sha256_kernel.
#include "agent/trust/digest.h"

#include <algorithm>
#include <bit>

#include "agent/base/text.h"
#include "agent/trust/sha256_kernel.h"

namespace hagent::trust {
namespace {

constexpr std::size_t k_block = 64;
constexpr std::string_view k_state_name = "SHA256.1";  // 8 bytes

using Block = std::array<std::uint8_t, k_block>;

const std::uint8_t* bytes_of(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

std::uint32_t load_big(const std::uint8_t* at) {
    return std::uint32_t{at[0]} << 24U | std::uint32_t{at[1]} << 16U | std::uint32_t{at[2]} << 8U | at[3];
}

/// Most significant byte first.
template <class Word, class Out>
void store_big(Word value, Out out) {
    for (unsigned shift = 8 * sizeof(Word); shift > 0; shift -= 8) {
        *out++ = static_cast<std::uint8_t>((value >> (shift - 8)) & 0xFFU);
    }
}

/// Feeds whole blocks to `compress(data, count)` and keeps the rest.
template <class Compress>
void absorb(Block& pending, std::uint64_t& total, std::string_view bytes, Compress compress) {
    const std::size_t held = total % k_block;
    total += bytes.size();
    if (held != 0) {
        const std::size_t taken = std::min(k_block - held, bytes.size());
        std::copy_n(bytes_of(bytes), taken, pending.begin() + static_cast<std::ptrdiff_t>(held));
        bytes.remove_prefix(taken);
        if (held + taken < k_block) {
            return;
        }
        compress(pending.data(), 1);
    }
    const std::size_t blocks = bytes.size() / k_block;
    if (blocks != 0) {
        compress(bytes_of(bytes), blocks);
    }
    std::copy_n(bytes_of(bytes) + blocks * k_block, bytes.size() % k_block, pending.begin());
}

/// The last one or two blocks: what is pending, a one bit, zeros, the length in bits.
template <class Compress>
void pad(Block block, std::uint64_t total, Compress compress) {
    std::size_t held = total % k_block;
    block[held++] = 0x80;
    std::fill(block.begin() + static_cast<std::ptrdiff_t>(held), block.end(), std::uint8_t{0});
    if (held > k_block - 8) {
        compress(block.data(), 1);
        block.fill(0);
    }
    store_big(total * 8, block.end() - 8);
    compress(block.data(), 1);
}

/// FIPS 180-4, 6.1.2. Short rather than fast: SHA-1 is only computed where hawkBit names nothing better.
void compress_sha1(std::array<std::uint32_t, 5>& state, const std::uint8_t* data) {
    std::array<std::uint32_t, 80> w{};
    for (std::size_t i = 0; i < 80; ++i) {
        w[i] = i < 16 ? load_big(data + 4 * i) : std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    }
    auto [a, b, c, d, e] = state;
    for (std::size_t i = 0; i < 80; ++i) {
        const std::uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5A827999U
                                : i < 40 ? (b ^ c ^ d) + 0x6ED9EBA1U
                                : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDCU
                                         : (b ^ c ^ d) + 0xCA62C1D6U;
        const std::uint32_t next = std::rotl(a, 5) + f + e + w[i];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

template <std::size_t N>
std::array<std::uint8_t, N * 4> to_bytes(const std::array<std::uint32_t, N>& words) {
    std::array<std::uint8_t, N * 4> out{};
    for (std::size_t i = 0; i < N; ++i) {
        store_big(words[i], out.begin() + static_cast<std::ptrdiff_t>(4 * i));
    }
    return out;
}

}  // namespace

void Sha256::update(std::string_view bytes) {
    absorb(pending_, bytes_, bytes,
           [this](const std::uint8_t* data, std::size_t blocks) { sha256_compress(state_, data, blocks); });
}

std::array<std::uint8_t, 32> Sha256::finish() const {
    auto state = state_;
    pad(pending_, bytes_,
        [&state](const std::uint8_t* data, std::size_t blocks) { sha256_compress(state, data, blocks); });
    return to_bytes(state);
}

/// Name and version, length, the eight words, the bytes that wait for a whole block.
std::string Sha256::save() const {
    std::array<std::uint8_t, 8> length{};
    store_big(bytes_, length.begin());
    const auto words = to_bytes(state_);
    std::string out(k_state_name);
    out.append(length.begin(), length.end()).append(words.begin(), words.end());
    return out.append(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(bytes_ % k_block));
}

std::optional<Sha256> Sha256::restore(std::string_view state) {
    constexpr std::size_t k_bytes_at = 8, k_words_at = 16, k_pending_at = 48;
    if (state.size() < k_pending_at || !state.starts_with(k_state_name)) {
        return std::nullopt;
    }
    const std::uint8_t* data = bytes_of(state);
    Sha256 out;
    out.bytes_ = std::uint64_t{load_big(data + k_bytes_at)} << 32U | load_big(data + k_bytes_at + 4);
    if (state.size() != k_pending_at + out.bytes_ % k_block) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < out.state_.size(); ++i) {
        out.state_[i] = load_big(data + k_words_at + 4 * i);
    }
    std::copy_n(data + k_pending_at, out.bytes_ % k_block, out.pending_.begin());
    return out;
}

void Sha1::update(std::string_view bytes) {
    absorb(pending_, bytes_, bytes, [this](const std::uint8_t* data, std::size_t blocks) {
        for (; blocks > 0; --blocks, data += k_block) {
            compress_sha1(state_, data);
        }
    });
}

std::array<std::uint8_t, 20> Sha1::finish() const {
    auto state = state_;
    pad(pending_, bytes_, [&state](const std::uint8_t* data, std::size_t) { compress_sha1(state, data); });
    return to_bytes(state);
}

std::string sha256_hex(std::string_view bytes) {
    Sha256 digest;
    digest.update(bytes);
    return to_hex(digest.finish());
}

bool constant_time_equal(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) {
        return false;
    }
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        // volatile keeps the compiler from ending the loop at the first difference.
        const volatile auto bits = static_cast<unsigned>(static_cast<unsigned char>(a[i] ^ b[i]));
        difference |= bits;
    }
    return difference == 0;
}

}  // namespace hagent::trust
