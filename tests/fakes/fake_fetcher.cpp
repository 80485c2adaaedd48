// SPDX-License-Identifier: Apache-2.0
// Owns the fake server's answers.
#include "tests/fakes/fake_fetcher.h"

#include <algorithm>

#include "agent/base/number.h"
#include "agent/transfer/url.h"

namespace hagent::fakes {
namespace {

using errors::AgentCode;
using transfer::Reply;
using transfer::ReplyHead;
using transfer::Stage;

bool speaks_ftp(const std::string& url) { return url.starts_with("ftp"); }

Reply refused(const std::string& url, errors::Id why, Stage stage) {
    Reply reply;
    reply.url = transfer::shown(url);
    reply.stage = stage;
    reply.head.protocol = why.protocol;
    reply.head.number = why.number;
    reply.error = error(why);
    return reply;
}

ReplyHead head_of(const FakeRemoteFile& file, const transfer::Exchange& exchange, const FakeFault& fault) {
    const std::uint64_t size = file.bytes.size();
    const bool unchanged = exchange.if_range.empty() || exchange.if_range == file.validator;
    const bool ftp = speaks_ftp(exchange.url);
    const bool asked = exchange.offset > 0 || (exchange.end && !ftp);
    const bool part = asked && file.ranges && (ftp || unchanged);
    ReplyHead head;
    head.protocol = ftp ? errors::Protocol::ftp : errors::Protocol::http;
    head.number = ftp ? 150 : (part ? 206 : 200);
    head.validator = file.validator;
    if (part) {
        head.start = exchange.offset + static_cast<std::uint64_t>(fault.shift_start.value_or(0));
        head.end = ftp ? std::nullopt : std::optional(std::min(exchange.end.value_or(size), size));
    }
    if (file.tells_size) {
        head.total = fault.claimed_total.value_or(size);
    }
    return head;
}

}  // namespace

Result<Reply> FakeFetcher::exchange(const transfer::Exchange& exchange, transfer::Sink& sink,
                                    const CancelToken& cancel) {
    asked.push_back(exchange);
    asked.back().source = nullptr;
    TRY(transfer::parse_url(exchange.url));
    if (cancel.requested()) {
        return error(AgentCode::cancelled);
    }
    FakeFault fault;
    if (!faults.empty()) {
        fault = faults.front();
        faults.pop_front();
    }
    if (fault.before) {
        fault.before();
    }
    if (fault.refuse && !fault.cut_after) {
        auto reply = refused(exchange.url, *fault.refuse, fault.stage);
        reply.retry_after = fault.retry_after;
        return reply;
    }
    return exchange.method == transfer::Method::get ? get(exchange, sink, fault, cancel) : put(exchange);
}

Result<Reply> FakeFetcher::get(const transfer::Exchange& exchange, transfer::Sink& sink, const FakeFault& fault,
                               const CancelToken& cancel) {
    const bool ftp = speaks_ftp(exchange.url);
    const auto found = files.find(transfer::shown(exchange.url));
    if (found == files.end()) {
        return refused(exchange.url, ftp ? errors::ftp(550) : errors::http(404), ftp ? Stage::retr : Stage::http_body);
    }
    const FakeRemoteFile file = found->second;
    Reply reply;
    reply.url = transfer::shown(exchange.url);
    reply.head = head_of(file, exchange, fault);
    reply.stage = ftp ? Stage::done : Stage::http_body;
    reply.etag = file.validator;
    if (reply.head.number == 206 && exchange.offset >= file.bytes.size()) {
        reply = refused(exchange.url, errors::http(416), Stage::http_body);
        reply.head.total = file.bytes.size();
        return reply;
    }
    TRY(sink.begin(reply.head));
    const auto first = std::min<std::uint64_t>(reply.head.start, file.bytes.size());
    std::string_view rest = std::string_view(file.bytes).substr(narrow<std::size_t>(first));
    rest = transfer::before_end(exchange, first, rest);
    if (fault.cut_after && *fault.cut_after < rest.size()) {
        rest = rest.substr(0, narrow<std::size_t>(*fault.cut_after));
        reply.error = error(fault.refuse.value_or(errors::agent(AgentCode::truncated)));
    }
    while (!rest.empty()) {
        if (cancel.requested()) {
            return error(AgentCode::cancelled);
        }
        const auto piece = rest.substr(0, piece_bytes);
        sent_bytes += piece.size();
        if (on_piece) {
            on_piece();
        }
        TRY(sink.write(piece));
        reply.body_bytes += piece.size();
        rest.remove_prefix(piece.size());
    }
    const bool to_end = first + reply.body_bytes == file.bytes.size();
    reply.head.number = ftp && !reply.error && to_end ? 226 : reply.head.number;
    return reply;
}

Result<Reply> FakeFetcher::put(const transfer::Exchange& exchange) {
    std::string bytes = exchange.body;
    if (exchange.source != nullptr) {
        bytes.resize(narrow<std::size_t>(exchange.source_bytes));
        const auto got = TRY(exchange.source->read_at(0, bytes));
        bytes.resize(got);
    }
    files[transfer::shown(exchange.url)].bytes = bytes;
    Reply reply;
    reply.url = transfer::shown(exchange.url);
    const bool ftp = speaks_ftp(exchange.url);
    reply.head.protocol = ftp ? errors::Protocol::ftp : errors::Protocol::http;
    reply.head.number = ftp ? 226 : 201;
    reply.stage = ftp ? Stage::done : Stage::http_body;
    return reply;
}

}  // namespace hagent::fakes
