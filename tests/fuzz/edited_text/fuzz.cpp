// SPDX-License-Identifier: Apache-2.0
// Fuzzes the text files that AL and DL edit: a line to add in the first line, then the file.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/text.h"
#include "agent/script/edited_text.h"
#include "tests/fuzz/require.h"

namespace {}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hagent;
    using hagent::fuzz::require;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto end = input.find('\n');
    const std::string_view line = input.substr(0, end);
    const auto file = end == std::string_view::npos ? std::string_view() : input.substr(end + 1);
    if (!is_utf8(line) || line.find('\0') != std::string_view::npos) {
        return 0;  // the parser of scripts refuses such
    }
    auto read = script::read_text(file, line);
    if (!read.ok()) {
        return 0;
    }
    require(read->text.find('\0') == std::string::npos && script::written_text(*read) == file);
    if (read->text.empty() && line.starts_with("\xEF\xBB\xBF")) {
        return 0;  // the line would be taken for the mark of the file
    }
    read->text.append(read->text.empty() || read->text.back() == '\n' ? "" : "\n").append(line).append("\n");
    const std::string written = script::written_text(*read);
    const auto again = script::read_text(written, line);
    require(again.ok() && again->text == read->text);
    return 0;
}
