// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the key store: its file, its limits, and power cuts.
#include "agent/script/key_store.h"

#include <doctest/doctest.h>

#include "agent/base/limits.h"
#include "tests/fakes/fake_files.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::RegistryChange;
using platform::RegistryValue;
using platform::ValueType;
using Kind = RegistryChange::Kind;

constexpr const char* k_file = "/state/registry.ini";
const std::string k_key = "HKEY_LOCAL_MACHINE\\Software\\X";

RegistryChange set(const std::string& key, const std::string& name, const std::string& data) {
    return {Kind::set, key, name, {ValueType::text, data}};
}

TEST_CASE("the file is a registry file that people can read") {
    fakes::FakeFiles files;
    KeyStore store(files, k_file);
    REQUIRE(store.apply({set(k_key, "Name", "a"), {Kind::set, k_key, "n", {ValueType::number, "7"}}}).ok());
    CHECK(files.content(k_file) ==
          "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE]\n\n[HKEY_LOCAL_MACHINE\\Software]\n\n"
          "[HKEY_LOCAL_MACHINE\\Software\\X]\n\"n\"=dword:00000007\n\"Name\"=\"a\"\n");
    CHECK(files.info(k_file).value()->mode == 0600);
}

TEST_CASE("a store of another run is read, a damaged one is an error and stays as it is") {
    fakes::FakeFiles files;
    files.put(k_file, "Windows Registry Editor Version 5.00\n[HKLM\\Software\\X]\n\"n\"=\"a\"\n");
    CHECK(KeyStore(files, k_file).value(k_key, "N").value()->data == "a");
    files.put(k_file, "garbage");
    KeyStore store(files, k_file);
    CHECK(store.value(k_key, "n").error().is(AgentCode::io_error));
    CHECK(store.apply({set(k_key, "n", "b")}).error().is(AgentCode::io_error));
    CHECK(files.content(k_file) == "garbage");
}

TEST_CASE("the store has a limit and refuses what goes beyond it") {
    fakes::FakeFiles files;
    KeyStore store(files, k_file);
    REQUIRE(store.apply({set(k_key, "n", "a")}).ok());
    const std::string big(limits::k_key_store_bytes, 'x');
    CHECK(store.apply({set(k_key, "big", big)}).error().is(AgentCode::file_too_large));
    CHECK(store.value(k_key, "n").value()->data == "a");
}

TEST_CASE("a power cut leaves all changes or none") {
    for (const auto unsynced : {fakes::Unsynced::lost, fakes::Unsynced::kept, fakes::Unsynced::torn}) {
        for (std::uint64_t call = 1;; ++call) {
            CAPTURE(call);
            fakes::FakeFiles files;
            files.put(k_file, "Windows Registry Editor Version 5.00\n[HKLM\\Software\\X]\n\"n\"=\"old\"\n");
            files.forget_calls();
            files.cut_power_at(call);
            KeyStore store(files, k_file);
            const bool done = store.apply({set(k_key, "n", "new"), set(k_key, "m", "new")}).ok();
            const bool cut = files.power_is_off();
            if (cut) {
                files.restart(unsynced);
            } else {
                files.power_cut();
                files.restart(unsynced);
            }
            const auto n = store.value(k_key, "n").value();
            const auto m = store.value(k_key, "m").value();
            REQUIRE(n.has_value());
            CHECK((n->data == "new") == m.has_value());
            CHECK((!done || n->data == "new"));
            if (!cut) {
                CHECK(call > 3);
                break;
            }
        }
    }
}

}  // namespace
}  // namespace hagent::script
