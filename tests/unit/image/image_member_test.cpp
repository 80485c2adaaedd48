// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the manifest's member `image`.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/base/text.h"
#include "agent/image/image_member.h"

using namespace hagent;
using namespace hagent::image;
using errors::AgentCode;

namespace {

const std::string k_digest(64, 'a');

/// The interface's own example, with `from` replaced.
std::string example(std::string_view from = "", std::string_view to = "") {
    const std::string text =
        R"({"version":"11.2","parts":[{"name":"root","file":"root.img.zst","chunks":"root.chunks","compression":"zstd",)"
        R"("raw_bytes":1000000,"raw_sha256":"DIGEST","chunk_bytes":262144}],"hooks":{"after_write":"migrate"},)"
        R"("min_version":"","platforms":[],"allow_downgrade":false})";
    REQUIRE(text.find(from) != std::string::npos);
    return replace_all(replace_all(text, from, to), "DIGEST", k_digest);
}

trust::Manifest manifest(std::string details,
                         std::vector<trust::ManifestFile> files = {{"root.img.zst", 5000, k_digest, {}},
                                                                   {"root.chunks", 300, k_digest, {}},
                                                                   {"migrate", 10, k_digest, {}}}) {
    trust::Manifest out;
    out.kind = JobKind::image;
    out.package = "image";
    out.version = "11.2.0.1";
    out.files = std::move(files);
    out.details = std::move(details);
    return out;
}

/// The context of the refusal.
std::string refusal(const trust::Manifest& from) {
    const auto member = image_member(from);
    CAPTURE(from.details);
    REQUIRE_FALSE(member.ok());
    CHECK(member.error().is(AgentCode::image_member_malformed));
    return member.error().context;
}

}  // namespace

TEST_CASE("the example of the interface is understood") {
    const auto member = image_member(manifest(example()));
    REQUIRE(member.ok());
    CHECK(member->version == "11.2");
    REQUIRE(member->parts.size() == 1);
    CHECK(member->parts[0] ==
          Part{"root", "root.img.zst", "root.chunks", decode::Compression::zstd, 1000000, k_digest, 262144});
    CHECK(member->parts[0].chunk_count() == 4);
    CHECK(member->parts[0].raw_bytes_of(0) == 262144);
    CHECK(member->parts[0].raw_bytes_of(3) == 1000000 - 3 * 262144);
    CHECK(member->after_write == "migrate");
    CHECK(member->min_version.empty());
    CHECK(member->platforms.empty());
    CHECK_FALSE(member->allow_downgrade);
}

TEST_CASE("what may be left out is left out, and the version is then the manifest's") {
    const auto member = image_member(
        manifest(R"({"parts":[{"name":"root","file":"root.img.zst","chunks":"root.chunks","compression":"none",)"
                 R"("raw_bytes":4096,"raw_sha256":")" +
                 k_digest + R"(","chunk_bytes":4096}]})"));
    REQUIRE(member.ok());
    CHECK(member->version == "11.2.0.1");
    CHECK(member->after_write.empty());
    CHECK(image_member(manifest(example(R"({"after_write":"migrate"})", "{}")))->after_write.empty());
    CHECK(image_member(manifest(example("\"11.2\"", "\"\"")))->version == "11.2.0.1");
    CHECK(image_member(manifest(example("false", "true")))->allow_downgrade);
    CHECK(image_member(manifest(example("\"platforms\":[]", "\"platforms\":[\"D3004\",\"Q7\"]")))->platforms ==
          std::vector<std::string>{"D3004", "Q7"});
}

TEST_CASE("several parts are several images, and what is written reads back the same") {
    const std::string second =
        R"(},{"name":"boot","file":"migrate","chunks":"boot.chunks","compression":"gzip","raw_bytes":1,"raw_sha256":")" +
        k_digest + R"(","chunk_bytes":4096}],"hooks":{},)";
    auto from = manifest(example(R"(}],"hooks":{"after_write":"migrate"},)", second));
    from.files.push_back({"boot.chunks", 70, k_digest, {}});
    const auto member = image_member(from);
    REQUIRE(member.ok());
    REQUIRE(member->parts.size() == 2);
    CHECK(member->parts[1].name == "boot");
    CHECK(parse_image_member(write_image_member(*member)).value() == *member);
    CHECK(parse_image_member(write_image_member(*image_member(manifest(example())))).value() ==
          *image_member(manifest(example())));
}

TEST_CASE("each deviation is refused with its place") {
    const std::vector<std::array<std::string_view, 3>> cases = {
        {"\"11.2\"", "11.2", "image.version"},
        {"\"11.2\"", "\"11 2\"", "image.version"},
        {"\"version\"", "\"verison\"", "image.verison"},
        {"\"hooks\":{", "\"hooks\":{\"before\":\"x\",", "image.hooks.before"},
        {"{\"after_write\":\"migrate\"}", "\"migrate\"", "image.hooks"},
        {"\"migrate\"", "\"../migrate\"", "image.hooks.after_write"},
        {"\"migrate\"", "\"\"", "image.hooks.after_write"},
        {"\"migrate\"", "\"other\"", "image.hooks.after_write: other is not among the files"},
        {"\"migrate\"", "\"root.chunks\"", "root.chunks is used twice"},
        {"\"root\"", "\"\"", "image.parts[0].name"},
        {"\"root\"", "\"-root\"", "image.parts[0].name"},
        {"\"root\"", "\"a/b\"", "image.parts[0].name"},
        {"\"root\"", "7", "image.parts[0].name"},
        {"\"root.img.zst\"", "\"gone.img\"", "gone.img is not among the files"},
        {"\"root.chunks\"", "\"gone.chunks\"", "gone.chunks is not among the files"},
        {"\"root.chunks\"", "\"root.img.zst\"", "root.img.zst is used twice"},
        {"\"zstd\"", "\"bzip2\"", "image.parts[0].compression"},
        {"\"zstd\"", "null", "image.parts[0].compression"},
        {"1000000", "0", "image.parts[0].raw_bytes"},
        {"1000000", "-1", "image.parts[0].raw_bytes"},
        {"1000000", "1e6", "image.parts[0].raw_bytes"},
        {"1000000", "18446744073709551615", "image.parts[0].raw_bytes"},
        {"\"DIGEST\"", "\"abc\"", "image.parts[0].raw_sha256"},
        {"262144", "262145", "image.parts[0].chunk_bytes"},
        {"262144", "2048", "image.parts[0].chunk_bytes"},
        {"262144", "0", "image.parts[0].chunk_bytes"},
        {"262144", "2097152", "image.parts[0].chunk_bytes"},
        {"\"name\"", "\"nom\"", "image.parts[0].nom"},
        {"\"min_version\":\"\"", "\"min_version\":1", "image.min_version"},
        {"\"platforms\":[]", "\"platforms\":[1]", "image.platforms"},
        {"\"platforms\":[]", "\"platforms\":\"D3004\"", "image.platforms"},
        {"false", "\"no\"", "image.allow_downgrade"},
        {"\"min_version\":\"\"", "\"version\":\"2\"", "image.version"},
    };
    for (const auto& each : cases) {
        CAPTURE(each[1]);
        CHECK(refusal(manifest(example(each[0], each[1]))).find(each[2]) != std::string::npos);
    }
}

TEST_CASE("no parts, too many, or one twice are refused") {
    const auto parts = example().substr(example().find('['), example().find(']') - example().find('[') + 1);
    const auto with = [&](const std::string& list) { return manifest(replace_all(example(), parts, list)); };
    CHECK(refusal(with("[]")).find("image.parts: ") == 0);
    CHECK(refusal(with("{}")).find("image.parts: ") == 0);
    CHECK(refusal(with("[1]")).find("image.parts[0]: ") == 0);
    const auto one = parts.substr(1, parts.size() - 2);
    CHECK(refusal(with("[" + one + "," + one + "]")).find("image.parts: root") == 0);
    std::string many = one;
    for (int i = 0; i < 16; ++i) {
        many.append(",").append(one);
    }
    CHECK(refusal(with("[" + many + "]")).find("image.parts: must be a list of 1 to 16") == 0);
}

TEST_CASE("sizes of files that cannot be true are refused") {
    const auto with = [](std::uint64_t image, std::uint64_t table) {
        return manifest(example(), {{"root.img.zst", image, k_digest, {}},
                                    {"root.chunks", table, k_digest, {}},
                                    {"migrate", 10, k_digest, {}}});
    };
    CHECK(image_member(with(1, 4)).ok());
    CHECK_FALSE(refusal(with(0, 300)).empty());
    CHECK_FALSE(refusal(with(5000, 0)).empty());
    CHECK_FALSE(refusal(with(5000, 100000)).empty());
}

TEST_CASE("no member, and the member of another kind, are refused") {
    CHECK_FALSE(refusal(manifest("")).empty());
    CHECK_FALSE(refusal(manifest("[]")).empty());
    CHECK_FALSE(refusal(manifest("{")).empty());
    auto other = manifest(example());
    other.kind = JobKind::script;
    CHECK_FALSE(refusal(other).empty());
}
