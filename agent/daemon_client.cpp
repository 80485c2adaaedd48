// SPDX-License-Identifier: Apache-2.0
// Owns the file that tells verbs where the daemon is, and the request that they send to it.
#include "agent/daemon_client.h"

#include "agent/base/json.h"
#include "agent/base/json_writer.h"
#include "agent/base/limits.h"
#include "agent/transfer/curl_fetcher.h"
#include "platform/host.h"

namespace hagent {

std::string DaemonEndpoint::url() const {
    const auto colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    if (host == "0.0.0.0") {  // every address of this device; not one to connect to everywhere
        host = "127.0.0.1";
    } else if (host == "[::]") {
        host = "[::1]";
    }
    return (pin.empty() ? "http://" : "https://") + host + address.substr(colon);
}

Status write_endpoint(platform::Files& files, const config::Settings& settings, const DaemonEndpoint& endpoint) {
    JsonWriter json;
    json.begin_object();
    json.member("pid", platform::own_pid());
    json.member("listener", endpoint.address);
    json.member("pin", endpoint.pin);
    json.member("token", endpoint.token);
    json.end_object();
    return files.write_durable(settings.state().daemon_endpoint(), json.take() + "\n", 0600);
}

void remove_endpoint(platform::Files& files, const config::Settings& settings) {
    (void)files.remove(settings.state().daemon_endpoint());
}

std::optional<DaemonEndpoint> find_daemon(platform::Files& files, const config::Settings& settings) {
    const auto content = files.read(settings.state().daemon_endpoint(), limits::k_config_bytes);
    const JsonDocument document(content.ok() ? *content : std::string());
    const auto text = [&](std::string_view name) {
        return std::string(document.root().find(name).text().value_or(""));
    };
    // The process may have been killed and its file left; a listener of somebody else may have its port by now.
    const auto pid = document.root().find("pid").whole(UINT32_MAX);
    if (!pid || text("listener").empty() || !platform::process_exists(static_cast<std::uint32_t>(*pid))) {
        return std::nullopt;
    }
    return DaemonEndpoint{text("listener"), text("pin"), text("token")};
}

Result<std::string> ask_daemon(const DaemonEndpoint& endpoint, const std::string& path, transfer::Method method) {
    transfer::Options options;
    // The daemon is on this device: a proxy would only see the token.
    options.use_proxies = false;
    options.connect_timeout = Seconds{5};
    options.stall_timeout = Seconds{10};
    if (!endpoint.pin.empty()) {
        options.pins = {endpoint.pin};
    }
    const auto fetcher = transfer::curl_fetcher(options);
    transfer::StringSink sink(limits::k_journal_bytes);
    transfer::Exchange exchange;
    exchange.url = endpoint.url() + path;
    exchange.method = method;
    exchange.time_limit = Seconds{30};
    exchange.headers.emplace_back("Authorization", "Bearer " + endpoint.token);
    const auto reply = TRY(fetcher->exchange(exchange, sink, CancelToken()));
    if (reply.error) {
        return *reply.error;
    }
    return sink.take();
}

}  // namespace hagent
