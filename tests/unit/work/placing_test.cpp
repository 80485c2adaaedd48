// SPDX-License-Identifier: Apache-2.0
// Owns the tests of putting files into place.
#include "agent/work/placing.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "agent/trust/digest.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/rooted.h"

namespace hagent::work {
namespace {

using fakes::rooted;
using Strings = std::vector<std::string>;

const std::string k_elf = std::string("\x7F") + "ELF" + std::string(60, '\0');

std::uint32_t mode(fakes::FakeFiles& files, const std::string& path) {
    const auto info = files.info(path);
    REQUIRE((info.ok() && info.value().has_value()));
    return info.value()->mode;
}

Status placed(const std::string& from, const std::string& to, Placing placing, fakes::FakeFiles& files,
              const CancelToken& cancel) {
    return place({rooted(from), {}}, rooted(to), placing, files, cancel);
}

PackageFile described(const std::string& content) { return {"x", content.size(), trust::sha256_hex(content)}; }

TEST_CASE("a moved file leaves staging, a copied one stays") {
    fakes::FakeFiles files;
    const CancelToken cancel;
    files.put("/s/a", "new");
    files.put("/s/b", "new");
    REQUIRE(placed("/s/a", "/deep/new/a", Placing::move, files, cancel).ok());
    REQUIRE(placed("/s/b", "/deep/new/b", Placing::copy, files, cancel).ok());
    CHECK(files.content("/deep/new/a") == "new");
    CHECK(files.content("/deep/new/b") == "new");
    CHECK_FALSE(files.exists("/s/a"));
    CHECK(files.exists("/s/b"));
    CHECK(files.list("/deep/new").value() == Strings{"a", "b"});
}

TEST_CASE("a file that changed between its check and the deed does not get its final name") {
    for (const auto placing : {Placing::copy, Placing::move}) {
        for (const bool far : {false, true}) {
            CAPTURE(far);
            fakes::FakeFiles files;
            if (far) {
                files.add_volume("/t");
            }
            files.put("/s/a", "nEw");
            files.put("/t/a", "old");
            const auto status =
                place({rooted("/s/a"), trust::sha256_hex("new")}, rooted("/t/a"), placing, files, CancelToken());
            REQUIRE_FALSE(status.ok());
            CHECK(status.error().is(errors::AgentCode::digest_mismatch));
            CHECK(files.content("/t/a") == "old");
            CHECK(files.list(rooted("/t")).value() == Strings{"a"});  // and nothing beside it
            CHECK(
                place({rooted("/s/a"), trust::sha256_hex("nEw")}, rooted("/t/a"), placing, files, CancelToken()).ok());
            CHECK(files.content("/t/a") == "nEw");
        }
    }
}

TEST_CASE("a move to another volume is a copy without a rest") {
    fakes::FakeFiles files;
    files.add_volume("/boot");
    files.put("/s/a", "new");
    REQUIRE(placed("/s/a", "/boot/a", Placing::move, files, CancelToken()).ok());
    CHECK(files.content("/boot/a") == "new");
    CHECK_FALSE(files.exists("/s/a"));
}

TEST_CASE("programs can be executed, other files cannot, and a replaced file keeps its permissions") {
    fakes::FakeFiles files;
    const CancelToken cancel;
    files.put("/s/script", "#!/bin/sh\n", 0600);
    files.put("/s/elf", k_elf, 0600);
    files.put("/s/text", "text", 0600);
    files.put("/d/secret", "old", 0600);
    files.put("/d/tool", "old", 0640);
    REQUIRE(placed("/s/script", "/d/script", Placing::copy, files, cancel).ok());
    REQUIRE(placed("/s/elf", "/d/elf", Placing::copy, files, cancel).ok());
    REQUIRE(placed("/s/text", "/d/text", Placing::copy, files, cancel).ok());
    REQUIRE(placed("/s/text", "/d/secret", Placing::copy, files, cancel).ok());
    REQUIRE(placed("/s/script", "/d/tool", Placing::move, files, cancel).ok());
    CHECK(mode(files, "/d/script") == 0755);
    CHECK(mode(files, "/d/elf") == 0755);
    CHECK(mode(files, "/d/text") == 0644);
    CHECK(mode(files, "/d/secret") == 0600);
    CHECK(mode(files, "/d/tool") == 0750);
}

TEST_CASE("what another user owns is not in place, and gives the new file no right to write") {
    fakes::FakeFiles files;
    files.put("/staged", "content");
    files.put("/target", "content", 0666);
    files.give_away("/target");
    CHECK_FALSE(is_in_place(described("content"), rooted("/target"), files).value());
    REQUIRE(placed("/staged", "/target", Placing::copy, files, CancelToken()).ok());
    CHECK(mode(files, "/target") == 0644);
    CHECK(is_in_place(described("content"), rooted("/target"), files).value());
}

TEST_CASE("large files are copied whole") {
    fakes::FakeFiles files;
    std::string content;
    for (int i = 0; i < 40000; ++i) {
        content += std::to_string(i);
    }
    files.put("/s/a", content);
    REQUIRE(placed("/s/a", "/d/a", Placing::copy, files, CancelToken()).ok());
    CHECK(files.content("/d/a") == content);
}

TEST_CASE("a file is in place when size and digest are right") {
    fakes::FakeFiles files;
    files.put("/a", "good");
    files.put("/b", "evil");
    files.put("/c", "longer");
    files.put_symlink("/link", "/a");
    files.put_directory("/dir");
    CHECK(is_in_place(described("good"), rooted("/a"), files).value());
    CHECK_FALSE(is_in_place(described("good"), rooted("/b"), files).value());
    CHECK_FALSE(is_in_place(described("good"), rooted("/c"), files).value());
    CHECK_FALSE(is_in_place(described("good"), rooted("/link"), files).value());
    CHECK_FALSE(is_in_place(described("good"), rooted("/dir"), files).value());
    CHECK_FALSE(is_in_place(described("good"), rooted("/none"), files).value());
}

TEST_CASE("a full disk leaves the old file and no temporary one") {
    fakes::FakeFiles files;
    files.put("/s/a", std::string(1000, 'n'));
    files.put("/d/a", "old");
    files.set_capacity(1500);
    const auto status = placed("/s/a", "/d/a", Placing::copy, files, CancelToken());
    REQUIRE(!status.ok());
    CHECK(status.error().is(errors::AgentCode::disk_full));
    CHECK(files.content("/d/a") == "old");
    CHECK(files.list("/d").value() == Strings{"a"});
    CHECK(files.list("/s").value() == Strings{"a"});
}

TEST_CASE("a cancelled copy leaves the old file and no temporary one") {
    fakes::FakeFiles files;
    CancelToken cancel;
    cancel.request();
    files.put("/s/a", "new");
    files.put("/d/a", "old");
    const auto status = placed("/s/a", "/d/a", Placing::copy, files, cancel);
    REQUIRE(!status.ok());
    CHECK(status.error().is(errors::AgentCode::cancelled));
    CHECK(files.list("/d").value() == Strings{"a"});
    CHECK(files.list("/s").value() == Strings{"a"});
}

TEST_CASE("a power cut at any call leaves the old content or the new, and the next try succeeds") {
    for (const auto placing : {Placing::copy, Placing::move}) {
        for (const auto unsynced : {fakes::Unsynced::lost, fakes::Unsynced::kept, fakes::Unsynced::torn}) {
            for (std::uint64_t call = 1;; ++call) {
                fakes::FakeFiles files;
                files.put("/s/a", std::string(100000, 'n'));
                files.put("/d/a", "old");
                files.forget_calls();
                files.cut_power_at(call);
                (void)placed("/s/a", "/d/a", placing, files, CancelToken());
                if (!files.power_is_off()) {
                    CHECK(call > 3);
                    break;
                }
                files.restart(unsynced);
                CAPTURE(call);
                const auto content = files.content("/d/a");
                CHECK((content == "old" || content == std::string(100000, 'n')));
                if (content == "old") {
                    REQUIRE(placed("/s/a", "/d/a", placing, files, CancelToken()).ok());
                    CHECK(files.content("/d/a") == std::string(100000, 'n'));
                }
            }
        }
    }
}

}  // namespace
}  // namespace hagent::work
