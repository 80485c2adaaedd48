// SPDX-License-Identifier: Apache-2.0
// Owns the tests of addresses.
#include "agent/transfer/url.h"

#include <doctest/doctest.h>

#include <array>

#include "platform/paths.h"

using namespace hagent;
using namespace hagent::transfer;
using errors::AgentCode;

TEST_CASE("every scheme has its default port") {
    const std::array<std::pair<const char*, int>, 5> rows = {
        {{"http://h/", 80}, {"https://h/", 443}, {"ftp://h/", 21}, {"ftps://h/", 990}, {"ftpes://h/", 21}}};
    for (const auto& row : rows) {
        const auto* text = row.first;
        CAPTURE(text);
        const auto url = parse_url(text);
        REQUIRE(url.ok());
        CHECK(url->port == row.second);
        CHECK(to_text(*url) == text);
    }
}

TEST_CASE("all parts of an address are taken apart and put together without credentials") {
    const auto url = parse_url("HTTPS://us%65r:p%40ss@Host.Example:8443/a%20b/c?d=e#frag");
    REQUIRE(url.ok());
    CHECK(url->scheme == Scheme::https);
    CHECK(url->user == "user");
    CHECK(url->password == "p@ss");
    CHECK(url->host == "host.example");
    CHECK(url->port == 8443);
    CHECK(url->path == "/a%20b/c");
    CHECK(url->query == "d=e");
    CHECK(to_text(*url) == "https://host.example:8443/a%20b/c?d=e");
}

TEST_CASE("an IPv6 literal keeps its brackets in the text only") {
    const auto url = parse_url("ftp://[::1]:2121/x");
    REQUIRE(url.ok());
    CHECK(url->host == "::1");
    CHECK(url->port == 2121);
    CHECK(to_text(*url) == "ftp://[::1]:2121/x");
}

TEST_CASE("a missing path is the root and an FTP question mark belongs to the name") {
    CHECK(parse_url("http://h")->path == "/");
    CHECK(parse_url("http://h?q")->query == "q");
    CHECK(parse_url("ftp://h/a?b")->path == "/a%3Fb");
    CHECK(parse_url("ftp://h/a?b?c")->path == "/a%3Fb%3Fc");
}

TEST_CASE("an address that is too long only once it is encoded is too long") {
    const std::string marks(2000, '?');
    CHECK(parse_url("http://h/" + marks).ok());
    CHECK(parse_url("ftp://h/" + marks).error().is(errors::AgentCode::bad_url));  // each becomes %3F
}

TEST_CASE("malformed addresses are refused") {
    for (const char* text : {"",
                             "h/x",
                             "http:/h/",
                             "http:h",
                             "http://",
                             "http:///x",
                             "http://h:0/",
                             "http://h:65536/",
                             "http://h:8x/",
                             "http://[::1/",
                             "http://[::1]x/",
                             "http://[zz]/",
                             "http://a b/",
                             "http://h/\x01",
                             "http://h/\xC3\xA4",
                             "http://h/%",
                             "http://h/%4",
                             "http://h/%zz",
                             "http://h\\x/",
                             "http://u%0d@h/",
                             "ftp://h/a%0D%0ADELE%20x",
                             "ftp://h/a%00b",
                             "http://-h!/",
                             "://h/"}) {
        CAPTURE(text);
        const auto url = parse_url(text);
        REQUIRE_FALSE(url.ok());
        CHECK(url.error().is(AgentCode::bad_url));
    }
    CHECK_FALSE(parse_url("http://h/" + std::string(5000, 'a')).ok());
}

TEST_CASE("a scheme that the agent does not use is named") {
    const auto url = parse_url("gopher://h/");
    REQUIRE_FALSE(url.ok());
    CHECK(url.error().is(AgentCode::unsupported_scheme));
    CHECK(url.error().context == "gopher");
}

TEST_CASE("no shown address carries a password, malformed or not") {
    const std::array<std::pair<const char*, const char*>, 12> rows = {{{"ftp://u:p@h/x", "ftp://h/x"},
                                                                       {"https://u:p@h/x?ticket=1", "https://h/x?..."},
                                                                       {"https://h?ticket=1", "https://h?..."},
                                                                       {"nonsense u@h?ticket=1", "h?..."},
                                                                       {"ftp://u:p@@h/x", "ftp://h/x"},
                                                                       {"http://h/x@y", "http://h/x@y"},
                                                                       {"u:p@h", "h"},
                                                                       {"http://u:p@h:bad/", "http://h:bad/"},
                                                                       {"http://u:p/q@h/x", "http://h/x"},
                                                                       {"gopher://u:p@h/", "gopher://h/"},
                                                                       {"http://u:p w@h/x y", "http://h/x y"},
                                                                       {"http://h/\n", "http://h/?"}}};
    for (const auto& row : rows) {
        const auto* text = row.first;
        CAPTURE(text);
        CHECK(shown(text) == row.second);
    }
}

TEST_CASE("an origin is scheme, host and port") {
    const auto a = *parse_url("https://h/1");
    CHECK(same_origin(a, *parse_url("https://u@H:443/2")));
    CHECK_FALSE(same_origin(a, *parse_url("http://h:443/1")));
    CHECK_FALSE(same_origin(a, *parse_url("https://h:444/1")));
    CHECK_FALSE(same_origin(a, *parse_url("https://i/1")));
}

TEST_CASE("loopback is told from addresses that only look like it") {
    for (const char* text : {"http://127.0.0.1/", "http://127.9.9.9/", "http://[::1]/", "http://LOCALHOST/"}) {
        CAPTURE(text);
        CHECK(is_loopback(*parse_url(text)));
    }
    for (const char* text :
         {"http://127.0.0.1.example/", "http://128.0.0.1/", "http://localhost.example/", "http://127.1/"}) {
        CAPTURE(text);
        CHECK_FALSE(is_loopback(*parse_url(text)));
    }
}

TEST_CASE("references resolve as RFC 3986 5.4 wants") {
    const auto base = *parse_url("http://a/b/c/d?q");
    const std::array<std::pair<const char*, const char*>, 15> rows = {{{"g", "http://a/b/c/g"},
                                                                       {"./g", "http://a/b/c/g"},
                                                                       {"g/", "http://a/b/c/g/"},
                                                                       {"/g", "http://a/g"},
                                                                       {"//g", "http://g/"},
                                                                       {"?y", "http://a/b/c/d?y"},
                                                                       {"g?y", "http://a/b/c/g?y"},
                                                                       {"", "http://a/b/c/d?q"},
                                                                       {".", "http://a/b/c/"},
                                                                       {"..", "http://a/b/"},
                                                                       {"../g", "http://a/b/g"},
                                                                       {"../../../g", "http://a/g"},
                                                                       {"/./g", "http://a/g"},
                                                                       {"https://x/y", "https://x/y"},
                                                                       {"g#s", "http://a/b/c/g"}}};
    for (const auto& row : rows) {
        const auto* reference = row.first;
        CAPTURE(reference);
        const auto url = resolve(base, reference);
        REQUIRE(url.ok());
        CHECK(to_text(*url) == row.second);
    }
    CHECK_FALSE(resolve(base, "javascript:alert(1)").ok());
}

TEST_CASE("credentials follow a reference to the same origin only") {
    const auto base = *parse_url("http://u:p@a/b");
    CHECK(resolve(base, "/c")->password == "p");
    CHECK(resolve(base, "http://a:80/c")->password == "p");
    CHECK(resolve(base, "http://b/c")->password.empty());
    CHECK(resolve(base, "http://v:w@a/c")->user == "v");
}

TEST_CASE("an address gives the name of a local file, never one in another folder") {
    const auto name = [](const char* address) { return local_name(*parse_url(address)); };
    CHECK(name("http://h/fw/kernel?x=1") == "kernel");
    CHECK(name("http://h/a%20b") == "a b");
    for (const char* address :
         {"http://h", "http://h/fw/", "http://h/..", "http://h/%2E%2E", "http://h/..%2Fx", "http://h/a%0Ab"}) {
        CAPTURE(address);
        CHECK(name(address).empty());
    }
    // on Windows, where signs of drives and streams are no part of a name either
    const bool separates = platform::native("/") == "\\";
    CHECK(name("http://h/..%5Cx") == (separates ? "" : "..\\x"));
    CHECK(name("http://h/C:x") == (separates ? "" : "C:x"));
}

TEST_CASE("a login that is put into an address comes out of it again, whatever it holds") {
    const std::string user = "a:b@c/d", password = "p\xC3\xA4?#%@ w";
    const auto url = parse_url(with_login("ftp://h:2121/folder/", user, password) + "x");
    REQUIRE(url.ok());
    CHECK(url->user == user);
    CHECK(url->password == password);
    CHECK(url->host == "h");
    CHECK(url->port == 2121);
    CHECK(url->path == "/folder/x");
}

TEST_CASE("a relative path is encoded so that it parses back to itself") {
    const std::string path = "fw/new kernel#1?\xC3\xA4%.bin";
    CHECK(encode_path(path) == "fw/new%20kernel%231%3F%C3%A4%25.bin");
    CHECK(*decode(parse_url("http://h/" + encode_path(path))->path) == "/" + path);
}

TEST_CASE("the type at the end of an FTP address is binary or refused, and any other semicolon is a name's") {
    for (const char* text :
         {"ftp://h/d/f;type=i", "ftp://h/d/f;TYPE=I", "ftps://h/d/f;type=i", "ftpes://h/d/f;type=i"}) {
        CAPTURE(text);
        CHECK(parse_url(text)->path == "/d/f");
    }
    for (const char* text : {"ftp://h/f;type=a", "ftp://h/f;type=A", "ftp://h/d;type=d", "ftps://h/f;Type=D"}) {
        CAPTURE(text);
        const auto url = parse_url(text);
        REQUIRE_FALSE(url.ok());
        CHECK(url.error().is(AgentCode::bad_url));
        CHECK(url.error().context.find("type=i") != std::string::npos);
    }
    CHECK(parse_url("ftp://h/a;b")->path == "/a%3Bb");
    CHECK(parse_url("ftp://h/d;type=a/f")->path == "/d%3Btype=a/f");
    CHECK(parse_url("ftp://h/f;type=x")->path == "/f%3Btype=x");
    CHECK(parse_url("ftp://h/f%3Btype=a")->path == "/f%3Btype=a");
    CHECK(parse_url("http://h/f;type=a")->path == "/f;type=a");
    CHECK(encode_path("a;type=d") == "a%3Btype=d");
}

TEST_CASE("a reference is encoded as browsers do before it is read strictly") {
    const auto base = parse_url("http://h/d/f").value();
    const auto to = [&](std::string_view reference) { return to_text(resolve(base, reference).value()); };
    CHECK(to("a b") == "http://h/d/a%20b");
    CHECK(to("  /\xc3\xbc?q=\xc3\xbc ") == "http://h/%C3%BC?q=%C3%BC");
    CHECK(to("/\xfc") == "http://h/%FC");
    CHECK(to("/a%20b%zz%") == "http://h/a%20b%25zz%25");
    CHECK(to("\\\\other\\f?a\\b") == "http://other/f?a%5Cb");
    CHECK(to("https://o/a b") == "https://o/a%20b");
    for (const char* text : {"//a b/f", "//\xc3\xbc/f", "/a\rb", "/a\nb", "//user name@h:x/"}) {
        CAPTURE(text);
        CHECK_FALSE(resolve(base, text).ok());
    }
}
