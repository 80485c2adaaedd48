// SPDX-License-Identifier: Apache-2.0
// Owns the judgement of replies that libcurl does not look at closely enough.
#include "agent/transfer/ftp_step.h"

namespace hagent::transfer {
namespace {

bool transient(std::uint16_t number) { return number >= 400 && number < 500; }

/// The answer to SIZE decides whether the bytes at hand can be the beginning of this file.
FtpStep judge_size(const FtpConversation& conversation, std::uint16_t number, const Exchange& exchange) {
    if (const auto size = conversation.size(); size && number == 213) {
        return *size == exchange.offset ? FtpStep::nothing_left
                                        : (*size < exchange.offset ? FtpStep::shrunk : FtpStep::go_on);
    }
    // Without a size the part at hand would count as one of another file, so a passing refusal is worth the wait.
    return transient(number) ? FtpStep::refused : FtpStep::go_on;
}

}  // namespace

std::vector<std::string> before_retr(const Exchange& exchange, const Url& url) {
    std::vector<std::string> commands;
    const auto name = decode(url.path.substr(url.path.rfind('/') + 1));
    if (exchange.ftp.size && name.ok()) {
        commands.push_back("*SIZE " + *name);
    }
    if (exchange.ftp.rest && exchange.offset > 0) {
        commands.push_back("REST " + std::to_string(exchange.offset));
    }
    return commands;
}

FtpStep judge_step(const FtpConversation& conversation, const Exchange& exchange) {
    const auto number = conversation.reply();
    if (!number) {
        return FtpStep::go_on;
    }
    const bool resuming = exchange.method == Method::get && exchange.offset > 0;
    if (resuming && conversation.stage() == Stage::size) {
        return judge_size(conversation, *number, exchange);
    }
    // In this order: MDTM that may be answered later; a port that libcurl reads in another way than we do; REST that
    // was not accepted, so that the whole file would be appended; STOR that is answered before any data.
    const bool refused = (resuming && conversation.stage() == Stage::mdtm && transient(*number)) ||
                         (conversation.stage() == Stage::epsv && *number == 229 && !conversation.data_port()) ||
                         (conversation.stage() == Stage::pasv && *number == 227 && !conversation.data_port()) ||
                         (conversation.stage() == Stage::rest && *number != 350) ||
                         (conversation.stage() == Stage::stor && *number >= 200 && *number < 400);
    return refused ? FtpStep::refused : FtpStep::go_on;
}

bool ended_well(const FtpConversation& conversation) {
    return conversation.stage() == Stage::done && conversation.reply().value_or(0) / 100 == 2;
}

}  // namespace hagent::transfer
