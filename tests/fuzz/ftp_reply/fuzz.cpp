// SPDX-License-Identifier: Apache-2.0
// Fuzzes FTP control connections: lines beginning with '>' are ours, the rest the server's.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/transfer/ftp_conversation.h"
#include "agent/transfer/ftp_step.h"
#include "agent/transfer/reply_policy.h"
#include "tests/fuzz/require.h"

using hagent::fuzz::require;

namespace {}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hagent::transfer;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto port : {parse_epsv_port(text), parse_pasv_port(text)}) {
        require(port != 0);
    }
    Transcript transcript;
    FtpConversation ftp(transcript);
    Exchange exchange;
    exchange.offset = size % 2 == 0 ? size : 0;
    for (const auto line : hagent::split(text, '\n')) {
        if (line.starts_with('>')) {
            ftp.sent(line.substr(1));
            require(!ftp.reply());
        } else {
            ftp.received(line);
        }
        if (const auto number = ftp.reply()) {
            require(*number >= 100 && *number < 600);
            Situation situation;
            situation.reply = hagent::errors::ftp(*number);
            situation.stage = ftp.stage();
            const auto decision = decide(situation);
            require(!to_string(decision.kind).empty());
            require(ftp.words().size() <= hagent::limits::k_peer_words_bytes + 2);
            require(!ftp.busy() || *number >= 500);
            require(ftp.mark() != ' ' || *number < 200 || ftp.reply());
            const auto step = judge_step(ftp, exchange);
            require(exchange.offset > 0 || (step != FtpStep::nothing_left && step != FtpStep::shrunk));
            require(!ended_well(ftp) || step == FtpStep::go_on);
            const bool passive =
                (ftp.stage() == Stage::epsv && *number == 229) || (ftp.stage() == Stage::pasv && *number == 227);
            require(!passive || step == FtpStep::refused || ftp.data_port());
        }
    }
    for (const auto& line : transcript.lines()) {
        require(line.size() <= hagent::limits::k_reply_line_bytes && line.find('\x1b') == std::string::npos);
        // Nothing but asterisks; of a password that is one itself they are more than three.
        require(!line.starts_with("> PASS ") ||
                line.find_first_not_of('*', std::string_view("> PASS ").size()) == std::string::npos);
    }
    require(transcript.lines().size() <= hagent::limits::k_transcript_lines);
    require(ftp.validator().find_first_of("\r\n") == std::string::npos);
    return 0;
}
