// SPDX-License-Identifier: Apache-2.0
// Owns the file that tells verbs where the daemon is, and the request that they send to it.
#include "agent/daemon_client.h"

#include "agent/base/json.h"
#include "agent/base/json_writer.h"
#include "agent/base/limits.h"
#include "agent/transfer/curl_fetcher.h"
#include "agent/trust/digest.h"
#include "platform/host.h"

namespace hagent {
namespace {

constexpr int k_tries = 3;  // a daemon that reads its configuration again writes the file anew

/// What the file says, empty while nobody holds the lock: the daemon was killed then, and somebody else may have its
/// port by now.
Result<std::string> endpoint_of_living(platform::Files& files, const config::Settings& settings) {
    auto content = files.read(settings.state().daemon_endpoint(), limits::k_config_bytes);
    if (!content.ok()) {
        return content.error().is(errors::AgentCode::permission_denied)
                   ? Result<std::string>(not_for_this_user(content.error()))
                   : std::string();
    }
    return TRY(files.is_locked(settings.state().lock())) ? *std::move(content) : std::string();
}

Result<std::string> ask(const std::string& door, const std::string& token, const std::string& path,
                        transfer::Method method) {
    transfer::Options options;
    // The daemon is on this device: a proxy would only see the token.
    options.use_proxies = false;
    options.connect_timeout = Seconds{5};
    options.stall_timeout = Seconds{10};
    const auto fetcher = transfer::curl_fetcher(options);
    transfer::StringSink sink(limits::k_journal_bytes);
    transfer::Exchange exchange;
    exchange.url = "http://" + door + path;
    exchange.method = method;
    exchange.time_limit = Seconds{30};
    exchange.headers.emplace_back("Authorization", "Bearer " + token);
    const auto reply = TRY(fetcher->exchange(exchange, sink, CancelToken()));
    if (reply.error) {
        return *reply.error;
    }
    return sink.take();
}

}  // namespace

Error not_for_this_user(const Error& denied) {
    return Error(denied).with("the agent belongs to another user; run this as root");
}

/// With the process's number, for people.
std::string DaemonEndpoint::to_text() const {
    JsonWriter json;
    json.begin_object();
    json.member("pid", platform::own_pid());
    json.member("door", door);
    json.member("page", page);
    json.member("pin", pin);
    json.member("secret", secret);
    json.end_object();
    return json.take() + "\n";
}

std::string endpoint_token(std::string_view text) { return trust::sha256_hex(text); }

std::string page_url(const std::string& address, bool encrypted) {
    const auto colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    if (host == "0.0.0.0") {  // every address of this device; not one to connect to everywhere
        host = "127.0.0.1";
    } else if (host == "[::]") {
        host = "[::1]";
    }
    return (encrypted ? "https://" : "http://") + host + address.substr(colon);
}

Status write_endpoint(platform::Files& files, const config::Settings& settings, std::string_view text) {
    return files.write_durable(settings.state().daemon_endpoint(), text, 0600);
}

void remove_endpoint(platform::Files& files, const config::Settings& settings) {
    (void)files.remove(settings.state().daemon_endpoint());
}

Result<std::optional<DaemonAnswer>> ask_daemon(platform::Files& files, const config::Settings& settings,
                                               const std::string& path, transfer::Method method) {
    std::string text = TRY(endpoint_of_living(files, settings));
    for (int i = 0; !text.empty(); ++i) {
        const JsonDocument document(text);
        const auto member = [&](std::string_view name) {
            return std::string(document.root().find(name).text().value_or(""));
        };
        auto body = ask(member("door"), endpoint_token(text), path, method);
        std::string now = TRY(endpoint_of_living(files, settings));
        if (now == text || i == k_tries) {
            return std::optional(
                DaemonAnswer{TRY(std::move(body)), {member("door"), member("page"), member("pin"), {}}});
        }
        text = std::move(now);
    }
    return std::optional<DaemonAnswer>();
}

}  // namespace hagent
