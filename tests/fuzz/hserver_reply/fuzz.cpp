// SPDX-License-Identifier: Apache-2.0
// Fuzzes the answers of a legacy manager: the grammar, and the job or the refusal that the dialect makes of it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/manager/hserver.h"
#include "platform/clock.h"
#include "tests/fakes/job_source.h"
#include "tests/fuzz/require.h"

namespace {

using namespace hagent;
using hagent::fuzz::require;
using namespace hagent::manager;

void check_job(const session::Job& job) {
    require(!job.id.empty() && job.id.size() <= 64 && !session::wire_script(job).commands.empty() &&
            is_utf8(session::wire_script(job).commands));
    require(session::wire_script(job).repositories.size() <= 2 && session::signed_package(job).artifacts.empty() &&
            session::signed_package(job).base_url.empty());
    for (const auto& repository : session::wire_script(job).repositories) {
        require(repository.url.starts_with("ftp") && repository.url.ends_with('/') && !repository.user.empty());
        require(repository.url.find('@') == std::string::npos);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string body(reinterpret_cast<const char*>(data), size);
    const auto reply = parse_hserver_reply(body);
    if (reply.ok()) {
        require(!reply->verb.empty() && reply->keys.size() <= limits::k_hserver_keys && is_utf8(reply->script) &&
                reply->text.size() <= 2048);
        for (const auto& key : reply->keys) {
            require(!key.first.empty() && is_utf8(key.second));
        }
    }
    platform::SystemClock clock;
    log::Log log(clock);
    HserverDialect dialect({log, {"CO", "SF", "EX", "SV", "RB"}, false});
    const Identity identity{"tc-1", {{"mac", "00:80:64:aa:bb:cc"}, {"hostname", "a|b&c\x0f"}}, "digest"};
    dialect.begin("http://manager.example/", identity);
    require(dialect.next().has_value());
    const auto status = dialect.answered(Answer{200, body, {}, {}});
    // a broken answer is no answer where it names no job that could be refused
    require((status.ok() ? reply.ok() : !reply.ok() || !reply->fault.empty()) && !dialect.next().has_value());
    for (const auto& event : dialect.take_events()) {
        if (const auto* offered = std::get_if<JobOffered>(&event)) {
            require(reply->fault.empty() && body.find_last_of('|') != body.npos);
            check_job(offered->job);
            const auto report = dialect.report("http://manager.example/", identity,
                                               {offered->job.id, session::ReportStage::executing, {body}, 1, 2});
            require(report.body.starts_with("&V02|") && report.body.find('\x0f') == std::string::npos);
        }
    }
    return 0;
}
