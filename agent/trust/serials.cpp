// SPDX-License-Identifier: Apache-2.0
// Owns the serials file: FORMAT.md in code.
#include "agent/trust/serials.h"

#include "agent/base/concat.h"
#include "agent/base/crc32.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::trust {
namespace {

using errors::AgentCode;

constexpr std::string_view k_first_line = "hagent-serials 1\n";
constexpr std::string_view k_crc_mark = "crc ";
constexpr std::size_t k_file_bytes = 4U << 20U;
constexpr std::uint32_t k_mode = 0600;

std::string last_line(std::string_view body) { return std::string(k_crc_mark) + std::to_string(crc32(body)) + '\n'; }

struct Line {
    std::string fingerprint;
    std::string package;
    std::uint64_t serial = 0;
};

/// "FINGERPRINT SERIAL PACKAGE"; the package comes last because it may hold blanks.
std::optional<Line> parse_line(std::string_view text) {
    const auto first = text.find(' ');
    const auto second = first == std::string_view::npos ? first : text.find(' ', first + 1);
    if (second == std::string_view::npos) {
        return std::nullopt;
    }
    const auto serial = parse_u64(text.substr(first + 1, second - first - 1));
    return serial
               ? std::optional(Line{std::string(text.substr(0, first)), std::string(text.substr(second + 1)), *serial})
               : std::nullopt;
}

}  // namespace

Result<Serials> Serials::load(platform::Files& files, std::string path) {
    Serials out(files, std::move(path));
    if (!TRY(files.info(out.path_))) {
        return out;
    }
    const std::string content = TRY(files.read(out.path_, k_file_bytes));
    const auto mark = content.rfind('\n', content.empty() ? 0 : content.size() - 2);
    const auto body = std::string_view(content).substr(0, mark == std::string::npos ? 0 : mark + 1);
    if (!body.starts_with(k_first_line) || content != std::string(body) + last_line(body)) {
        return error(AgentCode::corrupt_journal, out.path_);
    }
    auto rest = body.substr(k_first_line.size());
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        const auto line = parse_line(rest.substr(0, end));
        if (!line) {
            return error(AgentCode::corrupt_journal, out.path_);
        }
        out.highest_[{line->fingerprint, line->package}] = line->serial;
        rest.remove_prefix(end + 1);
    }
    return out;
}

std::optional<std::uint64_t> Serials::highest(std::string_view fingerprint, std::string_view package) const {
    const auto found = highest_.find({std::string(fingerprint), std::string(package)});
    return found == highest_.end() ? std::nullopt : std::optional(found->second);
}

Status Serials::accept(std::string_view fingerprint, std::string_view package, std::uint64_t serial) {
    const auto before = highest(fingerprint, package);
    if (before && *before >= serial) {
        return {};
    }
    if (!before && highest_.size() >= k_serials) {
        return error(AgentCode::limit_exceeded, {path_, ": more than ", std::to_string(k_serials), " packages"});
    }
    // Changed in memory only after it is on the disk: a serial that was not kept has not been accepted.
    auto next = highest_;
    next[{std::string(fingerprint), std::string(package)}] = serial;
    std::string body(k_first_line);
    for (const auto& [key, value] : next) {
        body += key.first + ' ' + std::to_string(value) + ' ' + key.second + '\n';
    }
    TRY(files_->write_durable(path_, body + last_line(body), k_mode));
    highest_ = std::move(next);
    return {};
}

}  // namespace hagent::trust
