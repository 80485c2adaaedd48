// SPDX-License-Identifier: Apache-2.0
// Owns the promises of platform/registry.h, checked over the machine's registry (where there is one) and the key store.
#include <doctest/doctest.h>

#include <functional>

#include "agent/script/key_store.h"
#include "platform/host.h"
#include "platform/registry.h"
#include "tests/fakes/fake_files.h"

namespace hagent {
namespace {

using platform::Registry;
using platform::RegistryChange;
using platform::RegistryValue;
using platform::ValueType;
using Kind = RegistryChange::Kind;

const std::string k_top = "HKEY_CURRENT_USER\\Software\\hagent-test-" + std::to_string(platform::own_pid());

void on_each(const std::function<void(Registry&)>& test) {
    SUBCASE("key store") {
        fakes::FakeFiles files;
        script::KeyStore store(files, "/state/registry.ini");
        test(store);
    }
    if (const auto real = platform::system_registry(); real != nullptr) {
        SUBCASE("machine") {
            test(*real);
            CHECK(real->apply({{Kind::remove_key, k_top, {}, {}}}).ok());
            CHECK(real->branch(k_top).value().empty());
        }
    }
}

TEST_CASE("what is absent is empty, and removing it is success") {
    on_each([](Registry& registry) {
        CHECK_FALSE(registry.value(k_top, "n").value().has_value());
        CHECK(registry.branch(k_top).value().empty());
        CHECK(registry.apply({{Kind::remove_value, k_top, "n", {}}, {Kind::remove_key, k_top, {}, {}}}).ok());
        REQUIRE(registry.apply({{Kind::make_key, k_top, {}, {}}}).ok());
        CHECK_FALSE(registry.value(k_top, "n").value().has_value());
        CHECK(registry.apply({{Kind::remove_value, k_top, "n", {}}}).ok());
        CHECK(registry.branch(k_top).value().size() == 1);
    });
}

TEST_CASE("a value of every type comes back as it was set") {
    on_each([](Registry& registry) {
        for (const RegistryValue& value : {RegistryValue{ValueType::text, "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"},
                                           {ValueType::text, ""},
                                           {ValueType::expandable, "%x%\\y"},
                                           {ValueType::number, "4294967295"},
                                           {ValueType::wide_number, "18446744073709551615"},
                                           {ValueType::binary, "00ff7f"},
                                           {ValueType::binary, ""},
                                           {ValueType::list, std::string("a\0b c\0", 6)},
                                           {ValueType::list, ""}}) {
            for (const char* name : {"", "a \"name\""}) {
                CAPTURE(value.data);
                REQUIRE(registry.apply({{Kind::set, k_top, name, value}}).ok());
                CHECK(registry.value(k_top, name).value() == value);
            }
        }
    });
}

TEST_CASE("case does not matter, the first spelling stays") {
    on_each([](Registry& registry) {
        REQUIRE(registry
                    .apply({{Kind::set, k_top + "\\Sub", "Name", {ValueType::text, "1"}},
                            {Kind::set, k_top + "\\SUB", "NAME", {ValueType::text, "2"}}})
                    .ok());
        const auto branch = registry.branch(k_top).value();
        REQUIRE(branch.size() == 2);
        CHECK(branch[0].key == k_top);
        CHECK(branch[1].key == k_top + "\\Sub");
        REQUIRE(branch[1].values.size() == 1);
        CHECK(branch[1].values[0].first == "Name");
        CHECK(branch[1].values[0].second.data == "2");
    });
}

TEST_CASE("a key goes with all below it and not with its neighbours") {
    on_each([](Registry& registry) {
        REQUIRE(registry
                    .apply({{Kind::set, k_top + "\\a\\b\\c", "n", {ValueType::text, "1"}},
                            {Kind::set, k_top + "\\ab", "n", {ValueType::text, "1"}}})
                    .ok());
        REQUIRE(registry.apply({{Kind::remove_key, k_top + "\\A", {}, {}}}).ok());
        CHECK_FALSE(registry.value(k_top + "\\a\\b\\c", "n").value().has_value());
        CHECK(registry.branch(k_top + "\\a").value().empty());
        CHECK(registry.value(k_top + "\\ab", "n").value().has_value());
    });
}

}  // namespace
}  // namespace hagent
