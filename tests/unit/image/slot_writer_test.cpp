// SPDX-License-Identifier: Apache-2.0
// Owns the rules of writing a slot: what is re-used, what is refused, and that a power cut at any moment costs at most
// what was not safe yet.
#include <doctest/doctest.h>

#include "agent/boot/boot.h"
#include "agent/image/slot_writer.h"
#include "platform/paths.h"
#include "tests/fakes/fake_block_devices.h"
#include "tests/unit/image/sample_image.h"

namespace hagent::image {
namespace {

using errors::AgentCode;
using fakes::Unsynced;

constexpr std::uint32_t k_chunk = 4096;
constexpr std::size_t k_image = 10 * k_chunk + 100;  // the last chunk is short
constexpr std::size_t k_slot = 12 * k_chunk;

struct Device {
    fakes::FakeFiles files;
    fakes::FakeBlockDevices devices{files};
    SamplePackage package;
    std::vector<SamplePart> samples;
    CancelToken cancel;

    Device() {
        files.put_directory("/scratch");
        package.power = [this]() -> std::optional<Error> {
            return files.power_is_off() ? std::optional<Error>(error(AgentCode::interrupted, "no power"))
                                        : std::nullopt;
        };
    }
    void add(const std::string& name, const std::string& raw, const std::string& old_a, const std::string& old_b) {
        samples.push_back(sample_part(name, raw, k_chunk));
        package.add(name + ".img", samples.back().image);
        package.add(name + ".chunks", samples.back().table);
        files.put("/package/" + name + ".chunks", samples.back().table);
        devices.put("/dev/a-" + name, old_a);
        devices.put("/dev/b-" + name, old_b);
    }
    [[nodiscard]] std::string target(const std::string& name) const { return *files.content("/dev/b-" + name); }
};

/// One life of a writer: devices opened, everything done in order.
struct Life {
    std::vector<std::unique_ptr<platform::BlockDevice>> open;
    ChunkCounts planned, done;
    std::function<void()> after_plan = [] {};

    Status write(Device& device) {
        std::vector<WritePart> parts;
        for (const auto& sample : device.samples) {
            const auto& name = sample.part.name;
            open.push_back(TRY(device.devices.open("/dev/b-" + name, platform::Access::exclusive)));
            auto* target = open.back().get();
            open.push_back(TRY(device.devices.open("/dev/a-" + name, platform::Access::read)));
            parts.push_back({sample.part,
                             "/package/" + name + ".chunks",
                             sample.image.size(),
                             {k_chunk, sample.part.raw_bytes, target, open.back().get()}});
        }
        SlotWriter writer(parts, {device.package, device.files, device.cancel, "/scratch", 2 * k_chunk});
        if (!TRY(writer.resume())) {
            auto sources = TRY(find_sources(parts, device.files, device.cancel));
            planned = TRY(count_chunks(parts, sources, device.files));
            TRY(writer.begin(std::move(sources)));
        }
        after_plan();
        TRY(writer.clear_heads());
        for (unsigned part = 0; part < parts.size(); ++part) {
            TRY(writer.write_part(part));
        }
        TRY(writer.finish());
        done = writer.counts();
        return {};
    }
};

void check_written(const Device& device) {
    for (const auto& sample : device.samples) {
        const auto now = device.target(sample.part.name);
        CHECK(now.size() == k_slot);
        CHECK(now.substr(0, sample.image.size()) == sample.image);
    }
}

TEST_CASE("an image is written, and what lies behind it stays") {
    Device device;
    device.add("root", raw_bytes(k_image, 1), std::string(k_slot, 'a'), std::string(k_slot, 'b'));
    Life life;
    REQUIRE(life.write(device).ok());
    check_written(device);
    CHECK(device.target("root").substr(k_image) == std::string(k_slot - k_image, 'b'));
    CHECK(life.done.total == 11);
    CHECK(life.done.fetched == 11);
    CHECK(life.done.fetch_bytes == k_image);
    CHECK(device.package.read == k_image);
    CHECK(device.package.ranges == 1);  // neighbours in one
}

TEST_CASE("chunks in their place are kept, chunks elsewhere are copied, the rest is fetched in ranges") {
    Device device;
    const std::string raw = raw_bytes(k_image, 1);
    std::string a(k_slot, 'a'), b(k_slot, 'b');
    b.replace(3 * k_chunk, 2 * k_chunk, raw.substr(3 * k_chunk, 2 * k_chunk));  // in their place
    a.replace(7 * k_chunk, k_chunk, raw.substr(7 * k_chunk, k_chunk));          // in the running slot
    a.replace(0, k_chunk, raw.substr(9 * k_chunk, k_chunk));                    // elsewhere in it
    b.replace(8 * k_chunk, k_chunk, raw.substr(1 * k_chunk, k_chunk));          // in the target, written later
    b.replace(1 * k_chunk, k_chunk, raw.substr(6 * k_chunk, k_chunk));          // in the target, written over before
    device.add("root", raw, a, b);
    Life life;
    REQUIRE(life.write(device).ok());
    check_written(device);
    CHECK(life.planned.json() == life.done.json());
    CHECK(life.done.kept == 2);
    CHECK(life.done.copied == 3);
    CHECK(life.done.fetched == 6);
    CHECK(device.package.read == life.done.fetch_bytes);
    CHECK(device.package.ranges == 5);  // 0, 2, 5-6, 8, 10
}

TEST_CASE("a chunk that has changed between the plan and its turn is fetched") {
    Device device;
    const std::string raw = raw_bytes(k_image, 1);
    std::string a(k_slot, 'a'), b(k_slot, 'b');
    std::size_t changed = 3 * k_chunk + 5;
    std::string path = "/dev/b-root";
    SUBCASE("in its place") { b.replace(3 * k_chunk, k_chunk, raw.substr(3 * k_chunk, k_chunk)); }
    SUBCASE("elsewhere in the target") {
        b.replace(8 * k_chunk, k_chunk, raw.substr(3 * k_chunk, k_chunk));
        changed = 8 * k_chunk + 5;
    }
    SUBCASE("in the slot that runs") {
        a.replace(7 * k_chunk, k_chunk, raw.substr(3 * k_chunk, k_chunk));
        changed = 7 * k_chunk + 5;
        path = "/dev/a-root";
    }
    device.add("root", raw, a, b);
    Life life;
    life.after_plan = [&] {
        const std::string byte(1, static_cast<char>((*device.files.content(path))[changed] ^ 1));
        const auto file = device.files.open(path, platform::OpenMode::read_write);
        REQUIRE((file.ok() && (*file)->write_at(changed, byte).ok()));
    };
    REQUIRE(life.write(device).ok());
    check_written(device);
    CHECK(life.planned.fetched == 10);
    CHECK(device.package.read == k_image);
}

TEST_CASE("an image that the device holds is not fetched at all") {
    Device device;
    const std::string raw = raw_bytes(k_image, 1);
    SUBCASE("in the running slot") {
        device.add("root", raw, raw + std::string(k_slot - k_image, 'a'), std::string(k_slot, 'b'));
    }
    SUBCASE("in the target already") {
        device.add("root", raw, std::string(k_slot, 'a'), raw + std::string(k_slot - k_image, 'b'));
    }
    Life life;
    REQUIRE(life.write(device).ok());
    check_written(device);
    CHECK(device.package.ranges == 0);
    CHECK(life.done.fetched == 0);
}

TEST_CASE("a chunk that stands in the image several times is fetched once") {
    Device device;
    device.add("root", std::string(10 * k_chunk, 'z'), std::string(k_slot, 'a'), std::string(k_slot, 'b'));
    Life life;
    REQUIRE(life.write(device).ok());
    CHECK(device.target("root").substr(0, 10 * k_chunk) == std::string(10 * k_chunk, 'z'));
    CHECK(life.done.fetched == 2);  // the first one is not whole before the end
    CHECK(life.done.copied == 8);
}

TEST_CASE("several parts are one image") {
    Device device;
    const std::string root = raw_bytes(k_image, 1);
    device.add("boot", raw_bytes(3 * k_chunk, 2), std::string(k_slot, 'a'), std::string(k_slot, 'b'));
    device.add("root", root, root + std::string(k_slot - k_image, 'a'), std::string(k_slot, 'b'));
    Life life;
    REQUIRE(life.write(device).ok());
    check_written(device);
    CHECK(life.done.total == 14);
    CHECK(life.done.fetched == 3);
}

TEST_CASE("a chunk that comes wrong is asked for again, and only so often") {
    Device device;
    device.add("root", raw_bytes(k_image, 1), std::string(k_slot, 'a'), std::string(k_slot, 'b'));
    device.package.bad_at = 5 * k_chunk + 17;
    Life life;
    SUBCASE("another source has it right") {
        device.package.second_source_is_good = true;
        REQUIRE(life.write(device).ok());
        check_written(device);
        CHECK(device.package.ranges == 2);
    }
    SUBCASE("none has it") {
        const auto written = life.write(device);
        REQUIRE_FALSE(written.ok());
        CHECK(written.error().is(AgentCode::image_chunk_bad));
        CHECK(written.error().context.find("chunk 5 of root.img") != std::string::npos);
        CHECK(boot::is_unfit_head(device.target("root").substr(0, 64)));
        CHECK(device.target("root").substr(5 * k_chunk, k_chunk) == std::string(k_chunk, 'b'));
    }
}

TEST_CASE("a device that gives back something else is written to once more, and then given up") {
    Device device;
    device.add("root", raw_bytes(k_image, 1), std::string(k_slot, 'a'), std::string(k_slot, 'b'));
    device.devices.forget_at("/dev/b-root", 4 * k_chunk);
    Life life;
    const auto written = life.write(device);
    REQUIRE_FALSE(written.ok());
    CHECK(written.error().is(AgentCode::image_verify_failed));
    CHECK(boot::is_unfit_head(device.target("root").substr(0, 64)));
}

TEST_CASE("what failed leaves a slot into which the next image goes") {
    Device device;
    device.add("root", raw_bytes(k_image, 1), std::string(k_slot, 'a'), std::string(k_slot, 'b'));
    for (std::uint64_t call = 1; call < 40; ++call) {
        device.files.fail_call(call, error(AgentCode::io_error, "worn out"));
        Life life;
        const bool failed = !life.write(device).ok();
        device.files.forget_calls();
        if (!failed) {
            break;
        }
    }
    Life life;
    device.files.restart();
    REQUIRE(life.write(device).ok());
    check_written(device);
}

/// Whatever is cut, a slot with all heads in place is whole.
void check_never_half(const Device& device) {
    for (const auto& sample : device.samples) {
        const auto now = device.target(sample.part.name);
        if (now.starts_with(sample.image.substr(0, k_chunk))) {
            CHECK(now.substr(0, sample.image.size()) == sample.image);
        }
    }
}

/// The second cuts: every few; with HAGENT_ALL_CUTS in the environment all of them, which takes minutes.
void cut_everywhere(Unsynced unsynced, bool twice) {
    const std::uint64_t stride = twice && platform::environment("HAGENT_ALL_CUTS").empty() ? 4 : 1;
    const std::string root = raw_bytes(k_image, 1);
    std::uint64_t lives = 0;
    for (std::uint64_t first = 1;; ++first) {
        bool cut = false, second_cut = twice;
        const std::uint64_t begin = 1 + first % stride;
        for (std::uint64_t second = begin; second_cut || second == begin; second += stride) {
            Device device;
            std::string a(k_slot, 'a'), b(k_slot, 'b');
            a.replace(7 * k_chunk, k_chunk, root.substr(7 * k_chunk, k_chunk));
            b.replace(8 * k_chunk, k_chunk, root.substr(1 * k_chunk, k_chunk));
            device.add("boot", raw_bytes(2 * k_chunk, 2), std::string(k_slot, 'a'), std::string(k_slot, 'b'));
            device.add("root", root, a, b);
            device.files.cut_power_at(first);
            cut = !Life().write(device).ok();
            if (!cut) {
                break;
            }
            CAPTURE(first);
            CAPTURE(second);
            device.files.restart(unsynced);
            check_never_half(device);
            second_cut = false;
            if (twice) {
                device.files.cut_power_at(second);
                second_cut = !Life().write(device).ok();
                device.files.restart(unsynced);
                check_never_half(device);
            }
            const std::uint64_t before = device.package.read;
            REQUIRE(Life().write(device).ok());
            check_written(device);
            CHECK(device.package.read - before <= root.size() + 2 * k_chunk);
            ++lives;
        }
        if (!cut) {
            break;
        }
    }
    CHECK(lives > 20);
}

TEST_CASE("a power cut at any change: the next life ends the work, and no half slot has its head") {
    cut_everywhere(Unsynced::lost, false);
    cut_everywhere(Unsynced::kept, false);
    cut_everywhere(Unsynced::torn, false);
}

TEST_CASE("a second cut at any change of the recovery from the first one") {
    cut_everywhere(Unsynced::lost, true);
    cut_everywhere(Unsynced::torn, true);
}

TEST_CASE("what was written before a cut and reached the device is not fetched again") {
    for (std::uint64_t cut = 1;; ++cut) {
        Device device;
        device.add("root", raw_bytes(k_image, 1), std::string(k_slot, 'a'), std::string(k_slot, 'b'));
        device.files.cut_power_at(cut);
        if (Life().write(device).ok()) {
            break;
        }
        device.files.restart(Unsynced::kept);
        REQUIRE(Life().write(device).ok());
        check_written(device);
        CHECK(device.package.read <= k_image + k_chunk + device.package.piece);
    }
}

}  // namespace
}  // namespace hagent::image
