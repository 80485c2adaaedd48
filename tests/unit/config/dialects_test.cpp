// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the dialects' rows, and that the rules of the configuration are those of the rows.
#include "agent/config/dialects.h"

#include <set>
#include <string>

#include "agent/base/concat.h"
#include "tests/unit/config/complaints.h"

using namespace hagent;
using namespace hagent::config;

namespace {

/// A configuration of this dialect, trusted as it has to be.
std::string manager(const DialectTraits& row, const std::string& members) {
    return concat({R"({"manager": {"dialect": ")", row.name, R"(", "trust": ")", row.is_signed ? "required" : "network",
                   R"(", )", members, "}}"});
}

}  // namespace

TEST_CASE("each dialect has a row of its own, found by its value and by its name") {
    std::set<std::string_view> names;
    for (const auto& row : dialects()) {
        CHECK(traits_of(row.dialect).name == row.name);
        CHECK(to_string(row.dialect) == row.name);
        names.insert(row.name);
        const auto read = settings_of(manager(row, R"("tenant": "T")"));
        CHECK(read.manager.dialect == row.dialect);
    }
    CHECK(names.size() == dialects().size());
}

TEST_CASE("addresses may have the schemes of the row and no other") {
    for (const auto& row : dialects()) {
        CAPTURE(row.name);
        for (const std::string scheme : {"https", "http", "ftps", "ftp", "file", "gopher", "or", ""}) {
            CAPTURE(scheme);
            const auto text = manager(row, R"("urls": [")" + scheme + R"(://127.0.0.1/"])");
            CHECK(complaints_of(text).empty() == row.takes(scheme));
        }
    }
    CHECK(complaints_of(R"({"manager": {"urls": ["ftp://m/"]}})") ==
          "manager.urls[0]: must begin with https or http for this dialect\n");
    CHECK(complaints_of(R"({"manager": {"dialect": "folder", "urls": ["gopher://m/"]}})") ==
          "manager.urls[0]: must begin with https, http, ftps, ftp or file\n");
}

TEST_CASE("what cannot be signed has to be trusted explicitly, and says so with the dialect's name") {
    for (const auto& row : dialects()) {
        const auto text = concat({R"({"manager": {"dialect": ")", row.name, R"("}})"});
        CHECK(complaints_of(text) == (row.is_signed ? std::string()
                                                    : concat({"manager.trust: must say \"network\" for the dialect ",
                                                              row.name, ": its jobs cannot be signed\n"})));
    }
}

TEST_CASE("a manager is discovered only for dialects that have servers, and proves itself where it speaks TLS") {
    for (const auto& row : dialects()) {
        CAPTURE(row.name);
        const std::string lease = R"("dhcp_lease_file": "/leases")";
        const auto bare = complaints_of(manager(row, lease));
        const auto proven = complaints_of(manager(row, lease + R"(, "ca_file": "/ca.pem")"));
        const auto clear = complaints_of(manager(row, lease + R"(, "allow_clear_text": true)"));
        CHECK_FALSE(bare.empty());
        CHECK(proven.empty() == (row.discoverable && row.encrypted));
        CHECK(clear.empty() == (row.discoverable && !row.encrypted));
    }
    CHECK(complaints_of(manager(traits_of(Dialect::folder), R"("dhcp_lease_file": "/leases")")) ==
          "manager.dhcp_lease_file: finds servers of the dialects hawkbit and hserver only; name the folder in urls\n");
}

TEST_CASE("opcodes are limited only where scripts are made of them") {
    for (const auto& row : dialects()) {
        CAPTURE(row.name);
        CHECK(complaints_of(manager(row, R"("opcodes": ["SF"])")).empty() == row.opcodes);
    }
}
