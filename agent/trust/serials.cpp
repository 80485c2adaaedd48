// SPDX-License-Identifier: Apache-2.0
// Owns the serials file: FORMAT.md in code.
#include "agent/trust/serials.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/trust/kept_text.h"

namespace hagent::trust {
namespace {

using errors::AgentCode;

constexpr std::string_view k_first_line = "hagent-serials 1\n";
constexpr std::size_t k_file_bytes = 4U << 20U;

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

std::string Serials::to_text(const std::map<Key, std::uint64_t>& highest) {
    std::string body(k_first_line);
    for (const auto& [key, value] : highest) {
        body += key.first + ' ' + std::to_string(value) + ' ' + key.second + '\n';
    }
    return body;
}

/// Of two copies the higher serial counts: a power cut between them leaves one that is older.
Result<Serials> Serials::load(platform::Files& files, std::string path) {
    Serials out(files, std::move(path));
    auto kept = TRY(read_kept(files, out.path_, k_file_bytes));
    for (const auto& body : kept.bodies) {
        TRY(out.take(body));
    }
    if (kept.damage && kept.bodies.empty()) {
        return *std::move(kept.damage);
    }
    out.damage_ = std::move(kept.damage);
    if (out.damage_) {
        mend_kept(files, out.path_, to_text(out.highest_));
    }
    return out;
}

Status Serials::take(std::string_view body) {
    if (!body.starts_with(k_first_line)) {
        return error(AgentCode::corrupt_journal, path_);
    }
    for (auto rest = body.substr(k_first_line.size()); !rest.empty();) {
        const auto end = rest.find('\n');
        auto line = parse_line(rest.substr(0, end));
        if (!line) {
            return error(AgentCode::corrupt_journal, path_);
        }
        auto& serial = highest_[{std::move(line->fingerprint), std::move(line->package)}];
        serial = std::max(serial, line->serial);
        rest.remove_prefix(end + 1);
    }
    return {};
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
    TRY(write_kept(*files_, path_, to_text(next)));
    highest_ = std::move(next);
    return {};
}

}  // namespace hagent::trust
