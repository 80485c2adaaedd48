// SPDX-License-Identifier: Apache-2.0
// Owns the order in which reply, step and libcurl's code are believed.
#include "agent/transfer/ftp_end.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>

#include "agent/base/concat.h"
#include "agent/errors/catalogue.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

// What libcurl ends with over a reply that is no refusal but has no place where it came.
constexpr std::array k_out_of_place = {
    CURLE_WEIRD_SERVER_REPLY,   CURLE_FTP_COULDNT_RETR_FILE, CURLE_FTP_COULDNT_SET_TYPE, CURLE_LOGIN_DENIED,
    CURLE_FTP_WEIRD_PASV_REPLY, CURLE_FTP_WEIRD_227_FORMAT,  CURLE_REMOTE_ACCESS_DENIED, CURLE_WRITE_ERROR};

// What our libcurl says of a data connection that ended without TLS's farewell, so that it may have been cut
// (toolchains/builder/recipes.py).
constexpr std::string_view k_no_farewell = "no close_notify";

/// Replies that end what was asked for. 332 asks for an account that nobody has configured.
bool refusal(std::uint16_t number, Stage stage) {
    return number >= 400 || number == 332 || (number == 120 && stage == Stage::greeting);
}

/// "data connection, port 50123", and the address that the server gave where it is not the one that we talk to.
std::string data_place(const FtpConversation& conversation, const FtpEnd& end) {
    const auto& named = conversation.data_address();
    const bool elsewhere = !named.empty() && !end.address.empty() && named != end.address;
    return concat({"data connection, port ", std::to_string(conversation.data_port().value_or(0)),
                   elsewhere ? concat({" (the server named ", named, ", and ", end.address, " was asked)"}) : ""});
}

/// `where`, then what the server said there.
std::string told(const FtpConversation& conversation, const std::string& where) {
    const auto words = conversation.words();
    return words.empty() ? where : concat({where, ": ", words});
}

/// All that came, and whether it is the file. Without TLS's farewell the count has to say so.
FtpVerdict judge_arrival(const FtpConversation& conversation, const FtpEnd& end) {
    const auto size = conversation.size();
    if (size && end.at_hand < *size) {
        return {error(AgentCode::truncated, {std::to_string(end.at_hand), " of ", std::to_string(*size), " bytes"})};
    }
    if (!size && end.said == k_no_farewell) {
        return {error(AgentCode::truncated, {end.host,
                                             ": the data connection ended without close_notify, and the server "
                                             "does not tell the size"})};
    }
    return {};
}

}  // namespace

std::optional<FtpVerdict> judge_end(const FtpConversation& conversation, const FtpEnd& end) {
    const auto stage = conversation.stage();
    const auto number = conversation.reply();
    const auto after = "after " + std::string(to_string(stage));
    if (number && refusal(*number, stage) && (end.code != CURLE_OK || stage == Stage::done)) {
        const auto port = *number == 425 && conversation.data_port() ? data_place(conversation, end) + ", " : "";
        const auto plain = conversation.busy() ? concat({"FTP ", std::to_string(*number), " "}) : "";
        return FtpVerdict{error(conversation.busy() ? errors::agent(AgentCode::server_full) : errors::ftp(*number),
                                told(conversation, plain + port + after))};
    }
    if (end.code == CURLE_OK) {
        return judge_arrival(conversation, end);
    }
    if (end.code == CURLE_WRITE_ERROR && end.step == FtpStep::nothing_left) {
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
        return FtpVerdict{error(AgentCode::protocol_garbage,
                                told(conversation, concat({"FTP ", std::to_string(*number), " ", after})))};
    }
    if (end.code == CURLE_SSL_CONNECT_ERROR && !number && stage == Stage::retr && conversation.size_refused()) {
        // Some servers refuse RETR by dropping the data connection in the middle of its TLS handshake, and libcurl then
        // leaves their answer unread.
        return FtpVerdict{error(errors::ftp(550), "after SIZE and RETR")};
    }
    return std::nullopt;
}

Failure about_data(const FtpConversation& conversation, const FtpEnd& end, Failure why) {
    const auto stage = conversation.stage();
    // The data are over, or not begun: what broke is the connection for the commands.
    if (end.said.find("response") != std::string::npos || end.said.find("control connection") != std::string::npos) {
        return stage == Stage::data ? std::move(why).with("control connection, after the data") : std::move(why);
    }
    const bool opening = (stage == Stage::epsv || stage == Stage::pasv) && conversation.reply().has_value();
    const bool open = stage == Stage::data || (stage == Stage::retr && end.code == CURLE_SSL_CONNECT_ERROR);
    if (!conversation.data_port() || (!opening && !open)) {
        return why;
    }
    const auto place = data_place(conversation, end);
    if (opening) {
        return error(AgentCode::data_connection,
                     {end.host, ": ", place, ": ", errors::id_text(why.error().id),
                      "; the firewalls on the way have to let the server's passive ports through"});
    }
    if (conversation.stores()) {
        why.error().context += ": while sending; a full disk or a quota on the server looks like this too";
    }
    return std::move(why).with(place);
}

}  // namespace hagent::transfer
