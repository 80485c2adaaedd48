// SPDX-License-Identifier: Apache-2.0
// Owns the tests of `fetch` against a real loopback server.
#include <atomic>
#include <optional>
#include <string>
#include <thread>

#include "agent/http/server.h"
#include "agent/trust/digest.h"
#include "tests/unit/verbs/command_line.h"

namespace hagent::verbs {
namespace {

const std::string k_content = "content of the file";

/// A server with one file under every name below /f/, and one that is busy the first time.
class FileServer {
public:
    FileServer() {
        loop_ = std::move(loop::Loop::create(clock_)).value();
        auto started = http::Server::start(*loop_, clock_, "127.0.0.1:0");
        REQUIRE(started.ok());
        server_ = std::move(started).value();
        router_.emplace(http::Access(server_->address(), {}));
        const auto file = [](const http::Request&, std::string_view) {
            return http::Response{200, "application/octet-stream", k_content, {}};
        };
        router_->add({"GET", "/f/", http::Role::anyone, file});
        router_->add({"HEAD", "/f/", http::Role::anyone, file});
        router_->add({"GET", "/busy", http::Role::anyone, [this](const http::Request&, std::string_view) {
                          return http::Response{
                              static_cast<std::uint16_t>(++asked_ > 1 ? 200 : 503), "text/plain", k_content, {}};
                      }});
        server_->serve(*router_);
        thread_ = std::thread([this] { loop_->run([] {}); });
    }
    ~FileServer() {
        loop_->stop();
        thread_.join();
    }
    FileServer(const FileServer&) = delete;
    FileServer& operator=(const FileServer&) = delete;

    [[nodiscard]] std::string url(const std::string& path) const { return "http://" + server_->address() + path; }

private:
    platform::SystemClock clock_;
    std::unique_ptr<loop::Loop> loop_;
    std::optional<http::Router> router_;
    std::unique_ptr<http::Server> server_;
    std::atomic<int> asked_ = 0;
    std::thread thread_;
};

TEST_CASE("a file is fetched to the place that -o names") {
    const FileServer server;
    CommandLine line;
    line.files.put_directory("/to");
    CHECK(line.run({"fetch", server.url("/f/a"), "-o", "/to/file"}) == k_done);
    CHECK(line.said(rooted("/to/file") + "\n19 bytes, SHA-256 " + trust::sha256_hex(k_content)));
    CHECK(line.files.content("/to/file") == k_content);
    CHECK_FALSE(line.files.exists("/to/file.hagent-part"));
    CHECK(line.run({"fetch", server.url("/f/a"), "-o", "/to/file", "--json"}) == k_done);
    const auto document = line.document();
    CHECK(document["url"] == server.url("/f/a"));
    CHECK(document["bytes"] == 19);
    CHECK(document["sha256"] == trust::sha256_hex(k_content));
    CHECK(document["attempts"] == 1);
    CHECK(document["resumed"] == false);
    CHECK(document["error"].is_null());
}

TEST_CASE("on a terminal a bar is drawn, with -v each decision is told") {
    const FileServer server;
    CommandLine line;
    line.files.put_directory("/to");
    line.output.terminal = true;
    CHECK(line.run({"fetch", server.url("/f/a"), "-o", "/to/file"}) == k_done);
    CHECK(line.complained("\r"));
    CHECK(line.complained("[##############################]"));
    CHECK(line.output.err.back() == '\n');
    CHECK(line.run({"fetch", server.url("/f/a"), "-o", "/to/file", "--json"}) == k_done);
    CHECK_FALSE(line.complained("\r"));
    line.output.terminal = false;
    CHECK(line.run({"fetch", server.url("/f/a"), "-o", "/to/file", "-v"}) == k_done);
    CHECK(line.complained("try 1 " + server.url("/f/a")));
}

TEST_CASE("the next source is tried, and a busy one again") {
    const FileServer server;
    CommandLine line;
    line.files.put_directory("/to");
    CHECK(line.run({"fetch", server.url("/none"), server.url("/f/a"), "-o", "/to/file", "--json"}) == k_done);
    CHECK(line.document()["url"] == server.url("/f/a"));
    CHECK(line.document()["decisions"].size() == 2);
    CHECK(line.document()["decisions"][0]["reply"] == 404);
    CHECK(line.run({"fetch", server.url("/busy"), "-o", "/to/file", "--attempts", "3", "--json"}) == k_done);
    CHECK(line.document()["attempts"] == 2);
}

TEST_CASE("what could not be fetched ends with the kind of its error") {
    const FileServer server;
    CommandLine line;
    line.files.put_directory("/to");
    const auto fails = [&](const std::string& url, int code, const std::string& name, const Words& more = {}) {
        CAPTURE(url);
        Words words = {"fetch", url, "-o", "/to/file"};
        words.insert(words.end(), more.begin(), more.end());
        CHECK(line.run(words) == code);
        CHECK(line.output.out.empty());
        CHECK_MESSAGE(line.complained(name), line.output.err);
        words.emplace_back("--json");
        CHECK(line.run(words) == code);
        CHECK(line.error_name() == name);
        CHECK_FALSE(line.files.exists("/to/file"));
    };
    fails(server.url("/none"), k_failed, "HTTP_NOT_FOUND");
    fails(server.url("/f/a"), k_failed, "digest_mismatch", {"--sha256", std::string(64, 'a')});
    fails("http://127.0.0.1:1/x", k_try_later, "WSAECONNREFUSED");
    fails("nosuch://host/x", k_failed, "unsupported_scheme");
    line.files.set_read_only(true);
    fails(server.url("/f/a"), k_failed, "read_only");
    line.files.set_read_only(false);
    line.files.set_capacity(10);
    fails(server.url("/f/a"), k_failed, "disk_full");
}

TEST_CASE("a password in an address is not repeated") {
    CommandLine line;
    for (const Words& more : {Words{}, Words{"--json"}, Words{"-v"}}) {
        Words words = {"fetch", "http://user:secret@127.0.0.1:1/x", "-o", "/file"};
        words.insert(words.end(), more.begin(), more.end());
        CHECK(line.run(words) == k_try_later);
        CHECK_FALSE(line.said("secret"));
        CHECK_FALSE(line.complained("secret"));
    }
}

TEST_CASE("a name that would steer the terminal is not printed as it is") {
    const FileServer server;
    CommandLine line;
    line.files.put_directory("/to");
    CHECK(line.run({"fetch", server.url("/f/a"), "-o", "/to/\x1b[2J\x7f"}) == k_done);
    CHECK(is_tame(line.output.out + line.output.err));
    CHECK(line.run({"fetch", server.url("/f/%1b%5b2J")}) == k_usage);
    CHECK(line.complained("say where to put it with -o FILE"));
}

}  // namespace
}  // namespace hagent::verbs
