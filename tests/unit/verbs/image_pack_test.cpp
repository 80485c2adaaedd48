// SPDX-License-Identifier: Apache-2.0
// Owns the tests of `image pack`, and of `sign` for what it leaves.
#include <string>

#include "tests/unit/verbs/command_line.h"

namespace hagent::verbs {
namespace {

struct Builder : CommandLine {
    Builder() {
        files.put("/raw", std::string(10000, 'r'));
        files.put("/build.key", trust::keys::k_ec_a_private, 0600);
    }
    int pack(const Words& more = {}) {
        Words words = {"image", "pack", "/raw", "-o", "/out", "--compression", "none", "--chunk-bytes", "4K"};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }
    int sign(const Words& more = {}) {
        Words words = {"sign",      "/out", "--key",     "/build.key", "--kind",   "image",
                       "--package", "img",  "--version", "11.2",       "--serial", "7"};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }
    [[nodiscard]] json file(const std::string& path) { return json::parse(files.content(path).value_or("null")); }
};

TEST_CASE("an image is packed, and says how much came out") {
    Builder builder;
    CHECK(builder.pack() == k_done);
    CHECK(builder.said("packed root: 9.8 KiB in 3 chunks, 9.8 KiB as none; "));
    CHECK(builder.files.content("/out/root.img") == std::string(10000, 'r'));
    CHECK(builder.pack({"--json", "--part", "boot"}) == k_done);
    const auto document = builder.document();
    CHECK(document["part"] == "boot");
    CHECK(document["file"] == "boot.img");
    CHECK(document["chunks_file"] == "boot.chunks");
    CHECK(document["chunks"] == 3);
    CHECK(document["raw_bytes"] == 10000);
    CHECK(document["stored_bytes"] == 10000);
    CHECK(document["error"].is_null());
    CHECK(builder.file("/out/image.json")["parts"].size() == 2);
}

TEST_CASE("what image pack leaves becomes the manifest's member, and is no file of the package") {
    Builder builder;
    builder.files.put("/out/migrate", "#!");
    CHECK(builder.pack({"--after-write", "migrate", "--min-version", "10", "--platform", "D3004",
                        "--allow-downgrade"}) == k_done);
    CHECK(builder.sign() == k_done);
    CHECK(builder.output.out == "signed img 11.2, serial 7, 3 files\n");
    const auto manifest = builder.file("/out/manifest.json");
    CHECK(manifest["image"]["version"] == "11.2");
    CHECK(manifest["image"]["hooks"]["after_write"] == "migrate");
    CHECK(manifest["image"]["min_version"] == "10");
    CHECK(manifest["image"]["platforms"] == json{"D3004"});
    CHECK(manifest["image"]["allow_downgrade"] == true);
    CHECK(manifest["image"]["parts"][0]["file"] == "root.img");
    CHECK_FALSE(manifest.contains("entry"));
    CHECK(builder.run({"verify", "/out"}) == k_done);
}

TEST_CASE("an image's own version and an entry are kept") {
    Builder builder;
    CHECK(builder.pack({"--version", "11.3"}) == k_done);
    CHECK(builder.sign({"--entry", "root.img"}) == k_done);
    CHECK(builder.file("/out/manifest.json")["image"]["version"] == "11.3");
    CHECK(builder.file("/out/manifest.json")["version"] == "11.2");
    CHECK(builder.file("/out/manifest.json")["entry"] == "root.img");
}

TEST_CASE("nothing is signed as an image that is none") {
    Builder builder;
    builder.files.put("/out/root.img", "x");
    CHECK(builder.sign({"--json"}) == k_failed);
    CHECK(builder.error_name() == "image_member_malformed");
    CHECK(builder.pack({"--after-write", "gone"}) == k_done);
    CHECK(builder.sign({"--json"}) == k_failed);
    CHECK(builder.complained("names gone, which is not there"));
    builder.files.put("/out/image.json", "{}");
    CHECK(builder.sign({"--json"}) == k_failed);
    CHECK_FALSE(builder.files.content("/out/manifest.json"));
}

TEST_CASE("words that cannot be meant are a usage error") {
    Builder builder;
    for (const Words& more : {Words{"--compression", "bzip2"},
                              {"--chunk-bytes", "5000"},
                              {"--chunk-bytes", "2M"},
                              {"--chunk-bytes", "0"},
                              {"--part", "a/b"},
                              {"--level", "10"},
                              {"--level", "x"},
                              {"more"}}) {
        CAPTURE(more[0]);
        CHECK(builder.pack(more) == k_usage);
    }
    CHECK(builder.run({"image"}) == k_usage);
    CHECK(builder.run({"image", "fold", "/raw"}) == k_usage);
    CHECK(builder.run({"image", "pack", "/raw"}) == k_usage);
    CHECK_FALSE(builder.files.content("/out/image.json"));
    CHECK(builder.run({"image", "pack", "/gone", "-o", "/out"}) == k_not_found);
}

}  // namespace
}  // namespace hagent::verbs
