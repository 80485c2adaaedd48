// SPDX-License-Identifier: Apache-2.0
// Owns the replay of a corpus: every file goes in whole, cut short, and with bytes changed. It is the main of a fuzz
// target; where libFuzzer brings the main (HAGENT_LIBFUZZER), it is what the target does when its first argument is
// `replay`.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t k_mutated_bytes = 4096;  // longer files are only run whole
constexpr std::size_t k_cuts = 1024;           // at most so many truncations and so many changed bytes for one file

using Bytes = std::vector<std::uint8_t>;

Bytes read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    Bytes bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file.is_open() || file.bad()) {
        std::fprintf(stderr, "cannot read %s\n", path.string().c_str());
        std::exit(2);
    }
    return bytes;
}

// A fresh block of exactly the right size, so that a sanitizer sees the first byte read behind it.
void run(const Bytes& bytes, std::size_t size) {
    const Bytes exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::size_t replay(const std::filesystem::path& path) {
    const Bytes bytes = read(path);
    std::printf("%s: %zu bytes\n", path.filename().string().c_str(), bytes.size());
    std::fflush(stdout);  // the last line tells which file made the target crash
    run(bytes, bytes.size());
    std::size_t runs = 1;
    if (bytes.size() > k_mutated_bytes) {
        return runs;
    }
    const std::size_t stride = 1 + bytes.size() / k_cuts;
    for (std::size_t at = 0; at < bytes.size(); at += stride) {
        run(bytes, at);
        Bytes changed = bytes;
        for (const unsigned mask : {0x01U, 0x20U, 0x80U, 0xFFU}) {
            changed[at] = static_cast<std::uint8_t>(bytes[at] ^ mask);
            run(changed, changed.size());
        }
        runs += 5;
    }
    return runs;
}

std::vector<std::filesystem::path> files_below(const std::filesystem::path& top) {
    std::vector<std::filesystem::path> files;
    std::error_code failed;
    if (std::filesystem::is_regular_file(top, failed)) {
        files.push_back(top);
        return files;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(top, failed)) {
        if (entry.is_regular_file()) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// The exit status.
int replay_all(const std::vector<std::string>& places) {
    std::size_t files = 0;
    std::size_t runs = 0;
    for (const auto& place : places) {
        for (const auto& path : files_below(place)) {
            runs += replay(path);
            ++files;
        }
    }
    std::printf("%zu inputs from %zu files\n", runs, files);
    if (files == 0) {
        std::fprintf(stderr, "no corpus files: name a file, or a folder with at least one\n");
        return 2;
    }
    return 0;
}

}  // namespace

#ifdef HAGENT_LIBFUZZER
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);

/// libFuzzer calls it first.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
    const std::vector<std::string> arguments(*argv + 1, *argv + *argc);
    if (!arguments.empty() && arguments.front() == "replay") {
        std::exit(replay_all({arguments.begin() + 1, arguments.end()}));
    }
    return 0;
}
#else
int main(int argc, char** argv) { return replay_all({argv + 1, argv + argc}); }
#endif
