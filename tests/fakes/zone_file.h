// SPDX-License-Identifier: Apache-2.0
// Owns the making of TZif files (RFC 8536) for tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace hagent::fakes {

struct ZoneFile {
    struct Change {
        std::int64_t moment;
        std::uint8_t type;
    };
    std::vector<std::int32_t> offsets{0};  // of each type
    std::vector<Change> changes;
    std::string rule;    // at the end of versions from 2 on
    char version = '2';  // '\0': the first

    [[nodiscard]] std::string text() const {
        if (version == '\0') {
            return block(4, *this);
        }
        return block(4, ZoneFile{{0}, {}, {}, version}) + block(8, *this) + "\n" + rule + "\n";
    }

private:
    static std::string number(std::uint64_t value, unsigned bytes) {
        std::string out;
        while (bytes-- > 0) {
            out += static_cast<char>(static_cast<unsigned char>(value >> (8 * bytes)));
        }
        return out;
    }

    static std::string block(unsigned moment_bytes, const ZoneFile& file) {
        constexpr std::string_view k_names("AAA\0", 4);
        std::string out = "TZif" + std::string(1, file.version) + std::string(15, '\0');
        for (const std::size_t count : {std::size_t{1}, std::size_t{1}, std::size_t{0}, file.changes.size(),
                                        file.offsets.size(), k_names.size()}) {
            out += number(count, 4);
        }
        std::string types;
        for (const auto& change : file.changes) {
            out += number(static_cast<std::uint64_t>(change.moment), moment_bytes);
            types += static_cast<char>(change.type);
        }
        out += types;
        for (const auto offset : file.offsets) {
            out += number(static_cast<std::uint32_t>(offset), 4) + std::string(2, '\0');
        }
        return out.append(k_names) + std::string(2, '\0');  // one mark of each kind
    }
};

/// As in Berlin for the years 2025 and 2026, then by the rule.
inline ZoneFile berlin() {
    return {{3600, 7200, 3208},
            {{1'743'296'400, 1}, {1'761'440'400, 0}, {1'774'746'000, 1}, {1'792'890'000, 0}},
            "CET-1CEST,M3.5.0,M10.5.0/3"};
}

}  // namespace hagent::fakes
