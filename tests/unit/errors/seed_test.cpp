// SPDX-License-Identifier: Apache-2.0
// Owns the proof that both seeds are in the catalogue whole, by number and by name, and in words of our own.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "agent/errors/catalogue.h"

using namespace hagent::errors;

namespace {

struct SeedRow {
    Protocol protocol;
    std::string group;
    unsigned number;
    std::string name;  // empty: the seed gives a sentence instead (FTP)

    friend bool operator<(const SeedRow& a, const SeedRow& b) {
        return std::tie(a.protocol, a.group, a.number, a.name) < std::tie(b.protocol, b.group, b.number, b.name);
    }
    friend bool operator==(const SeedRow&, const SeedRow&) = default;
};

const std::set<SeedRow>& extract() {
    static const std::set<SeedRow> rows{
#define SEED_ROW(protocol, group, number, name) {Protocol::protocol, group, number, name},
#include "seed_rows.def"
#undef SEED_ROW
    };
    return rows;
}

bool explained(const SeedRow& seed, std::string_view query) {
    return std::ranges::any_of(explain(query), [&](const Row* row) {
        return row->id == Id{seed.protocol, static_cast<std::uint16_t>(seed.number)} && row->group.view() == seed.group;
    });
}

void check_explained(const SeedRow& seed) {
    CAPTURE(seed.group);
    CAPTURE(seed.number);
    CAPTURE(seed.name);
    CHECK(explained(seed, std::to_string(seed.number)));
    if (!seed.name.empty()) CHECK(explained(seed, seed.name));
}

std::string seed_folder() {
    const char* chosen = std::getenv("HAGENT_SEED_DIR");
    return chosen != nullptr ? chosen : HAGENT_SEED_DIR;
}

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

struct Seeds {
    std::string appendix;
    std::string values;
};

// The documents are not part of the repository. Asked for by the environment they must be there; otherwise their
// absence is said.
std::optional<Seeds> read_seeds() {
    auto appendix = read_file(seed_folder() + "/seed-vxc-agent-appendix-c.txt");
    auto values = read_file(seed_folder() + "/seed-xdsa-dce-values.txt");
    if (appendix && values) return Seeds{*appendix, *values};
    REQUIRE_MESSAGE(std::getenv("HAGENT_SEED_DIR") == nullptr,
                    "HAGENT_SEED_DIR names a folder without the seed documents");
    MESSAGE("the seed documents are not on this machine; their extract, seed_rows.def, is checked in any case");
    return std::nullopt;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        std::erase(line, '\r');
        std::erase(line, '\\');
        lines.push_back(line);
    }
    return lines;
}

bool all_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

Protocol socket_protocol(unsigned number) {
    if (number >= 12000) return Protocol::wininet;
    return number >= 11000 ? Protocol::resolver : Protocol::winsock;
}

std::string socket_group(unsigned number) {
    if (number >= 12000) return "internet";
    return number >= 11000 ? "resolver" : "socket";
}

// "- 550 Requested ..." is an FTP reply, "- WSAEINTR 10004..." a socket error.
void parse_appendix_line(std::string_view line, std::set<SeedRow>& rows) {
    const auto dash = line.find_first_not_of(' ');
    if (dash == std::string_view::npos || !line.substr(dash).starts_with("- ")) return;
    const std::string_view item = line.substr(dash + 2);
    const auto blank = item.find(' ');
    if (blank == std::string_view::npos) return;
    const std::string first(item.substr(0, blank));
    if (blank == 3 && all_digits(first))
        rows.insert({Protocol::ftp, "reply", static_cast<unsigned>(std::stoul(first)), ""});
    const std::string second(item.substr(blank + 1, 5));
    if (second.size() == 5 && all_digits(second)) {
        const auto number = static_cast<unsigned>(std::stoul(second));
        rows.insert({socket_protocol(number), socket_group(number), number, first});
    }
}

// A heading of the values chapter that opens a list, and the group it has in the catalogue.
constexpr struct {
    std::string_view heading, group;
} k_headings[] = {
    {"Task Types", "task type"},
    {"Selection Types", "selection type"},
    {"Volume Types and States", "volume type"},
    {"The volume state designates", "volume state"},
    {"Analysis States", "software state (analysis)"},
    {"Execute States", "software state (execution)"},
    {"Session Phase", "session phase"},
    {"Result Status", "result status"},
    {"Result Codes", "result code"},
};

bool opens(std::string_view line, std::string_view heading) {
    return heading.starts_with("The ") ? line.starts_with(heading) : line == heading;
}

// "SW_NOTE[0001]" on a line of its own.
void parse_values_line(std::string_view line, std::string& group, std::set<SeedRow>& rows) {
    for (const auto& known : k_headings) {
        if (opens(line, known.heading)) group = known.group;
    }
    const auto bracket = line.find('[');
    if (!line.starts_with("SW_") || bracket == std::string_view::npos || !line.ends_with(']')) return;
    const std::string digits(line.substr(bracket + 1, line.size() - bracket - 2));
    REQUIRE(all_digits(digits));
    rows.insert(
        {Protocol::xdsa, group, static_cast<unsigned>(std::stoul(digits)), std::string(line.substr(0, bracket))});
}

std::set<SeedRow> parse(const Seeds& seeds) {
    std::set<SeedRow> rows;
    std::string group;
    for (const std::string& line : lines_of(seeds.appendix))
        parse_appendix_line(line, rows);
    for (const std::string& line : lines_of(seeds.values))
        parse_values_line(line, group, rows);
    return rows;
}

// Lower case, words with one blank between: so line ends and letter case do not hide a copy.
std::string plain(std::string_view text) {
    std::string words;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isspace(byte) == 0) {
            words.push_back(static_cast<char>(std::tolower(byte)));
        } else if (!words.empty() && words.back() != ' ') {
            words.push_back(' ');
        }
    }
    return words;
}

}  // namespace

TEST_CASE("the extract holds all codes of both seeds") {
    const auto count = [](Protocol protocol) {
        return std::ranges::count_if(extract(), [&](const SeedRow& row) { return row.protocol == protocol; });
    };
    CHECK(count(Protocol::ftp) == 39);
    CHECK(count(Protocol::winsock) + count(Protocol::resolver) == 43);
    CHECK(count(Protocol::wininet) == 1);
    CHECK(count(Protocol::xdsa) == 152);
}

TEST_CASE("every code of both seeds is explained by its number and by its name") {
    for (const SeedRow& row : extract())
        check_explained(row);
}

TEST_CASE("the seed documents hold what the extract says, and all of it is explained") {
    const auto seeds = read_seeds();
    if (!seeds) return;
    const std::set<SeedRow> parsed = parse(*seeds);
    CHECK(parsed == extract());
    for (const SeedRow& row : parsed)
        check_explained(row);
}

TEST_CASE("no text of the catalogue is a sentence of the seed documents") {
    const auto seeds = read_seeds();
    if (!seeds) return;
    const std::string theirs = plain(seeds->appendix) + plain(seeds->values);
    REQUIRE(theirs.find("sufficient privilege") != std::string::npos);
    for (const Row& row : rows()) {
        for (const std::string& text : {row.cause.text(), row.next.text()}) {
            std::string ours = plain(text);
            ours.pop_back();  // the full stop
            CAPTURE(ours);
            CHECK((ours.size() < 12 || theirs.find(ours) == std::string::npos));
        }
    }
}
