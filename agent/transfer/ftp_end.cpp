// SPDX-License-Identifier: Apache-2.0
// Owns the order in which reply, step and libcurl's code are believed.
#include "agent/transfer/ftp_end.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>

#include "agent/base/concat.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

// What libcurl ends with over a reply that is no refusal but has no place where it came.
constexpr std::array k_out_of_place = {
    CURLE_WEIRD_SERVER_REPLY,   CURLE_FTP_COULDNT_RETR_FILE, CURLE_FTP_COULDNT_SET_TYPE, CURLE_LOGIN_DENIED,
    CURLE_FTP_WEIRD_PASV_REPLY, CURLE_FTP_WEIRD_227_FORMAT,  CURLE_REMOTE_ACCESS_DENIED, CURLE_WRITE_ERROR};

/// Replies that end what was asked for. 332 asks for an account that nobody has configured.
bool refusal(std::uint16_t number, Stage stage) {
    return number >= 400 || number == 332 || (number == 120 && stage == Stage::greeting);
}

}  // namespace

std::optional<FtpVerdict> judge_end(const FtpConversation& conversation, const FtpEnd& end) {
    const auto stage = conversation.stage();
    const auto number = conversation.reply();
    const auto after = "after " + std::string(to_string(stage));
    if (number && refusal(*number, stage) && (end.code != CURLE_OK || stage == Stage::done)) {
        return FtpVerdict{error(errors::ftp(*number), after)};
    }
    if (end.code == CURLE_OK || (end.code == CURLE_WRITE_ERROR && end.step == FtpStep::nothing_left)) {
        return FtpVerdict{};
    }
    if (end.code == CURLE_WRITE_ERROR && end.step == FtpStep::shrunk) {
        return FtpVerdict{error(AgentCode::changed_on_server,
                                {end.host, ": only ", std::to_string(conversation.size().value_or(0)), " bytes now"})};
    }
    // libcurl wants 226 or 250 at the end.
    if (end.code == CURLE_PARTIAL_FILE && stage == Stage::done && end.everything_moved) {
        return FtpVerdict{};
    }
    const bool out_of_place = std::find(k_out_of_place.begin(), k_out_of_place.end(), end.code) != k_out_of_place.end();
    if (number && stage != Stage::data && stage != Stage::done && out_of_place) {
        return FtpVerdict{error(AgentCode::protocol_garbage, {"FTP ", std::to_string(*number), " ", after})};
    }
    if (end.code == CURLE_SSL_CONNECT_ERROR && !number && stage == Stage::retr && conversation.size_refused()) {
        // Some servers refuse RETR by dropping the data connection in the middle of its TLS handshake, and libcurl then
        // leaves their answer unread.
        return FtpVerdict{error(errors::ftp(550), "after SIZE and RETR")};
    }
    return std::nullopt;
}

}  // namespace hagent::transfer
