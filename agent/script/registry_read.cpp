// SPDX-License-Identifier: Apache-2.0
// Owns the reading of registry files. Source: the files that regedit of Windows 2000 and later (5.00) and before (4)
// writes.
#include <algorithm>
#include <optional>

#include "agent/base/text.h"
#include "agent/script/registry_key.h"
#include "agent/script/registry_text.h"
#include "agent/script/registry_value.h"
#include "agent/script/utf16.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::RegistryChange;
using platform::RegistryValue;
using platform::ValueType;

constexpr std::string_view k_utf16_mark = "\xFF\xFE", k_utf8_mark = "\xEF\xBB\xBF";
constexpr std::size_t k_dword_digits = 8, k_qword_digits = 16;

std::string as_utf8(std::string_view bytes) {
    if (bytes.starts_with(k_utf16_mark)) {
        return utf8_from_utf16le(bytes.substr(k_utf16_mark.size()));
    }
    bytes.remove_prefix(bytes.starts_with(k_utf8_mark) ? k_utf8_mark.size() : 0);
    return is_utf8(bytes) ? std::string(bytes) : utf8_from_latin1(bytes);
}

Failure expected(std::string_view what) { return error(AgentCode::bad_argument, {"expected ", what}); }

/// The quoted text at the front of `rest`, which is taken away.
Result<std::string> take_quoted(std::string_view& rest) {
    std::string text;
    for (std::size_t at = 1; at < rest.size(); ++at) {
        if (rest[at] == '"') {
            rest.remove_prefix(at + 1);
            return text;
        }
        at += rest[at] == '\\' ? 1U : 0U;
        if (at < rest.size()) {
            text.push_back(rest[at]);
        }
    }
    return expected("a closing quote");
}

/// Registry texts end with a NUL, mostly.
std::string until_nul(std::string text) {
    const auto end = text.find('\0');
    return end == std::string::npos ? text : text.substr(0, end);
}

/// An empty text ends a list; what an export has behind it is left-over memory of the program that wrote it.
std::string list_until_empty(std::string text) {
    if (text.empty() || text.front() == '\0') {
        return {};
    }
    const auto end = text.find(std::string_view("\0\0", 2));
    text.resize(end == std::string::npos ? text.size() : end + 1);
    if (text.back() != '\0') {
        text.push_back('\0');
    }
    return text;
}

bool is_plain(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

class Reader {
public:
    [[nodiscard]] Result<std::vector<RegistryChange>> read(const std::string& text);

private:
    [[nodiscard]] Status take(std::string_view line);
    [[nodiscard]] Status take_header(std::string_view line);
    [[nodiscard]] Status take_key(std::string_view line);
    [[nodiscard]] Status take_value(std::string_view line);
    [[nodiscard]] Result<RegistryValue> data(std::string_view text) const;
    [[nodiscard]] Result<RegistryValue> bytes(std::string_view type, std::string_view digits) const;

    enum class Header : std::uint8_t { missing, version_4, version_5 };
    Header header_ = Header::missing;
    std::string key_;  // empty: no key, or one that is removed
    std::vector<RegistryChange> changes_;
};

/// How texts are encoded depends on the header: version 5.00 writes UTF-16, REGEDIT4 bytes of one code page.
Result<RegistryValue> Reader::bytes(std::string_view type, std::string_view digits) const {
    RegistryValue value = TRY(value_of(ValueType::binary, digits));
    if (type == "hex:" || type == "hex(3):") {
        return value;
    }
    const auto raw = from_hex(value.data).value_or(std::vector<std::uint8_t>());
    if (type == "hex(b):") {
        if (value.data.size() != k_qword_digits) {
            return expected("8 bytes");
        }
        std::uint64_t number = 0;
        for (std::size_t i = raw.size(); i > 0; --i) {
            number = number << 8U | raw[i - 1];
        }
        return RegistryValue{ValueType::wide_number, std::to_string(number)};
    }
    const std::string encoded(raw.begin(), raw.end());
    const std::string text = header_ == Header::version_5 ? utf8_from_utf16le(encoded)
                             : is_utf8(encoded)           ? encoded
                                                          : utf8_from_latin1(encoded);
    if (type == "hex(1):") {
        return RegistryValue{ValueType::text, until_nul(text)};
    }
    if (type == "hex(2):") {
        return RegistryValue{ValueType::expandable, until_nul(text)};
    }
    if (type == "hex(7):") {
        return RegistryValue{ValueType::list, list_until_empty(text)};
    }
    return expected("hex, hex(1), hex(2), hex(3), hex(7) or hex(b)");
}

Result<RegistryValue> Reader::data(std::string_view text) const {
    if (text.starts_with('"')) {
        auto value = TRY(take_quoted(text));
        return trim(text).empty() ? Result<RegistryValue>(RegistryValue{ValueType::text, std::move(value)})
                                  : expected("nothing after the closing quote");
    }
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
        return expected("a quoted text, dword:, hex: or -");
    }
    const std::string type = to_lower(text.substr(0, colon + 1));
    const auto digits = trim(text.substr(colon + 1));
    if (type != "dword:") {
        return bytes(type, digits);
    }
    if (digits.empty() || digits.size() > k_dword_digits) {
        return expected("1 to 8 hexadecimal digits");
    }
    return value_of(ValueType::number, "0x" + std::string(digits));
}

Status Reader::take_header(std::string_view line) {
    if (line == "REGEDIT4") {
        header_ = Header::version_4;
    } else if (line == "Windows Registry Editor Version 5.00") {
        header_ = Header::version_5;
    } else {
        return expected("the first line of a registry file: REGEDIT4 or Windows Registry Editor Version 5.00");
    }
    return {};
}

Status Reader::take_key(std::string_view line) {
    if (!line.ends_with(']')) {
        return expected("a closing bracket");
    }
    auto name = line.substr(1, line.size() - 2);
    const bool removal = name.starts_with('-');
    name.remove_prefix(removal ? 1 : 0);
    RegistryChange change;
    change.kind = removal ? RegistryChange::Kind::remove_key : RegistryChange::Kind::make_key;
    change.key = TRY(registry_key(name));
    key_ = removal ? "" : change.key;
    changes_.push_back(std::move(change));
    return {};
}

/// Below a key that is removed a value has no place: it would make the key again.
Status Reader::take_value(std::string_view line) {
    RegistryChange change;
    if (line.starts_with('"')) {
        change.name = TRY(take_quoted(line));
        if (!is_plain(change.name)) {
            return expected("a name without control characters");
        }
    } else if (line.starts_with('@')) {
        line.remove_prefix(1);
    } else {
        return expected("[key], \"name\"= or @=");
    }
    line = trim(line);
    if (!line.starts_with('=')) {
        return expected("=");
    }
    line = trim(line.substr(1));
    if (key_.empty()) {
        return expected("a [key] that is not removed before its values");
    }
    change.key = key_;
    change.kind = line == "-" ? RegistryChange::Kind::remove_value : RegistryChange::Kind::set;
    if (line != "-") {
        change.value = TRY(data(line));
    }
    changes_.push_back(std::move(change));
    return {};
}

Status Reader::take(std::string_view line) {
    if (line.empty() || line.starts_with(';')) {
        return {};
    }
    if (header_ == Header::missing) {
        return take_header(line);
    }
    return line.starts_with('[') ? take_key(line) : take_value(line);
}

/// Whether `line` goes on in the next one: data in bytes with a backslash at the end.
bool goes_on(std::string_view line) { return line.ends_with('\\') && !line.starts_with('[') && !line.starts_with(';'); }

/// All or nothing: a file that was cut off in the middle must not be merged by half (FORMAT.md).
Result<std::vector<RegistryChange>> Reader::read(const std::string& text) {
    std::string whole;  // a line with those that continue it
    std::size_t number = 0;
    for (const auto raw : split(text, '\n')) {
        ++number;
        whole.append(trim(raw));
        if (goes_on(whole)) {
            whole.pop_back();
            continue;
        }
        if (auto status = take(whole); !status) {
            return std::move(status).failure().with("line " + std::to_string(number));
        }
        whole.clear();
    }
    if (header_ == Header::missing || !whole.empty()) {
        return expected(whole.empty() ? "a registry file, not an empty one" : "a line after the last backslash");
    }
    return std::move(changes_);
}

}  // namespace

Result<std::vector<RegistryChange>> read_registry_text(std::string_view bytes) { return Reader().read(as_utf8(bytes)); }

}  // namespace hagent::script
