// SPDX-License-Identifier: Apache-2.0
// Owns the callbacks between libcurl and Sink, redirects, and the judgement whether an exchange did what was asked.
#include "agent/transfer/curl_exchange.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "agent/base/concat.h"
#include "agent/base/handle.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/transfer/curl_error.h"
#include "agent/transfer/curl_failure.h"
#include "agent/transfer/curl_request.h"
#include "agent/transfer/ftp_conversation.h"
#include "agent/transfer/ftp_end.h"
#include "agent/transfer/ftp_step.h"
#include "agent/transfer/http_head.h"
#include "agent/transfer/http_redirect.h"
#include "agent/transfer/http_words.h"
#include "agent/transfer/unwanted_body.h"
#include "agent/trust/server_check.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

struct EasyTraits {
    using Value = CURL*;
    static Value none() { return nullptr; }
    static void close(Value easy) { curl_easy_cleanup(easy); }
};
struct ShareTraits {
    using Value = CURLSH*;
    static Value none() { return nullptr; }
    static void close(Value share) { curl_share_cleanup(share); }
};
struct ListTraits {
    using Value = curl_slist*;
    static Value none() { return nullptr; }
    static void close(Value list) { curl_slist_free_all(list); }
};

// libcurl's own words behind ours; longer ones repeat the address.
constexpr std::size_t k_reason_bytes = 160;

void append(UniqueHandle<ListTraits>& list, const std::string& line) {
    list.reset(static_cast<curl_slist*>(with_line(list.release(), line)));
}

}  // namespace

struct CurlExchange::Impl {
    Impl(const Options& options_in, const HeaderProvider& provider_in, Exchange exchange_in, Sink& sink_in,
         const CancelToken* cancel_in)
        : options(options_in),
          provider(provider_in),
          exchange(std::move(exchange_in)),
          sink(sink_in),
          cancel(cancel_in),
          conversation(transcript),
          easy(curl_easy_init()) {
        check(static_cast<bool>(easy));
    }

    const Options& options;
    const HeaderProvider& provider;
    Exchange exchange;
    Sink& sink;
    const CancelToken* cancel;

    Url origin, url;
    std::size_t redirects_followed = 0;
    Transcript transcript;
    FtpConversation conversation;
    HttpHead head;
    UniqueHandle<ListTraits> header_list, command_list;
    FtpStep last_step = FtpStep::go_on;
    std::array<char, CURL_ERROR_SIZE> error_text{};
    std::uint64_t sent_bytes = 0;
    std::size_t control_lines = 0;
    bool begun = false;
    UnwantedBody unwanted;
    bool satisfied = false;            // ended here: all that was asked for has come
    bool late = false;                 // ended here by the exchange's time limit
    std::optional<Error> local_error;  // from the sink or from reading what is sent
    trust::ServerCheck server_check;
    Reply reply;
    UniqueHandle<ShareTraits> sessions;  // of TLS, when they must not come from elsewhere
    UniqueHandle<EasyTraits> easy;       // last: its clean-up may still call back

    template <class T>
    void set(CURLoption option, T value) {
        // Refused only for options that this build of libcurl lacks, and those are chosen beside the build.
        check(curl_easy_setopt(easy.get(), option, value) == CURLE_OK);
    }

    Status prepare() {
        origin = url = TRY(parse_url(exchange.url));
        return configure();
    }

    Status configure();
    void configure_callbacks();
    void configure_headers();
    void configure_commands();

    [[nodiscard]] ReplyHead current_head() const;
    Status begin();
    std::size_t take_body(std::string_view bytes);

    bool goes_on();
    bool enough();
    [[nodiscard]] bool replies_without_end() const { return control_lines > limits::k_http_answer_lines; }
    [[nodiscard]] bool body_wanted() const { return head.positive() && exchange.answer_wanted; }
    [[nodiscard]] bool everything_moved() const;
    [[nodiscard]] bool may_redirect() const { return !is_ftp(url.scheme) && head.redirects(); }
    Status follow();
    std::optional<Error> judge_ftp(int code);
    std::optional<Error> judge_http(int code);
    Failure failure(int code, bool& local);
    Result<Reply> close(std::optional<Error> why);
    std::optional<Result<Reply>> finished(int code);

    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_send(char* data, std::size_t size, std::size_t count, void* self);
    static int on_seek(void* self, curl_off_t offset, int origin);
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
    static int on_debug(CURL* easy, curl_infotype type, char* data, std::size_t size, void* self);
    static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
    static CURLcode on_tls(CURL* easy, void* ssl_config, void* self);
};

// ---- configuration

/// Anew for each request: a redirect must not inherit anything from the one before but what the exchange says.
Status CurlExchange::Impl::configure() {
    if (is_ftp(url.scheme) && (exchange.method == Method::post || url.path.ends_with('/'))) {
        return error(AgentCode::bad_url,
                     exchange.method == Method::post ? "FTP cannot post" : "the path names a folder");
    }
    curl_easy_reset(easy.get());
    header_list.reset();
    command_list.reset();
    error_text.fill('\0');
    sent_bytes = 0;
    unwanted = {};
    begun = false;
    head = HttpHead();

    transcript.hide_secrets_of(url);
    configure_request(easy.get(), options, exchange, url);
    configure_callbacks();
    if (is_ftp(url.scheme)) {
        configure_commands();
    } else {
        configure_headers();
    }
    return {};
}

void CurlExchange::Impl::configure_callbacks() {
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_READFUNCTION, &on_send);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_SEEKFUNCTION, &on_seek);
    set(CURLOPT_SEEKDATA, this);
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_DEBUGFUNCTION, &on_debug);
    set(CURLOPT_DEBUGDATA, this);
    set(CURLOPT_VERBOSE, 1L);  // the only way to see FTP commands beside their replies
    set(CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_ERRORBUFFER, error_text.data());
    set(CURLOPT_SSL_CTX_FUNCTION, &on_tls);
    set(CURLOPT_SSL_CTX_DATA, this);
}

void CurlExchange::Impl::configure_headers() {
    for (const auto& line : header_lines(exchange, same_origin(origin, url), provider ? provider(url) : Headers())) {
        append(header_list, line);
    }
    set(CURLOPT_HTTPHEADER, header_list.get());
}

void CurlExchange::Impl::configure_commands() {
    if (exchange.method == Method::get) {
        for (const auto& command : before_retr(exchange, url)) {
            append(command_list, command);
        }
        set(CURLOPT_PREQUOTE, command_list.get());
    }
    set(CURLOPT_FORBID_REUSE, 1L);  // until the conversation has ended well
    if (is_encrypted(url.scheme)) {
        // Many servers take a data connection only when it resumes the TLS session of its own control connection, and
        // neither one of an earlier exchange nor, for a kept connection, a new one will do.
        sessions.reset(curl_share_init());
        check(curl_share_setopt(sessions.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK);
        set(CURLOPT_SHARE, sessions.get());
    }
}

// ---- what libcurl brings

ReplyHead CurlExchange::Impl::current_head() const {
    if (!is_ftp(url.scheme)) {
        return head.reply_head();
    }
    ReplyHead ftp;
    ftp.protocol = errors::Protocol::ftp;
    ftp.number = conversation.opening();
    ftp.total = conversation.size();
    ftp.validator = conversation.validator();
    ftp.start = conversation.rest_accepted() || last_step == FtpStep::nothing_left ? exchange.offset : 0;
    return ftp;
}

Status CurlExchange::Impl::begin() {
    if (begun) {
        return {};
    }
    begun = true;
    reply.head = current_head();
    return sink.begin(reply.head);
}

std::size_t CurlExchange::Impl::take_body(std::string_view bytes) {
    if (!is_ftp(url.scheme) && head.begins_body(exchange.headless) && !head.believable()) {
        return 0;  // judge_http() says why
    }
    if (!is_ftp(url.scheme) && !body_wanted()) {
        return unwanted.take(bytes) ? bytes.size() : 0;
    }
    auto status = begin();
    const auto wanted = before_end(exchange, reply.head.start + reply.body_bytes, bytes);
    if (status.ok() && !wanted.empty()) {
        status = sink.write(wanted);
    }
    if (!status.ok()) {
        local_error = std::move(status).error();
        return 0;
    }
    reply.body_bytes += wanted.size();
    reply.stage = Stage::data;  // where it ends here
    satisfied = wanted.size() < bytes.size() || goes_on_behind_end(exchange, reply.head, reply.body_bytes);
    return satisfied ? 0 : bytes.size();
}

std::size_t CurlExchange::Impl::on_body(char* data, std::size_t size, std::size_t count, void* self) {
    return static_cast<Impl*>(self)->take_body({data, size * count});
}

std::size_t CurlExchange::Impl::on_send(char* data, std::size_t size, std::size_t count, void* self) {
    auto& me = *static_cast<Impl*>(self);
    auto given = next_to_send(me.exchange, me.sent_bytes, {data, size * count});
    if (!given.ok()) {
        me.local_error = std::move(given).error();
        return CURL_READFUNC_ABORT;
    }
    return *given;
}

/// libcurl begins to send anew, after a connection that it had kept turned out to be dead.
int CurlExchange::Impl::on_seek(void* self, curl_off_t offset, int whence) {
    if (whence != SEEK_SET || offset < 0) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    static_cast<Impl*>(self)->sent_bytes = static_cast<std::uint64_t>(offset);
    return CURL_SEEKFUNC_OK;
}

std::size_t CurlExchange::Impl::on_header(char* data, std::size_t size, std::size_t count, void* self) {
    auto& me = *static_cast<Impl*>(self);
    const std::string_view line(data, size * count);
    if (is_ftp(me.url.scheme)) {
        ++me.control_lines;
        me.conversation.mark_end({data, line.size()});  // libcurl reads on in this very line
        return me.goes_on() && !me.replies_without_end() ? line.size() : 0;
    }
    me.head.line(line);
    if (line.starts_with("HTTP/")) {
        me.transcript.add("< " + std::string(trim(line.substr(0, line.find_first_of("\r\n")))));
    }
    return me.head.endless() ? 0 : line.size();
}

/// After each FTP line, which on_debug has read before.
bool CurlExchange::Impl::goes_on() {
    // libcurl counts the login as connecting too; a server that lets wrong passwords wait is no dead one, and whoever
    // asks again meanwhile hammers the login.
    const auto patience = options.connect_timeout.count() + options.stall_timeout.count();
    set(CURLOPT_CONNECTTIMEOUT, narrow<long>(std::clamp<std::int64_t>(patience, 1, 86400)));
    set(CURLOPT_FORBID_REUSE, !is_encrypted(url.scheme) && ended_well(conversation) && everything_moved() ? 0L : 1L);
    last_step = judge_step(conversation, exchange);
    return last_step == FtpStep::go_on;
}

int CurlExchange::Impl::on_debug(CURL*, curl_infotype type, char* data, std::size_t size, void* self) {
    auto& me = *static_cast<Impl*>(self);
    if (!is_ftp(me.url.scheme)) {
        if (type == CURLINFO_HEADER_OUT) {
            me.transcript.hide_secrets_of(std::string_view(data, size));
        }
        return 0;
    }
    if (type == CURLINFO_HEADER_OUT) {
        me.conversation.sent({data, size});
    } else if (type == CURLINFO_HEADER_IN) {
        me.conversation.received({data, size});
    }
    return 0;
}

/// A handshake is about to begin, perhaps with the proxy.
CURLcode CurlExchange::Impl::on_tls(CURL* easy, void* ssl_config, void* self) {
    auto& me = *static_cast<Impl*>(self);
    me.server_check.install(ssl_config, tls_host(easy, me.options, me.url), me.options.time);
    return CURLE_OK;
}

/// Called at least once a second: the only place where libcurl asks whether to go on.
int CurlExchange::Impl::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& me = *static_cast<Impl*>(self);
    return (me.cancel != nullptr && me.cancel->requested()) || me.enough() ? 1 : 0;
}

/// Whether this request ends here and now: a peer must not hold us, or feed us, for as long as it likes.
bool CurlExchange::Impl::enough() {
    if (connect_status(easy.get()) >= 300) {
        return true;  // the proxy has refused: libcurl would read on and on
    }
    const auto now = elapsed_us(easy.get());
    late = exchange.time_limit.count() > 0 && now / 1'000'000 >= exchange.time_limit.count();
    if (!is_ftp(url.scheme) && head.complete() && head.status() >= 200 && !body_wanted()) {
        unwanted.wait(now);
    }
    return late || unwanted.cut();
}

// ---- what it amounts to

/// Redirects are followed here and not by libcurl: what goes to which origin is our decision.
Status CurlExchange::Impl::follow() {
    auto next = TRY(redirect_target(url, head));
    if (++redirects_followed > limits::k_redirects) {
        return error(AgentCode::redirect_limit, shown(exchange.url));
    }
    if (head.status() == 303 && exchange.method != Method::get) {
        exchange.method = Method::get;
        exchange.body.clear();
    }
    url = std::move(next);
    transcript.add("* redirected to " + shown(to_text(url)));
    return configure();
}

Failure CurlExchange::Impl::failure(int code, bool& local) {
    auto failure = failure_of(easy.get(), options, url, code, conversation.started() || head.status() != 0);
    failure.text = printable(clip(error_text.data(), k_reason_bytes));
    failure.certificate = server_check.words();
    auto explained = explain(failure);
    local = explained.local;
    if (!failure.connected || explained.stage == Stage::tls || explained.stage == Stage::resolve) {
        reply.stage = explained.stage;
    }
    return Failure(std::move(explained.error));
}

/// Some servers end a transfer with another reply than 226 or 250; what counts is that the bytes are there. An upload
/// is done only when the server says so.
bool CurlExchange::Impl::everything_moved() const {
    const bool confirmed = conversation.reply().value_or(0) / 100 == 2;
    if (exchange.method != Method::get) {
        return confirmed &&
               bytes_sent(easy.get()) == (exchange.source != nullptr ? exchange.source_bytes : exchange.body.size());
    }
    const auto size = conversation.size();
    return size ? reply.head.start + reply.body_bytes == *size : confirmed;
}

/// The server's replies count before libcurl's opinion of them.
std::optional<Error> CurlExchange::Impl::judge_ftp(int code) {
    reply.stage = conversation.stage();
    if (replies_without_end()) {
        return error(AgentCode::protocol_garbage, {url.host, ": its replies have no end"});
    }
    if (late) {
        return too_late(url.host, exchange.time_limit);
    }
    const FtpEnd end{code,
                     last_step,
                     everything_moved(),
                     url.host,
                     peer_address(easy.get()),
                     (begun ? reply.head : current_head()).start + reply.body_bytes,
                     error_text.data()};
    if (auto verdict = judge_end(conversation, end)) {
        return std::move(verdict->error);
    }
    bool local = false;
    auto why = about_data(conversation, end, failure(code, local));
    if (local) {
        local_error = why;
    }
    return why;
}

/// A status is an answer even where the connection broke behind it.
std::optional<Error> CurlExchange::Impl::judge_http(int code) {
    const auto status = head.status();
    reply.stage = status == 0 ? (sent_bytes > 0 ? Stage::http_put : Stage::http_head) : Stage::http_body;
    if (status >= 300 && !head.endless()) {
        // In clear text a proxy answers as the server would, so both are named.
        const auto proxy = is_encrypted(url.scheme) ? std::nullopt : proxy_used(easy.get(), options, url, CURLE_OK);
        return http_refusal(head, unwanted.text(), transcript, proxy ? proxy->shown() : std::string());
    }
    if (head.endless() || (head.positive() && !head.believable())) {
        return error(AgentCode::protocol_garbage, "the head is cut off, has no end or tells no clear length");
    }
    if ((code == CURLE_OK || unwanted.cut()) && head.positive()) {
        return std::nullopt;
    }
    if (late) {
        return too_late(url.host, exchange.time_limit);
    }
    bool local = false;
    auto why = code == CURLE_OK ? error(AgentCode::protocol_garbage, "no final HTTP status") : failure(code, local);
    if (local) {
        local_error = why;
    }
    return why;
}

/// The reply with all that was learned.
Result<Reply> CurlExchange::Impl::close(std::optional<Error> why) {
    if (!begun) {
        reply.head = current_head();
    }
    if (is_ftp(url.scheme)) {
        reply.head.number = conversation.reply().value_or(reply.head.number);
    }
    reply.error = std::move(why);
    reply.retry_after = head.retry_after();
    reply.head.total = head.status() == 416 ? head.size_if_unsatisfied() : reply.head.total;
    reply.body = head.positive() ? std::string() : unwanted.text();
    reply.etag = head.etag();
    reply.location = head.location();
    reply.content_type = head.content_type();
    reply.url = to_text(url);
    reply.transcript = transcript.lines();
    return std::move(reply);
}

std::optional<Result<Reply>> CurlExchange::Impl::finished(int code) {
    if (cancel != nullptr && cancel->requested() && code != CURLE_OK) {
        return error(AgentCode::cancelled);
    }
    if (local_error) {
        return *local_error;
    }
    if (may_redirect()) {
        auto followed = follow();
        if (followed.ok()) {
            return std::nullopt;
        }
        reply.stage = Stage::http_head;
        return close(std::move(followed).error());
    }
    auto why = satisfied ? std::nullopt : is_ftp(url.scheme) ? judge_ftp(code) : judge_http(code);
    if (local_error) {
        return *local_error;
    }
    if (!why) {
        if (auto status = begin(); !status.ok()) {
            return std::move(status).failure();
        }
    }
    return close(std::move(why));
}

CurlExchange::CurlExchange(const Options& options, const HeaderProvider& provider, Exchange exchange, Sink& sink,
                           const CancelToken* cancel)
    : impl_(std::make_unique<Impl>(options, provider, std::move(exchange), sink, cancel)) {}
CurlExchange::~CurlExchange() = default;

Status CurlExchange::prepare() { return impl_->prepare(); }
void* CurlExchange::easy() const { return impl_->easy.get(); }
std::optional<Result<Reply>> CurlExchange::finished(int code) { return impl_->finished(code); }

}  // namespace hagent::transfer
