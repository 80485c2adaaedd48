// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the digests: published vectors, mbedTLS as second opinion, saved states.
#include <doctest/doctest.h>

#include <mbedtls/sha256.h>

#include <random>

#include "agent/base/text.h"
#include "agent/trust/digest.h"
#include "agent/trust/sha256_kernel.h"

using namespace hagent;
using namespace hagent::trust;

namespace {

std::string sha1_hex(std::string_view bytes) {
    Sha1 sha;
    sha.update(bytes);
    return to_hex(sha.finish());
}

const unsigned char* raw(const std::string& bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

std::string random_bytes(std::mt19937& random, std::size_t count) {
    std::string out(count, '\0');
    for (char& c : out) {
        c = static_cast<char>(random() & 0xFFU);
    }
    return out;
}

}  // namespace

TEST_CASE("digests of the published examples") {
    // FIPS 180-4 examples of NIST.
    CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(sha256_hex(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    CHECK(sha1_hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(sha1_hex("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

TEST_CASE("digests of random data in random pieces equal those of mbedTLS") {
    std::mt19937 random(1);
    for (std::size_t length = 0; length < 400; ++length) {
        const std::string bytes = random_bytes(random, length);
        Sha256 sha256;
        Sha1 pieces;
        for (std::size_t at = 0; at < bytes.size();) {
            const std::size_t piece = std::min<std::size_t>(bytes.size() - at, random() % 150);
            sha256.update(std::string_view(bytes).substr(at, piece));
            pieces.update(std::string_view(bytes).substr(at, piece));
            at += piece;
        }
        std::array<std::uint8_t, 32> expected{};
        REQUIRE(mbedtls_sha256(raw(bytes), bytes.size(), expected.data(), 0) == 0);
        CHECK(sha256.finish() == expected);
        CHECK(to_hex(pieces.finish()) == sha1_hex(bytes));
    }
}

TEST_CASE("SHA-1 of each length around the ends of a block, as Python's hashlib has it") {
    Sha1 digests;
    for (std::size_t length = 0; length < 400; ++length) {
        Sha1 sha1;
        sha1.update(std::string(length, 'a'));
        const auto digest = sha1.finish();
        digests.update({reinterpret_cast<const char*>(digest.data()), digest.size()});
    }
    CHECK(to_hex(digests.finish()) == "cd26c1fb5cb7beb9259fe2c2190924f7311ba453");
}

TEST_CASE("the portable way and those of the processor agree") {
    using Compress = void (*)(Sha256State&, const std::uint8_t*, std::size_t);
    std::vector<Compress> ways;
    if (has_sha_extensions()) {
        ways.push_back(sha256_compress_extensions);
    }
    if (has_bmi2()) {
        ways.push_back(sha256_compress_bmi2);
    }
    if (has_ssse3()) {
        ways.push_back(sha256_compress_ssse3);
    }
    MESSAGE("of SHA extensions, BMI2 and SSSE3 this processor has ", ways.size());
    std::mt19937 random(2);
    for (std::size_t blocks = 1; blocks < 50; ++blocks) {
        const std::string bytes = random_bytes(random, blocks * 64);
        Sha256State start{};
        for (auto& word : start) {
            word = static_cast<std::uint32_t>(random());
        }
        auto portable = start;
        sha256_compress_portable(portable, raw(bytes), blocks);
        for (const auto way : ways) {
            auto state = start;
            way(state, raw(bytes), blocks);
            CHECK(state == portable);
        }
    }
}

TEST_CASE("SHA-1 of each length around the ends of a block, as Python's hashlib has it") {
    Sha1 digests;
    for (std::size_t length = 0; length < 400; ++length) {
        Sha1 sha1;
        sha1.update(std::string(length, 'a'));
        const auto digest = sha1.finish();
        digests.update({reinterpret_cast<const char*>(digest.data()), digest.size()});
    }
    CHECK(to_hex(digests.finish()) == "cd26c1fb5cb7beb9259fe2c2190924f7311ba453");
}

TEST_CASE("the portable way alone gives the published digest") {
    std::string block = "abc\x80" + std::string(59, '\0') + "\x18";
    Sha256State state = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                         0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
    sha256_compress_portable(state, raw(block), 1);
    CHECK(state ==
          Sha256State{0xBA7816BF, 0x8F01CFEA, 0x414140DE, 0x5DAE2223, 0xB00361A3, 0x96177A9C, 0xB410FF61, 0xF20015AD});
}

TEST_CASE("a saved state goes on anywhere as if nothing had happened") {
    std::mt19937 random(3);
    const std::string bytes = random_bytes(random, 300);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        Sha256 first;
        first.update(std::string_view(bytes).substr(0, cut));
        const std::string state = first.save();
        CHECK(state.size() == 48 + cut % 64);
        auto second = Sha256::restore(state);
        REQUIRE(second);
        CHECK(second->bytes() == cut);
        CHECK(second->save() == state);
        second->update(std::string_view(bytes).substr(cut));
        CHECK(to_hex(second->finish()) == sha256_hex(bytes));
    }
}

TEST_CASE("the saved form is the documented one") {
    Sha256 sha;
    sha.update("abc");
    CHECK(to_hex(std::span(reinterpret_cast<const std::uint8_t*>(sha.save().data()), 51)) ==
          "5348413235362e31"
          "0000000000000003"
          "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19"
          "616263");
}

TEST_CASE("what is not a state is not restored") {
    Sha256 sha;
    sha.update(std::string(100, 'x'));
    const std::string state = sha.save();
    CHECK_FALSE(Sha256::restore(""));
    CHECK_FALSE(Sha256::restore("SHA256.1"));
    CHECK_FALSE(Sha256::restore(state.substr(0, state.size() - 1)));
    CHECK_FALSE(Sha256::restore(state + "x"));
    CHECK_FALSE(Sha256::restore("SHA256.2" + state.substr(8)));
}

TEST_CASE("finishing changes nothing") {
    Sha256 sha;
    sha.update("ab");
    CHECK(sha.finish() == sha.finish());
    sha.update("c");
    CHECK(to_hex(sha.finish()) == sha256_hex("abc"));
}

TEST_CASE("secrets are compared whole") {
    CHECK(constant_time_equal("", ""));
    CHECK(constant_time_equal("token", "token"));
    CHECK_FALSE(constant_time_equal("token", "tokeN"));
    CHECK_FALSE(constant_time_equal("Token", "token"));
    CHECK_FALSE(constant_time_equal("token", "toke"));
    CHECK_FALSE(constant_time_equal("", "x"));
}
