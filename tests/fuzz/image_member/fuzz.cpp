// SPDX-License-Identifier: Apache-2.0
// Owns the fuzz target of the manifest's member image: untrusted text is refused, or keeps its rules and survives a
// round trip.
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/image/image_member.h"
#include "tests/fuzz/require.h"

using namespace hagent;
using namespace hagent::image;
using hagent::fuzz::require;

namespace {

void look(const ImageMember& member) {
    std::set<std::string> names, files;
    require(!member.parts.empty() && member.parts.size() <= limits::k_image_parts);
    for (const Part& part : member.parts) {
        require(valid_part_name(part.name) && names.insert(part.name).second);
        require(files.insert(part.file).second && files.insert(part.chunks).second);
        require(trust::valid_path(part.file) && trust::valid_path(part.chunks));
        require(valid_chunk_bytes(part.chunk_bytes) && part.raw_bytes > 0 && part.chunk_count() > 0);
        require(part.raw_bytes_of(part.chunk_count() - 1) > 0);
    }
    require(member.after_write.empty() || files.insert(member.after_write).second);
    const auto again = parse_image_member(write_image_member(member));
    require(again.ok() && *again == member);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto member = parse_image_member(text); member.ok()) {
        look(*member);
    }
    if (const auto manifest = trust::parse_manifest(text); manifest.ok()) {
        if (const auto member = image_member(*manifest); member.ok()) {
            look(*member);
            for (const Part& part : member->parts) {
                require(manifest->find(part.file) != nullptr && manifest->find(part.chunks) != nullptr);
            }
        }
    }
    return 0;
}
