// SPDX-License-Identifier: Apache-2.0
// Owns the reading of an FTP control connection from outside: which command was answered how.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/transfer/ftp_words.h"
#include "agent/transfer/stage.h"
#include "agent/transfer/transcript.h"

namespace hagent::transfer {

/// One reply line, "226 done" or "226-more follows" (RFC 959, 4.2).
struct FtpReplyLine {
    std::uint16_t number = 0;
    bool last = false;  // false: further lines belong to the same reply
    std::string_view text;
};
/// Empty when the line does not begin with a number from 100 to 599 and a blank, a hyphen or the end.
[[nodiscard]] std::optional<FtpReplyLine> parse_ftp_reply_line(std::string_view line);

/// The port in the text of a 229 reply, "(|||6446|)" with any delimiter (RFC 2428, 3); empty when there is none.
[[nodiscard]] std::optional<std::uint16_t> parse_epsv_port(std::string_view text);
/// The port in the text of a 227 reply: the last two of six numbers below 256 between commas, wherever they stand (RFC
/// 959, 4.1.2; RFC 1123, 4.1.2.6).
[[nodiscard]] std::optional<std::uint16_t> parse_pasv_port(std::string_view text);
/// The address there, "10.1.2.3": for people alone, it is never gone to. Empty when there is none.
[[nodiscard]] std::string parse_pasv_address(std::string_view text);

/// Fed with the lines of both sides in their order; knows where the conversation stands.
class FtpConversation {
public:
    explicit FtpConversation(Transcript& transcript) : transcript_(transcript) {}

    void sent(std::string_view line);
    void received(std::string_view line);

    /// Where the last reply belongs, or the command that waits for one.
    [[nodiscard]] Stage stage() const { return stage_; }
    /// The complete reply to the last command (or the greeting); empty while none has come.
    [[nodiscard]] std::optional<std::uint16_t> reply() const { return reply_; }
    /// The texts of that reply, for an error: quoted, without secrets; empty when it says nothing.
    [[nodiscard]] std::string words() const;
    /// A refused login that has nothing to do with a wrong password: the server speaks of its limits, or refuses
    /// somebody who gave no password worth the name.
    [[nodiscard]] bool busy() const;
    /// The character behind the number that tells libcurl, which looks at no more than one line, whether the reply ends
    /// with the line that came last: ' ' or '-'; 0: as it is. Another reply follows a 1yz one where RFC 959 (5.4) has
    /// them, and numbers within a long reply are text.
    [[nodiscard]] char mark() const { return mark_; }
    void mark_end(std::span<char> line) const;
    [[nodiscard]] bool started() const { return started_; }
    [[nodiscard]] std::optional<std::uint64_t> size() const { return size_; }
    /// "SIZE MDTM", with '-' for what the server did not tell; empty when it told neither.
    [[nodiscard]] std::string validator() const;
    /// The server said 550 to SIZE: most likely there is no such file, though some only dislike the question.
    [[nodiscard]] bool size_refused() const { return size_refused_; }
    /// Whether the data go to the server.
    [[nodiscard]] bool stores() const { return stores_; }
    /// Whether the server has accepted REST for the transfer that follows.
    [[nodiscard]] bool rest_accepted() const { return rest_accepted_; }
    /// Where the data will be, from the last answer to EPSV or PASV; empty while there is no usable one.
    [[nodiscard]] std::optional<std::uint16_t> data_port() const { return data_port_; }
    /// The address that the answer to PASV names beside it; empty: none, or EPSV.
    [[nodiscard]] const std::string& data_address() const { return data_address_; }
    /// The 1yz reply that began the data; 0 before.
    [[nodiscard]] std::uint16_t opening() const { return opening_; }

private:
    void complete(std::uint16_t number, std::string_view text);
    [[nodiscard]] bool announces(std::uint16_t number) const;

    Transcript& transcript_;
    Stage stage_ = Stage::greeting;
    std::optional<std::uint16_t> reply_;
    std::uint16_t multiline_ = 0;  // number of the reply whose last line has not come yet
    char mark_ = 0;
    bool words_end_ = false;  // the next line begins another reply
    FtpWords words_;
    std::string user_;
    bool started_ = false;
    bool rest_accepted_ = false;
    bool size_refused_ = false;
    bool stores_ = false;  // the data go to the server
    std::uint16_t opening_ = 0;
    std::optional<std::uint64_t> size_;
    std::optional<std::uint16_t> data_port_;
    std::string data_address_;
    std::string modified_;
};

}  // namespace hagent::transfer
