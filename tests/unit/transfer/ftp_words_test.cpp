// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what the texts of FTP replies say.
#include "agent/transfer/ftp_words.h"

#include <doctest/doctest.h>

#include "agent/base/limits.h"
#include "agent/transfer/ftp_conversation.h"

using namespace hagent;
using namespace hagent::transfer;

TEST_CASE("every server's own words for being full are understood") {
    for (const char* text : {
             "There are too many connected users, please try later.",
             "There are too many connections from your internet address.",
             "Sorry, the maximum number of allowed clients (10) already connected.",
             "Sorry, the maximum number of hosts (1) for this user are already connected.",
             "Sorry, max 10 users -- try again later",
             "10 users (the maximum) are already logged in, sorry",
             "Too many connections (8) from this IP",
             "I can't accept more than 2 connections as the same user",
             "Too many users are connected, please try again later.",
             "Too many users logged in for this account. Try again later.",
             "Too many connections. Service temporarily unavailable.",
             "User cannot log in. Win32 error: No more connections can be made to this remote computer at this time",
             "Connection limit reached",
             "The server is overloaded",
             "Server busy",
             "FTP server shut down (going down at 12:00) -- please try again later",
             "All slots in use",
             "Login failed: too many sessions",
             "Too many connection attempts from your address",
             "Site is full",
             "Only 3 simultaneous logins are allowed",
             "Service unavailable, maintenance",
         }) {
        CAPTURE(text);
        CHECK(speaks_of_limits(text, "bob"));
    }
}

TEST_CASE("a wrong login is not taken for a full server") {
    for (const char* text : {
             "Login incorrect.",
             "Login authentication failed",
             "User cannot log in.",
             "User cannot log in, home directory inaccessible.",
             "User max cannot log in.",
             "Login or password incorrect!",
             "Authentication failed.",
             "Permission denied.",
             "Not logged in.",
             "Please login with USER and PASS.",
             "This FTP server is anonymous only.",
             "Anonymous access not allowed.",
             "Non-anonymous sessions must use encryption.",
             "Only secure connections are allowed",
             "Too many failed login attempts, please try again later",
             "Too many authentication failures",
             "Temporarily banned for too many failed logins",
             "Maximum login attempts. Disconnecting.",
             "Account locked, try again later",
             "User cannot log in. Win32 error: The user name or password is incorrect.",
             "Logon failure: user not allowed",
             "",
             "   ",
         }) {
        CAPTURE(text);
        CHECK_FALSE(speaks_of_limits(text, "max"));
    }
}

TEST_CASE("of a long reply the first and the last words are kept") {
    FtpWords words;
    CHECK(words.text().empty());
    words.add("  ----------  ");
    words.add("User cannot log in.");
    words.add(" Win32 error:   The password is incorrect.");
    words.add("End");
    CHECK(words.text() == "User cannot log in. Win32 error:   The password is incorrect.");
    for (int i = 0; i < 1000; ++i) {
        words.add("line of a speech");
    }
    words.add("volume offline");
    CHECK(words.text().starts_with("User cannot log in."));
    CHECK(words.text().ends_with(" ... volume offline"));
    CHECK(words.text().size() <= limits::k_peer_words_bytes);
    CHECK(words.all().size() < 4096);
    words.add(std::string(100000, 'x'));
    CHECK(words.text().size() <= limits::k_peer_words_bytes);
    words.clear();
    CHECK(words.text().empty());
}

TEST_CASE("the words of a reply are those of the last one, quoted, without secrets") {
    Transcript transcript;
    FtpConversation ftp(transcript);
    ftp.received("220 Welcome.");
    ftp.sent("USER robert");
    ftp.received("331 Password for robert?");
    ftp.sent("PASS s3cret-word");
    ftp.received("530-No.");
    ftp.received(" robert / s3cret-word \x1b[1m");
    ftp.received("530 End");
    CHECK(ftp.words() == "\"No. *** / *** ?[1m\"");
    CHECK_FALSE(ftp.busy());
}

TEST_CASE("a refused login is busy when the words say so or when nobody's password was refused") {
    const auto refused = [](const char* user, const char* reply) {
        Transcript transcript;
        FtpConversation ftp(transcript);
        ftp.received("220 Welcome.");
        ftp.sent(std::string("USER ") + user);
        ftp.received("331 Password?");
        ftp.sent("PASS x");
        ftp.received(reply);
        return ftp.busy();
    };
    CHECK(refused("bob", "530 Too many users"));
    CHECK(refused("bob", "500 Server shut down, try again later"));
    CHECK_FALSE(refused("bob", "530 Login incorrect."));
    CHECK_FALSE(refused("bob", "550 No such folder"));
    CHECK_FALSE(refused("bob", "430 Too many users"));  // 4yz is waited for anyway, and 430 speaks of the login
    for (const char* nobody : {"anonymous", "ftp", "FTP", "Anonymous"}) {
        CHECK(refused(nobody, "530 Login incorrect."));
        CHECK_FALSE(refused(nobody, "500 OOPS: cannot change directory"));
    }
    Transcript transcript;
    FtpConversation ftp(transcript);
    ftp.received("530 Not from there.");
    CHECK(ftp.busy());
}
