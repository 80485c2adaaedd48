// SPDX-License-Identifier: Apache-2.0
// Owns the command line: words in, one struct out, no side effects.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hagent {

struct Options {
    std::string verb;
    std::vector<std::string> arguments;

    std::string config_file, state_dir;
    bool json = false;
    bool help = false;
    bool verbose = false;

    bool once = false;                                   // check-in
    bool check_config = false;                           // run
    bool allow_unsigned = false;                         // script
    std::string output;                                  // fetch, image
    std::string sha256;                                  // fetch
    std::uint64_t limit_rate = 0;                        // fetch, bytes a second
    unsigned attempts = 0;                               // fetch; 0: as configured
    std::string source, root;                            // script
    std::string slot;                                    // image
    std::string key;                                     // sign, enrol
    bool replace = false;                                // enrol
    std::string kind, entry, package, version, expires;  // sign; image takes version too
    std::string part, compression;                       // image
    std::uint32_t chunk_bytes = 0;                       // image; 0: as usual
    unsigned level = 0;                                  // image; 0: as usual
    std::string min_version, after_write;                // image
    std::vector<std::string> platforms;                  // image
    bool allow_downgrade = false;                        // sign, image
    std::uint64_t serial = 0;                            // sign
    std::vector<std::string> repositories, os, devices;  // sign
    std::vector<std::string> file_sources;               // sign, each PATH=URL
    std::string keys;                                    // verify
};

/// What is wrong, for standard error; the exit code is 2.
struct UsageError {
    std::string message;
    bool json = false;  // --json is among the words
};

/// `argv` as main() has it: the program's name first, a null behind the last word. Not for several threads: getopt_long
/// has a state of its own.
[[nodiscard]] std::variant<Options, UsageError> parse_options(int argc, char* const* argv);

/// The help of one verb, or of all for an empty or unknown one.
[[nodiscard]] std::string help_text(std::string_view verb);

}  // namespace hagent
