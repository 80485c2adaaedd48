// SPDX-License-Identifier: Apache-2.0
// Owns the test of the decoders on chunks of all kinds that this machine's own programs pack.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/limits.h"
#include "agent/decode/decode.h"
#include "platform/process.h"

using namespace hagent;
using namespace hagent::decode;

namespace {

/// A folder of its own, gone with the object.
struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("hagent-decode-" + std::to_string(std::rand()));
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
};

/// Zeros, noise, text and machine code in pieces of changing length, as in the image of a disk.
std::string mixed(std::size_t bytes, std::uint32_t seed) {
    std::string out;
    const auto next = [&seed] { return seed = seed * 1664525U + 1013904223U, seed >> 16U; };
    while (out.size() < bytes) {
        const std::size_t piece = next() % 5000 + 1;
        switch (next() % 4) {
            case 0: out.append(piece, '\0'); break;
            case 1:
                for (std::size_t i = 0; i < piece; ++i) {
                    out.push_back(static_cast<char>(next()));
                }
                break;
            case 2:
                for (std::size_t i = 0; i < piece; i += 8) {
                    out.append("\xE8", 1).append(1, static_cast<char>(next())).append("\x10\0\0\x89\xE5\xC3", 6);
                }
                break;
            default: out.append(out, next() % (out.size() + 1), piece);
        }
    }
    out.resize(bytes);
    return out;
}

/// Packs and reads back; false when the machine has no such program.
bool comes_back(const std::vector<std::string>& argv, Compression compression, const std::string& raw) {
    const Folder folder;
    const auto processes = platform::system_processes();
    if (!processes->find(argv.front(), "/").ok()) {
        MESSAGE("there is no " << argv.front() << " here; this test needs it");
        return false;
    }
    std::ofstream(folder.path / "chunk", std::ios::binary) << raw;
    platform::Command command;
    command.argv = argv;
    command.argv.emplace_back("chunk");
    command.directory = folder.path.string();
    const auto exit = processes->run(command, CancelToken());
    REQUIRE(exit.ok());
    REQUIRE(exit->code == 0);
    std::ifstream in(folder.path / ("chunk" + std::string(suffix(compression))), std::ios::binary);
    const std::string stored{std::istreambuf_iterator<char>(in), {}};
    std::vector<char> out(raw.size());
    const auto done = decode::Decoder().decode(compression, stored, out);
    CHECK_MESSAGE(done.ok(), (done.ok() ? "" : done.error().context));
    return std::string(out.begin(), out.end()) == raw;
}

}  // namespace

TEST_CASE("chunks of every size and content come back from every setting of the programs") {
    const std::vector<std::string> raws = {mixed(1, 1),
                                           mixed(4096, 2),
                                           mixed(262144, 3),
                                           mixed(limits::k_chunk_most_bytes, 4),
                                           std::string(limits::k_chunk_most_bytes, '\0'),
                                           mixed(limits::k_chunk_most_bytes - 1, 5)};
    const std::vector<std::pair<std::vector<std::string>, Compression>> programs = {
        {{"gzip", "-n", "-1"}, Compression::gzip},
        {{"gzip", "-n", "-9"}, Compression::gzip},
        {{"xz", "-0"}, Compression::xz},
        {{"xz", "-6"}, Compression::xz},
        {{"xz", "--x86", "--lzma2=preset=6,lc=2,lp=2,pb=4,dict=4KiB"}, Compression::xz},
        {{"zstd", "-q", "-1"}, Compression::zstd},
        {{"zstd", "-q", "-19", "--no-check"}, Compression::zstd},
        {{"zstd", "-q", "--ultra", "-22", "--long=27"}, Compression::zstd}};
    for (const auto& program : programs) {
        const auto& argv = program.first;
        for (const auto& raw : raws) {
            CAPTURE(argv.front());
            CAPTURE(raw.size());
            if (!comes_back(argv, program.second, raw)) {
                CHECK_FALSE(platform::system_processes()->find(argv.front(), "/").ok());
                break;
            }
        }
    }
}
