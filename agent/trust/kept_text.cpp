// SPDX-License-Identifier: Apache-2.0
#include "agent/trust/kept_text.h"

#include "agent/base/concat.h"
#include "agent/base/crc32.h"
#include "agent/base/kept.h"

namespace hagent::trust {
namespace {

using errors::AgentCode;

constexpr std::uint32_t k_mode = 0600;

std::string last_line(std::string_view body) { return concat({"crc ", std::to_string(crc32(body)), "\n"}); }

/// Nothing when the text is not whole.
std::optional<std::string> body_of(std::string content) {
    const auto mark = content.rfind('\n', content.size() < 2 ? 0 : content.size() - 2);
    const std::size_t length = mark == std::string::npos ? 0 : mark + 1;
    if (length == 0 ||
        std::string_view(content).substr(length) != last_line(std::string_view(content).substr(0, length))) {
        return std::nullopt;
    }
    content.resize(length);
    return content;
}

}  // namespace

/// A second copy that is missing is no damage: an agent of an earlier release wrote none.
Result<KeptText> read_kept(platform::Files& files, const std::string& path, std::size_t limit) {
    KeptText out;
    bool missing = false;
    for (const auto& place : {path, copy_path(path)}) {
        const bool second = place != path;
        auto content = files.read(place, limit);
        if (!content.ok() && content.error().is(AgentCode::file_not_found)) {
            missing = missing || !second;
            continue;
        }
        if (!content.ok() && !content.error().is(AgentCode::io_error)) {
            return std::move(content).failure();
        }
        auto body = content.ok() ? body_of(*std::move(content)) : std::nullopt;
        if (!body || (second && missing)) {
            out.damage = error(AgentCode::corrupt_journal, missing ? path : place);
        }
        if (body) {
            out.bodies.push_back(*std::move(body));
        }
    }
    return out;
}

/// The copy first: a power cut between the two leaves two that are whole and differ.
Status write_kept(platform::Files& files, const std::string& path, std::string_view body) {
    const std::string content = concat({body, last_line(body)});
    TRY(files.write_durable(copy_path(path), content, k_mode));
    return files.write_durable(path, content, k_mode);
}

void mend_kept(platform::Files& files, const std::string& path, std::string_view body) {
    auto bytes = files.read(path, std::size_t{4} << 20U);
    if (bytes.ok() && body_of(*bytes)) {
        bytes = files.read(copy_path(path), std::size_t{4} << 20U);
    }
    if (bytes.ok()) {
        (void)files.write_durable(damaged_path(path), *bytes, k_mode);
    }
    (void)write_kept(files, path, body);
}

}  // namespace hagent::trust
