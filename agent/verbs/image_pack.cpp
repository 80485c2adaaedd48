// SPDX-License-Identifier: Apache-2.0
// Owns `image pack`: the files of an image package, made on the machine that builds it.
#include "agent/base/concat.h"
#include "agent/base/json_writer.h"
#include "agent/base/text.h"
#include "agent/image/pack.h"
#include "agent/verbs/verbs.h"
#include "platform/paths.h"
#include "platform/service.h"

namespace hagent::verbs {
namespace {

std::optional<std::string> given(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

/// What the words ask for, or what is wrong with them.
Result<image::PackRequest> requested(const Options& options) {
    image::PackRequest request;
    request.raw = platform::absolute(options.arguments[1]);
    request.folder = platform::absolute(options.output);
    request.part = options.part.empty() ? request.part : options.part;
    const auto compression = options.compression.empty() ? std::optional(request.compression)
                                                         : decode::compression_named(options.compression);
    if (!compression) {
        return error(errors::AgentCode::usage, "--compression must be none, gzip, xz or zstd");
    }
    request.compression = *compression;
    request.chunk_bytes = options.chunk_bytes == 0 ? request.chunk_bytes : options.chunk_bytes;
    if (!image::valid_chunk_bytes(request.chunk_bytes)) {
        return error(errors::AgentCode::usage, "--chunk-bytes must be a multiple of 4096, at most 1M");
    }
    if (!image::valid_part_name(request.part)) {
        return error(errors::AgentCode::usage, "--part must be letters, digits, '-', '_' and '.'");
    }
    request.level = options.level;
    if (request.level > (*compression == decode::Compression::zstd ? 22U : 9U)) {
        return error(errors::AgentCode::usage, "--level goes to 9, with zstd to 22");
    }
    request.words = {given(options.version), given(options.min_version), given(options.after_write),
                     options.platforms.empty() ? std::nullopt : std::optional(options.platforms),
                     options.allow_downgrade};
    return request;
}

std::string document(const image::Packed& packed) {
    const image::Part& part = packed.part;
    JsonWriter json;
    json.begin_object();
    json.member("part", part.name);
    json.member("file", part.file);
    json.member("chunks_file", part.chunks);
    json.member("compression", decode::name(part.compression));
    json.member("raw_bytes", part.raw_bytes);
    json.member("raw_sha256", part.raw_sha256);
    json.member("chunk_bytes", part.chunk_bytes);
    json.member("chunks", part.chunk_count());
    json.member("stored_bytes", packed.stored_bytes);
    json.null("error");
    json.end_object();
    return json.take() + "\n";
}

std::string sentence(const image::Packed& packed, const std::string& folder) {
    const image::Part& part = packed.part;
    return concat({"packed ", part.name, ": ", human_bytes(part.raw_bytes), " in ", std::to_string(part.chunk_count()),
                   " chunks, ", human_bytes(packed.stored_bytes), " as ", decode::name(part.compression), "; ", folder,
                   " can be signed with --kind image\n"});
}

}  // namespace

int image_pack(Machine& machine, const Options& options) {
    if (options.arguments.size() != 2 || options.output.empty()) {
        return usage(machine, options, "say 'image pack RAW -o DIR'");
    }
    const auto request = requested(options);
    if (!request.ok()) {
        return usage(machine, options, request.error().context);
    }
    CancelToken cancel;
    const auto signals = platform::watch_signals(
        [](platform::ServiceRequest, void* context) { static_cast<CancelToken*>(context)->flag(); }, &cancel);
    const auto packed = image::pack(*machine.files, *machine.processes, *request, cancel);
    if (!packed.ok()) {
        return failed(machine, options, packed.error());
    }
    machine.output->print(options.json ? document(*packed) : sentence(*packed, options.output));
    return k_done;
}

}  // namespace hagent::verbs
