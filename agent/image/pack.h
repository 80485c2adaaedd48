// SPDX-License-Identifier: Apache-2.0
// Owns pack(): a raw image becomes the files of an image package, on the machine that builds it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/image/image_member.h"
#include "platform/files.h"
#include "platform/process.h"

namespace hagent::image {

/// What image.json says beside the parts; what is empty stays as it is there.
struct PackageWords {
    std::optional<std::string> version, min_version, after_write;
    std::optional<std::vector<std::string>> platforms;
    bool allow_downgrade = false;  // false: as it is there
};

struct PackRequest {
    std::string raw;     // the file
    std::string folder;  // made where it is not there
    std::string part = "root";
    decode::Compression compression = decode::Compression::zstd;
    std::uint32_t chunk_bytes = std::uint32_t{256} << 10U;
    unsigned level = 0;  // of the program; 0: 6 for gzip and xz, 9 for zstd
    PackageWords words;
};

struct Packed {
    Part part;
    std::uint64_t stored_bytes = 0;  // of the image file
};

/// Writes PART.img with the compression's suffix and PART.chunks into the folder, and takes the part into its
/// image.json, which is written last, in place of an older one of that name. The host's own program packs the chunks,
/// the same bytes for the same raw image and program; what it makes is unpacked again with the decoders that devices
/// have. Errors: image_member_malformed (a wish that cannot be kept),
/// compressor_failed, command_not_found, cancelled, those of Files.
[[nodiscard]] Result<Packed> pack(platform::Files& files, platform::Processes& processes, const PackRequest& request,
                                  const CancelToken& cancel);

/// image.json of a folder. Errors: image_member_malformed also where a file that it names is not there.
[[nodiscard]] Result<ImageMember> packed_member(platform::Files& files, const std::string& folder);

}  // namespace hagent::image
