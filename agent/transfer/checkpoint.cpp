// SPDX-License-Identifier: Apache-2.0
// Owns the text of a checkpoint.
#include "agent/transfer/checkpoint.h"

#include <array>
#include <cstdio>
#include <span>

#include "agent/base/concat.h"
#include "agent/base/crc32.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::transfer {
namespace {

// The number grows when a line is added: an older agent then starts over instead of misreading it.
constexpr std::string_view k_title = "hagent download 2\n";
constexpr std::size_t k_checkpoint_file_bytes = 32U << 10U;

/// Over all lines above. It finds torn files, not forged ones: whoever may write here may replace the part too.
std::string crc_line(std::string_view text) {
    std::array<char, 24> line{};
    std::snprintf(line.data(), line.size(), "crc32 %08lx\n", static_cast<unsigned long>(crc32(text)));
    return line.data();
}

std::string hex_of(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<std::uint8_t>(c);
        text += to_hex(std::span(&byte, 1));
    }
    return text;
}

/// Takes "name value\n" off the front of the text.
std::optional<std::string_view> take(std::string_view& text, std::string_view name) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos || !text.starts_with(name) || text.size() <= name.size() ||
        text[name.size()] != ' ') {
        return std::nullopt;
    }
    const auto value = text.substr(name.size() + 1, end - name.size() - 1);
    text.remove_prefix(end + 1);
    return value;
}

}  // namespace

std::string encode(const Checkpoint& checkpoint) {
    std::string text(k_title);
    text += concat({"url ", checkpoint.url, "\n"});
    text += concat({"validator ", checkpoint.validator, "\n"});
    text += concat({"wanted ", checkpoint.wanted, "\n"});
    text += concat({"boot ", checkpoint.boot_id, "\n"});
    text += concat({"bytes ", std::to_string(checkpoint.bytes), "\n"});
    text += concat({"total ", (checkpoint.total ? std::to_string(*checkpoint.total) : "-"), "\n"});
    text += std::string("state ") + (checkpoint.complete ? "complete" : "partial") + '\n';
    text += concat({"sha256 ", hex_of(checkpoint.sha256.save()), "\n"});
    return text + crc_line(text);
}

std::optional<Checkpoint> decode_checkpoint(std::string_view text) {
    const auto last_line = text.rfind("crc32 ");
    if (!text.starts_with(k_title) || last_line == std::string_view::npos ||
        text.substr(last_line) != crc_line(text.substr(0, last_line))) {
        return std::nullopt;
    }
    text.remove_prefix(k_title.size());
    const auto url = take(text, "url");
    const auto validator = take(text, "validator");
    const auto wanted = take(text, "wanted");
    const auto boot = take(text, "boot");
    const auto bytes = parse_u64(take(text, "bytes").value_or(""), INT64_MAX);
    const auto total = take(text, "total");
    const auto state = take(text, "state");
    const auto digest = from_hex(take(text, "sha256").value_or(""));
    if (!url || !validator || !wanted || !boot || !bytes || !total || !state || !digest || digest->empty()) {
        return std::nullopt;
    }
    const auto sha256 = trust::Sha256::restore(std::string(digest->begin(), digest->end()));
    const auto size = parse_u64(*total, INT64_MAX);
    if (!sha256 || sha256->bytes() != *bytes || (!size && *total != "-") ||
        (*state != "partial" && *state != "complete")) {
        return std::nullopt;
    }
    return Checkpoint{std::string(*url),
                      std::string(*validator),
                      std::string(*wanted),
                      std::string(*boot),
                      *bytes,
                      size,
                      *state == "complete",
                      *sha256};
}

std::string part_path(const std::string& directory) { return directory + "/part"; }
std::string checkpoint_path(const std::string& directory) { return directory + "/checkpoint"; }

std::optional<Checkpoint> load_checkpoint(platform::Files& files, const std::string& directory) {
    const auto text = files.read(checkpoint_path(directory), k_checkpoint_file_bytes);
    auto checkpoint = text.ok() ? decode_checkpoint(*text) : std::nullopt;
    const auto part = files.info(part_path(directory));
    if (!checkpoint || !part.ok() || !part->has_value() || (*part)->kind != platform::FileKind::regular ||
        (*part)->bytes < checkpoint->bytes) {
        return std::nullopt;
    }
    return checkpoint;
}

}  // namespace hagent::transfer
