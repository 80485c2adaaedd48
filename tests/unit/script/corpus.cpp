// SPDX-License-Identifier: Apache-2.0
// Owns the corpus reader's code.
#include "tests/unit/script/corpus.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "agent/base/text.h"

namespace hagent::script {
namespace {

constexpr std::string_view k_indent = "    ", k_case = "== ";

unsigned number(std::string_view text, int base) {
    unsigned value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    REQUIRE_MESSAGE((fault == std::errc() && end == text.data() + text.size()),
                    "expected a number, not '" << text << "'");
    return value;
}

std::vector<std::string> listed(std::string_view text) {
    const auto parts = words(text);
    return {parts.begin(), parts.end()};
}

class Reader {
public:
    explicit Reader(std::string file) : file_(std::move(file)) {}

    void line(std::string_view text) {
        ++number_;
        const bool blank = trim(text).empty();
        if (text.starts_with(k_case)) {
            close();
            cases_.push_back({});
            cases_.back().name = text.substr(k_case.size());
            cases_.back().where = file_ + ":" + std::to_string(number_);
        } else if (section_ != nullptr && (blank || text.starts_with(k_indent))) {
            section_->append(blank ? "" : text.substr(k_indent.size())).append("\n");
        } else if (!blank && !text.starts_with('#')) {
            close();
            REQUIRE_MESSAGE(!cases_.empty(), file_ << ":" << number_ << ": expected '== name'");
            attribute(text.substr(0, text.find(':')), trim(text.substr(std::min(text.find(':') + 1, text.size()))));
        }
    }
    [[nodiscard]] std::vector<CorpusCase> end() {
        close();
        return std::move(cases_);
    }

private:
    void attribute(std::string_view key, std::string_view value) {
        auto& now = cases_.back();
        if (key == "script" || key == "bytes" || key == "wire") {
            now.wire = key == "wire";
            escaped_ = key != "script";
            section_ = &now.script;
        } else if (key == "plan" || key == "refused" || key == "error") {
            now.verdict = key == "plan" ? Verdict::plan : key == "refused" ? Verdict::refused : Verdict::error;
            section_ = &now.expected;
        } else if (key == "only" && (value == "posix" || value == "windows")) {
            now.only = value;
        } else if (key == "roots" || key == "without") {
            (key == "roots" ? now.roots : now.without) = listed(value);
        } else if (key == "done") {
            now.done = number(value, 10);
        } else {
            FAIL(file_ << ":" << number_ << ": unknown attribute '" << key << "'");
        }
    }
    /// Ends the section: blank lines at its end are for the reader's eyes, a wire form has no line ends at all.
    void close() {
        if (section_ == nullptr) {
            return;
        }
        auto& now = cases_.back();
        while (section_->ends_with("\n\n")) {
            section_->pop_back();
        }
        if (section_ == &now.script && escaped_) {
            now.script = unescaped(now.wire ? replace_all(now.script, "\n", "") : now.script);
        }
        section_ = nullptr;
    }

    std::string file_;
    std::vector<CorpusCase> cases_;
    std::string* section_ = nullptr;
    bool escaped_ = false;
    unsigned number_ = 0;
};

}  // namespace

std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\') {
            out += text[at];
            continue;
        }
        REQUIRE(++at < text.size());
        const std::string_view rest = text.substr(at + 1);
        switch (text[at]) {
            case 'n': out += '\n'; break;
            case 'r': out += '\r'; break;
            case 't': out += '\t'; break;
            case '\\': out += '\\'; break;
            case '\n': break;
            case 'x':
                REQUIRE(rest.size() >= 2);
                out += static_cast<char>(number(rest.substr(0, 2), 16));
                at += 2;
                break;
            case '{': {
                const auto star = rest.find('*'), end = rest.find('}');
                REQUIRE((end != std::string_view::npos && star < end));
                const std::string piece = unescaped(rest.substr(star + 1, end - star - 1));
                for (unsigned left = number(rest.substr(0, star), 10); left > 0; --left) {
                    out += piece;
                }
                at += end + 1;
                break;
            }
            default: FAIL("unknown escape \\" << text[at]);
        }
    }
    return out;
}

std::vector<CorpusCase> read_corpus(const std::string& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".txt") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<CorpusCase> all;
    for (const auto& path : files) {
        std::ifstream file(path, std::ios::binary);
        REQUIRE(file.good());
        Reader reader(path.filename().string());
        for (std::string text; std::getline(file, text);) {
            reader.line(text);
        }
        auto cases = reader.end();
        std::move(cases.begin(), cases.end(), std::back_inserter(all));
    }
    return all;
}

}  // namespace hagent::script
