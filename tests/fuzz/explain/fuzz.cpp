// SPDX-License-Identifier: Apache-2.0
// Fuzzes what people ask `explain`: every answer is a row that the words name, and an id reads back as it is written.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/errors/catalogue.h"
#include "tests/fuzz/require.h"

namespace {

using namespace hagent;
using hagent::fuzz::require;

bool same(const std::vector<const errors::Row*>& a, const std::vector<const errors::Row*>& b) { return a == b; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view asked(reinterpret_cast<const char*>(data), size);
    const auto found = errors::explain(asked);
    const auto table = errors::rows();
    require(found.size() <= table.size());
    for (const auto* row : found) {
        require(row >= table.data() && row < table.data() + table.size());
        require(std::count(found.begin(), found.end(), row) == 1);
        const auto by_name = errors::explain(row->name);
        require(std::find(by_name.begin(), by_name.end(), row) != by_name.end());
    }
    require(same(errors::explain(" " + std::string(asked) + "\t"), found));

    const auto id = errors::parse_id(asked);
    if (id) {
        require(errors::parse_id(errors::id_text(*id)) == id);
        const auto row = errors::describe(*id);
        require(row.id == *id && !row.name.view().empty() && !row.cause.text().empty() && !row.next.text().empty());
        const auto* listed = errors::find(*id);
        require(listed == nullptr || std::find(found.begin(), found.end(), listed) != found.end());
    }
    return 0;
}
