// SPDX-License-Identifier: Apache-2.0
// Owns the tests of file:// addresses: which are served, which are not, and that they look like a server's.
#include "agent/transfer/file_fetcher.h"

#include <doctest/doctest.h>

#include "tests/fakes/fake_fetcher.h"
#include "tests/fakes/fake_files.h"

using namespace hagent;
using namespace hagent::transfer;
using errors::AgentCode;

namespace {

struct Local {
    Local() {
        files.put("/srv/site/jobs.json", "0123456789");
        files.put("/srv/secret", "s");
        files.put_directory("/srv/site/sub");
    }
    Reply get(const std::string& url, std::uint64_t offset = 0, std::string if_range = {}) {
        Exchange exchange;
        exchange.url = url;
        exchange.offset = offset;
        exchange.if_range = std::move(if_range);
        return fetcher.exchange(exchange, sink, CancelToken()).value();
    }
    Reply put(const std::string& url, std::string body) {
        Exchange exchange;
        exchange.url = url;
        exchange.method = Method::put;
        exchange.body = std::move(body);
        return fetcher.exchange(exchange, sink, CancelToken()).value();
    }

    fakes::FakeFiles files;
    fakes::FakeFetcher web;
    FileFetcher fetcher{files, {"file:///srv/site", "http://files.example/"}, &web};
    StringSink sink{100};
};

}  // namespace

TEST_CASE("A file address becomes a path") {
    CHECK(file_path("file:///srv/a%20b").value() == "/srv/a b");
    CHECK(file_path("FILE://localhost/srv/a").value() == "/srv/a");
    for (const auto* bad : {"file://other/srv", "file://", "file://localhost", "file:///a/../b", "file:///a/%2e%2e/b",
                            "file:///a/./b", "file:///a%00b", "file:///a%5cb", "file:///a%zz"}) {
        CAPTURE(bad);
        CHECK_FALSE(file_path(bad).ok());
    }
}

TEST_CASE("A file below the folder is served as a server would, whole or from an offset") {
    Local l;
    const auto whole = l.get("file:///srv/site/jobs.json");
    CHECK_FALSE(whole.error);
    CHECK(whole.head.number == 200);
    CHECK(whole.head.total == 10);
    CHECK(l.sink.text() == "0123456789");
    const auto rest = l.get("file:///srv/site/jobs.json", 4, whole.head.validator);
    CHECK(rest.head.number == 206);
    CHECK(rest.head.start == 4);
    CHECK(l.sink.text() == "456789");
    CHECK(l.get("file:///srv/site/jobs.json", 4, "other").head.number == 200);
    CHECK(l.sink.text() == "0123456789");
    CHECK(l.get("file:///srv/site/jobs.json", 10).head.number == 200);
}

TEST_CASE("Nothing outside of the folder is served, not by '..', by a link or by its neighbour's name") {
    Local l;
    l.files.put_symlink("/srv/site/out", "/srv");
    l.files.put("/srv/site2/x", "x");
    for (const auto* url : {"file:///srv/secret", "file:///srv/site/out/secret", "file:///srv/site2/x",
                            "file:///etc/passwd", "file:///srv/site/"}) {
        CAPTURE(url);
        CHECK(l.get(url).error.value().is(AgentCode::path_refused));
        CHECK(l.put(url, "x").error.value().is(AgentCode::path_refused));
    }
    l.files.put_symlink("/srv/site/link", "/srv/secret");
    CHECK(l.get("file:///srv/site/link").error.value().is(AgentCode::path_refused));
    CHECK_FALSE(l.put("file:///srv/site/link", "x").error);  // takes the link's place
    CHECK(l.get("file:///srv/site/link").head.total == 1);
    CHECK(l.get("file:///srv/site/../secret").error.value().is(AgentCode::bad_url));
    CHECK(l.files.content("/srv/secret") == "s");
}

TEST_CASE("What is not there or is no file says so as a reply, not as a failure of the machine") {
    Local l;
    CHECK(l.get("file:///srv/site/gone").error.value().is(AgentCode::file_not_found));
    CHECK(l.get("file:///srv/site/sub").error.value().is(AgentCode::file_not_found));
    FileFetcher elsewhere(l.files, {"file:///no/such"}, nullptr);
    Exchange exchange;
    exchange.url = "file:///no/such/jobs.json";
    CHECK(elsewhere.exchange(exchange, l.sink, CancelToken()).value().error.value().is(AgentCode::file_not_found));
}

TEST_CASE("A report is put in place, its folder made when it is missing") {
    Local l;
    CHECK_FALSE(l.put("file:///srv/site/reports/tc-7.json", "{}").error);
    CHECK(l.files.content("/srv/site/reports/tc-7.json") == "{}");
    CHECK_FALSE(l.put("file:///srv/site/reports/tc-7.json", "{1}").error);
    CHECK(l.files.content("/srv/site/reports/tc-7.json") == "{1}");
    l.files.set_read_only(true);
    CHECK(l.put("file:///srv/site/reports/tc-7.json", "{2}").error.value().is(AgentCode::read_only));
}

TEST_CASE("A file can be put from another file") {
    Local l;
    l.files.put("/tmp/big", std::string(200'000, 'x'));
    const auto source = l.files.open("/tmp/big", platform::OpenMode::read).value();
    Exchange exchange;
    exchange.url = "file:///srv/site/up/big";
    exchange.method = Method::put;
    exchange.source = source.get();
    exchange.source_bytes = 200'000;
    CHECK_FALSE(l.fetcher.exchange(exchange, l.sink, CancelToken()).value().error);
    CHECK(l.files.content("/srv/site/up/big")->size() == 200'000);
    CHECK_FALSE(l.files.exists("/srv/site/up/big.part"));
}

TEST_CASE("What the receiver refuses and a cancel end the exchange") {
    Local l;
    l.files.put("/srv/site/big", std::string(101, 'x'));
    Exchange exchange;
    exchange.url = "file:///srv/site/big";
    CHECK(l.fetcher.exchange(exchange, l.sink, CancelToken()).error().is(AgentCode::limit_exceeded));
    CancelToken cancel;
    cancel.request();
    CHECK(l.fetcher.exchange(exchange, l.sink, cancel).error().is(AgentCode::cancelled));
}

TEST_CASE("Other addresses go on to the other fetcher") {
    Local l;
    l.web.files["http://files.example/x"] = {"web"};
    CHECK_FALSE(l.get("http://files.example/x").error);
    CHECK(l.sink.text() == "web");
    FileFetcher alone(l.files, {}, nullptr);
    Exchange exchange;
    exchange.url = "http://files.example/x";
    CHECK(alone.exchange(exchange, l.sink, CancelToken()).error().is(AgentCode::unsupported_scheme));
}
