// SPDX-License-Identifier: Apache-2.0
// Owns the tests of `enrol`.
#include <string>

#include "tests/unit/verbs/command_line.h"

namespace hagent::verbs {
namespace {

const std::string k_key = k_state + "/device.key";

TEST_CASE("a device gets a key that only it can read, and a request") {
    CommandLine line;
    CHECK(line.files.remove_tree(rooted(k_state)).ok());
    CHECK(line.run({"enrol"}) == k_done);
    CHECK(line.said("fingerprint"));
    CHECK(line.files.content(k_key)->find("PRIVATE KEY") != std::string::npos);
    CHECK(line.files.info(rooted(k_key)).value()->mode == 0600);
    CHECK(line.files.content(k_key + ".csr")->find("CERTIFICATE REQUEST") != std::string::npos);
}

TEST_CASE("enrolling again keeps the key; --replace makes a new one and keeps the old beside it") {
    CommandLine line;
    CHECK(line.run({"enrol", "--json"}) == k_done);
    const auto first = line.document();
    const auto key = *line.files.content(k_key);
    CHECK(first["key_file"] == rooted(k_state) + "/device.key");
    CHECK(first["request"] == *line.files.content(k_key + ".csr"));
    CHECK(first["error"].is_null());
    CHECK(line.run({"enrol", "--json"}) == k_done);
    CHECK(line.document()["fingerprint"] == first["fingerprint"]);
    CHECK(line.files.content(k_key) == key);
    CHECK(line.run({"enrol", "--replace", "--json"}) == k_done);
    CHECK(line.document()["fingerprint"] != first["fingerprint"]);
    CHECK(line.files.content(k_key) != key);
    CHECK(line.files.content(k_key + ".previous") == key);
}

TEST_CASE("the key lies where --key or the configuration says") {
    CommandLine line;
    CHECK(line.run({"enrol", "--key", "/named.key"}) == k_done);
    CHECK(line.files.exists("/named.key"));
    line.configure(
        {{"manager", {{"client_key_file", rooted("/configured.key")}, {"client_cert_file", rooted("/c.pem")}}}});
    CHECK(line.run({"enrol"}) == k_done);
    CHECK(line.files.exists("/configured.key"));
    CHECK_FALSE(line.files.exists(k_key));
}

TEST_CASE("a key that cannot be used or kept is told") {
    CommandLine line;
    const auto fails = [&](int code, const std::string& name) {
        CHECK(line.run({"enrol"}) == code);
        CHECK_MESSAGE(line.complained(name), line.output.err);
        CHECK(line.run({"enrol", "--json"}) == code);
        CHECK(line.error_name() == name);
    };
    SUBCASE("others can read it") {
        line.files.put(k_key, trust::keys::k_ec_a_private, 0644);
        fails(k_refused, "config_insecure_permissions");
    }
    SUBCASE("it is none") {
        line.files.put(k_key, "no key", 0600);
        fails(k_refused, "key_unreadable");
    }
    SUBCASE("write-protected") {
        line.files.set_read_only(true);
        fails(k_failed, "read_only");
    }
    SUBCASE("the disk is full") {
        line.files.set_capacity(0);
        fails(k_failed, "disk_full");
        CHECK_FALSE(line.files.exists(k_key));
    }
}

}  // namespace
}  // namespace hagent::verbs
