// SPDX-License-Identifier: Apache-2.0
// Owns the reading of the corpus: files of cases, each a script and what is to come of it. Format: corpus/README.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hagent::script {

enum class Verdict : std::uint8_t {
    plan,     // the whole text of `script check`; nothing in it is an error
    refused,  // the whole text of `script check`; something in it is an error
    error,    // what `script check` objects to, without the steps and the last line
};

struct CorpusCase {
    std::string name;                  // a sentence
    std::string where;                 // "confirm.txt:12"
    std::string only;                  // "posix", "windows" or empty
    std::vector<std::string> roots;    // script.roots; empty: "/"
    std::vector<std::string> without;  // what this device lacks
    unsigned done = 0;                 // steps that an earlier run has done
    bool wire = false;
    std::string script;
    Verdict verdict = Verdict::plan;
    std::string expected;
};

/// Every case of every file, files by name. A file that is not in the format fails the test.
[[nodiscard]] std::vector<CorpusCase> read_corpus(const std::string& folder);

/// `\xHH`, `\r`, `\n`, `\t`, `\\`, a '\' at a line's end that takes the line end away, and `\{N*text}`: the text N
/// times.
[[nodiscard]] std::string unescaped(std::string_view text);

}  // namespace hagent::script
