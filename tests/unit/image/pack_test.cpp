// SPDX-License-Identifier: Apache-2.0
// Owns the tests of packing that need no program of this machine: tests/integration/image_pack_test.py has the others.
#include <doctest/doctest.h>

#include <map>
#include <string>

#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/image/chunk_table.h"
#include "agent/image/pack.h"
#include "agent/trust/digest.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_processes.h"
#include "tests/fakes/rooted.h"

using namespace hagent;
using namespace hagent::image;
using errors::AgentCode;
using fakes::rooted;

namespace {

constexpr std::uint32_t k_chunk = 4096;

struct Host {
    fakes::FakeFiles files;
    fakes::FakeProcesses processes;
    CancelToken cancel;
    PackRequest request;

    Host() {
        request.raw = rooted("/raw");
        request.folder = rooted("/out");
        request.compression = decode::Compression::none;
        request.chunk_bytes = k_chunk;
        files.put("/raw", std::string(2 * k_chunk, 'a') + std::string(k_chunk, 'b') + "the end");
    }
    Result<Packed> pack() { return image::pack(files, processes, request, cancel); }
    [[nodiscard]] bool scratch_is_gone() {
        const auto names = files.list(rooted("/out"));
        return !names.ok() ||
               std::none_of(names->begin(), names->end(), [](const auto& name) { return name.front() == '.'; });
    }
};

}  // namespace

TEST_CASE("chunks, table and image.json belong together") {
    Host host;
    const auto packed = host.pack();
    REQUIRE(packed.ok());
    const auto raw = host.files.content("/raw").value();
    CHECK(packed->part == Part{"root", "root.img", "root.chunks", decode::Compression::none, raw.size(),
                               trust::sha256_hex(raw), k_chunk});
    CHECK(packed->stored_bytes == raw.size());
    CHECK(host.files.content("/out/root.img") == raw);
    CHECK(packed_member(host.files, rooted("/out"))->parts == std::vector{packed->part});
    auto table = ChunkTable::open(host.files, rooted("/out/root.chunks"), packed->part, packed->stored_bytes);
    REQUIRE(table.ok());
    for (std::uint64_t i = 0; i < 4; ++i) {
        const auto chunk = table->next();
        REQUIRE(chunk.ok());
        REQUIRE(chunk->has_value());
        CHECK(trust::sha256_hex(std::string_view(raw).substr(narrow<std::size_t>(i * k_chunk), k_chunk)) ==
              to_hex((*chunk)->sha256));
    }
    CHECK_FALSE(table->next().value().has_value());
    CHECK(host.scratch_is_gone());
}

TEST_CASE("a second part joins the first, and a part that is packed again takes its own place") {
    Host host;
    host.request.words.min_version = "3";
    REQUIRE(host.pack().ok());
    host.files.put("/raw", "boot");
    host.request.part = "boot";
    host.request.words = {};
    REQUIRE(host.pack().ok());
    host.files.put("/raw", "root again");
    host.files.put("/out/root.img.gz", "of an older time");
    host.request.part = "root";
    REQUIRE(host.pack().ok());
    const auto member = packed_member(host.files, rooted("/out"));
    REQUIRE(member.ok());
    REQUIRE(member->parts.size() == 2);
    CHECK(member->parts[0].name == "root");
    CHECK(member->parts[0].raw_bytes == 10);
    CHECK(member->parts[1].name == "boot");
    CHECK(member->min_version == "3");
    CHECK_FALSE(host.files.content("/out/root.img.gz"));
}

TEST_CASE("what cannot be an image is refused before anything is written") {
    Host host;
    host.files.put("/raw", "");
    CHECK(host.pack().error().is(AgentCode::image_member_malformed));
    host.files.put("/raw", "x");
    host.request.words.after_write = "root.img";
    CHECK(host.pack().error().is(AgentCode::image_member_malformed));
    host.request.words.after_write = "../hook";
    CHECK(host.pack().error().is(AgentCode::image_member_malformed));
    host.files.put("/out/image.json", "{}");
    host.request.words = {};
    CHECK(host.pack().error().is(AgentCode::image_member_malformed));
    CHECK_FALSE(host.files.content("/out/root.img"));
    host.request.raw = rooted("/gone");
    CHECK(host.pack().error().is(AgentCode::file_not_found));
    CHECK(host.scratch_is_gone());
}

TEST_CASE("a program that fails, lies or is not there ends the packing and leaves nothing") {
    Host host;
    host.request.compression = decode::Compression::gzip;
    CHECK(host.pack().error().is(AgentCode::command_not_found));
    host.processes.on("gzip", platform::Exit{1, false, "gzip: no room", 0});
    const auto failed = host.pack();
    CHECK(failed.error().is(AgentCode::compressor_failed));
    CHECK(failed.error().context.find("no room") != std::string::npos);
    host.request.compression = decode::Compression::zstd;
    host.processes.on("zstd", [&](const platform::Command& command, const CancelToken&) -> Result<platform::Exit> {
        CHECK(command.argv.back() == "2");  // a chunk that came twice is packed once
        for (const char* name : {"0.zst", "1.zst", "2.zst"}) {
            REQUIRE(host.files.write_durable(command.directory + "/" + name, "no frame", 0600).ok());
        }
        return platform::Exit{};
    });
    CHECK(host.pack().error().is(AgentCode::compressor_failed));
    CHECK(host.scratch_is_gone());
    CHECK_FALSE(host.files.content("/out/image.json"));
}

TEST_CASE("packing can be cancelled") {
    Host host;
    host.cancel.request();
    CHECK(host.pack().error().is(AgentCode::cancelled));
    CHECK(host.scratch_is_gone());
}
