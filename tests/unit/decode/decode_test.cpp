// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the decoders on kept samples: what they take, and each way to refuse.
#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "agent/base/limits.h"
#include "agent/decode/decode.h"

using namespace hagent;
using namespace hagent::decode;
using errors::AgentCode;

namespace {

/// What samples/make.py makes.
const std::string& words() {
    static const std::string k_words = [] {
        constexpr std::array<std::string_view, 15> all = {"the",   "of",    "slot",    "chunk", "and",
                                                          "image", "is",    "written", "to",    "boot",
                                                          "once",  "more,", "",        "then",  "it\n"};
        std::string out;
        for (std::uint32_t seed = 1; out.size() < 6000;) {
            seed = (seed * 1103515245U + 12345U) % (1U << 31U);
            out.append(all[(seed >> 16U) % all.size()]).append(" ");
        }
        out.resize(6000);
        return out;
    }();
    return k_words;
}

std::string sample(const std::string& name) {
    std::ifstream in(std::string(HAGENT_DECODE_SAMPLES) + "/" + name, std::ios::binary);
    REQUIRE_MESSAGE(in.good(), name);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct Sample {
    std::string name;
    Compression compression;
};

const std::vector<Sample>& good_samples() {
    static const std::vector<Sample> k_all = {
        {"plain.gz", Compression::gzip},     {"fast.gz", Compression::gzip},           {"named.gz", Compression::gzip},
        {"plain.xz", Compression::xz},       {"large-dictionary.xz", Compression::xz}, {"sha256.xz", Compression::xz},
        {"x86.xz", Compression::xz},         {"plain.zst", Compression::zstd},         {"ultra.zst", Compression::zstd},
        {"no-check.zst", Compression::zstd}, {"with-size.zst", Compression::zstd}};
    return k_all;
}

/// What comes out, or the code of the refusal.
struct Outcome {
    std::string raw;
    std::optional<Error> error;
    [[nodiscard]] bool is(AgentCode code) const { return error && error->is(code); }
};

Outcome decoded(Compression compression, std::string_view stored, std::size_t raw_bytes) {
    // exactly as large as it may be written to, so that the sanitizers see one byte too many
    std::vector<char> raw(raw_bytes);
    const std::vector<char> copy(stored.begin(), stored.end());
    const auto bytes = decode::Decoder().decode(compression, std::string_view(copy.data(), copy.size()), raw);
    if (!bytes.ok()) {
        return {"", bytes.error()};
    }
    CHECK(*bytes == raw_bytes);
    return {std::string(raw.begin(), raw.end()), std::nullopt};
}

}  // namespace

TEST_CASE("what gzip, xz and zstd made comes out as it went in, whatever their settings") {
    for (const Sample& each : good_samples()) {
        const auto& name = each.name;
        const auto compression = each.compression;
        CAPTURE(name);
        CHECK(decoded(compression, sample(name), words().size()).raw == words());
    }
    CHECK(decoded(Compression::none, words(), words().size()).raw == words());
}

TEST_CASE("a chunk that gives more or fewer bytes than it must is refused") {
    for (const Sample& each : good_samples()) {
        const auto& name = each.name;
        const auto compression = each.compression;
        CAPTURE(name);
        for (const std::size_t wrong : {std::size_t{1}, std::size_t{4096}, words().size() - 1, words().size() + 1,
                                        std::size_t{limits::k_chunk_most_bytes}}) {
            CAPTURE(wrong);
            CHECK(decoded(compression, sample(name), wrong).is(AgentCode::decoded_size));
        }
    }
    CHECK(decoded(Compression::none, "abc", 2).is(AgentCode::decoded_size));
    CHECK(decoded(Compression::none, "abc", 4).is(AgentCode::decoded_size));
}

TEST_CASE("what stands behind the end of a chunk is refused, a second chunk too") {
    for (const Sample& each : good_samples()) {
        const auto& name = each.name;
        const auto compression = each.compression;
        CAPTURE(name);
        const auto good = sample(name);
        for (const std::string& rest : {std::string(1, '\0'), std::string(4, '\0'), std::string("rest"), good}) {
            CHECK(decoded(compression, good + rest, words().size()).is(AgentCode::decoded_rest));
        }
    }
}

TEST_CASE("a chunk cut anywhere is refused") {
    for (const Sample& each : good_samples()) {
        const auto& name = each.name;
        const auto compression = each.compression;
        CAPTURE(name);
        const auto good = sample(name);
        for (std::size_t bytes = 0; bytes < good.size(); ++bytes) {
            CAPTURE(bytes);
            const auto outcome = decoded(compression, good.substr(0, bytes), words().size());
            CHECK((outcome.is(AgentCode::decode_failed) || outcome.is(AgentCode::decoded_size)));
        }
    }
}

TEST_CASE("a damaged chunk never gives more than it may, and gzip's check sum finds the rest") {
    for (const Sample& each : good_samples()) {
        const auto& name = each.name;
        const auto compression = each.compression;
        CAPTURE(name);
        const auto good = sample(name);
        for (std::size_t at = 0; at < good.size(); ++at) {
            auto bad = good;
            bad[at] = static_cast<char>(bad[at] ^ 0x5A);
            const auto outcome = decoded(compression, bad, words().size());
            CHECK((outcome.error || compression != Compression::gzip || outcome.raw == words()));
        }
    }
}

TEST_CASE("another format, nothing at all, and features that are left out are refused") {
    for (const auto compression : {Compression::gzip, Compression::xz, Compression::zstd}) {
        for (const std::string& stored :
             {std::string(), std::string("x"), words(), std::string(100, '\0'), std::string("\x1F\x8B\x08\xE0", 4)}) {
            CAPTURE(decode::name(compression));
            CAPTURE(stored.size());
            CHECK(decoded(compression, stored, 6000).is(AgentCode::decode_failed));
        }
    }
    CHECK(decoded(Compression::gzip, sample("plain.xz"), 6000).is(AgentCode::decode_failed));
    CHECK(decoded(Compression::xz, sample("plain.zst"), 6000).is(AgentCode::decode_failed));
    CHECK(decoded(Compression::zstd, sample("plain.gz"), 6000).is(AgentCode::decode_failed));
    CHECK(decoded(Compression::xz, sample("delta.xz"), 6000).is(AgentCode::decode_failed));
    // zstd: a frame to be skipped; one that names a dictionary
    CHECK(
        decoded(Compression::zstd, std::string("\x50\x2A\x4D\x18\x04\x00\x00\x00rest", 12) + sample("plain.zst"), 6000)
            .is(AgentCode::decode_failed));
    CHECK(decoded(Compression::zstd, std::string("\x28\xB5\x2F\xFD\x21\x07\x01\x08\x00\x00x", 11), 1)
              .is(AgentCode::decode_failed));
}

TEST_CASE("gzip's head may have all its parts") {
    const auto plain = sample("plain.gz");
    const auto with = [&](char flags, const std::string& more) {
        return decoded(Compression::gzip, plain.substr(0, 3) + flags + plain.substr(4, 6) + more + plain.substr(10),
                       6000);
    };
    const std::string all = std::string(
        "\x03\x00"
        "abc"
        "name\0"
        "comment\0"
        "ss",
        20);
    CHECK(with('\x1F', all).raw == words());
    CHECK(with('\x04', std::string("\xFF\xFF", 2)).is(AgentCode::decode_failed));
    CHECK(decoded(Compression::gzip, std::string("\x1F\x8B\x08\x08\0\0\0\0\0\0no end", 16), 1)
              .is(AgentCode::decode_failed));
    CHECK(decoded(Compression::gzip, std::string("\x1F\x8B\x08\x02\0\0\0\0\0\0x", 11), 1).is(AgentCode::decode_failed));
}

TEST_CASE("a decoder takes up with the next chunk whatever the last one was") {
    Decoder decoder;
    for (const Sample& each : good_samples()) {
        const std::string good = sample(each.name);
        std::string damaged = good;
        damaged[damaged.size() / 2] = static_cast<char>(~damaged[damaged.size() / 2]);
        std::vector<char> raw(words().size());
        (void)decoder.decode(each.compression, damaged, raw);
        CHECK_FALSE(decoder.decode(each.compression, std::string_view(good).substr(0, good.size() / 2), raw).ok());
        CHECK_MESSAGE(decoder.decode(each.compression, good, raw).ok(), each.name);
        CHECK(std::string(raw.begin(), raw.end()) == words());
    }
}

TEST_CASE("only what a chunk can be is decoded") {
    std::vector<char> none, large(limits::k_chunk_most_bytes + 1);
    CHECK(decode::Decoder().decode(Compression::gzip, sample("plain.gz"), none).error().is(AgentCode::limit_exceeded));
    CHECK(decode::Decoder().decode(Compression::none, "x", large).error().is(AgentCode::limit_exceeded));
}

TEST_CASE("names and suffixes are those of the programs") {
    for (const std::string_view name : {"none", "gzip", "xz", "zstd"}) {
        const auto compression = compression_named(name);
        REQUIRE(compression);
        CHECK(decode::name(*compression) == name);
    }
    CHECK(suffix(Compression::none).empty());
    CHECK(suffix(Compression::gzip) == ".gz");
    CHECK(suffix(Compression::xz) == ".xz");
    CHECK(suffix(Compression::zstd) == ".zst");
    CHECK_FALSE(compression_named("bzip2"));
    CHECK_FALSE(compression_named(""));
}
