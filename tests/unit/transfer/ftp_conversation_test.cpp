// SPDX-License-Identifier: Apache-2.0
// Owns the tests of reading an FTP control connection.
#include "agent/transfer/ftp_conversation.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace hagent::transfer;

TEST_CASE("reply lines are three digits and a blank, a hyphen or nothing") {
    CHECK(parse_ftp_reply_line("226 done\r\n")->number == 226);
    CHECK(parse_ftp_reply_line("226 done")->last);
    CHECK(parse_ftp_reply_line("226")->last);
    CHECK_FALSE(parse_ftp_reply_line("226-more")->last);
    CHECK(parse_ftp_reply_line("226-more")->text == "more");
    for (const char* line : {"", "2", "22", "2266 x", "226x", "099 x", "600 x", " 226 x", "-12 x", "2 6 x"}) {
        CAPTURE(line);
        CHECK_FALSE(parse_ftp_reply_line(line));
    }
}

TEST_CASE("each reply belongs to the command before it") {
    Transcript transcript;
    FtpConversation ftp(transcript);
    ftp.received("220-welcome");
    CHECK_FALSE(ftp.reply());
    ftp.received(" 230 not a reply");
    ftp.received("220 ready");
    CHECK(ftp.stage() == Stage::greeting);
    CHECK(ftp.reply() == 220);
    ftp.sent("USER bob\r\n");
    CHECK(ftp.stage() == Stage::user);
    CHECK_FALSE(ftp.reply());
    ftp.received("331 bob needs a password");
    ftp.sent("PASS hunter2\r\n");
    ftp.received("230 hunter2 was right");
    ftp.sent("MDTM f");
    ftp.received("213 20260101120000.5 ");
    ftp.sent("SIZE f");
    ftp.received("213 size is 4711");
    CHECK(ftp.size() == 4711);
    CHECK(ftp.validator() == "4711 20260101120000.5");
    ftp.sent("REST 10");
    ftp.received("350 ok");
    CHECK(ftp.rest_accepted());
    ftp.sent("RETR f");
    ftp.received("150 here it comes");
    CHECK(ftp.stage() == Stage::data);
    CHECK(ftp.opening() == 150);
    ftp.received("426 cut");
    CHECK(ftp.stage() == Stage::done);
    CHECK(ftp.reply() == 426);
    for (const auto& line : transcript.lines()) {
        CAPTURE(line);
        CHECK(line.find("bob") == std::string::npos);
        CHECK(line.find("hunter2") == std::string::npos);
    }
    CHECK(transcript.lines().at(3) == "> USER ***");
}

TEST_CASE("lines of other numbers inside a long reply do not end it") {
    Transcript transcript;
    FtpConversation ftp(transcript);
    ftp.sent("CWD x");
    ftp.received("250-first");
    ftp.received("550 looks like an end");
    CHECK_FALSE(ftp.reply());
    ftp.received("250 last");
    CHECK(ftp.reply() == 250);
}

TEST_CASE("what a server does not tell is a hyphen in the validator") {
    Transcript transcript;
    FtpConversation ftp(transcript);
    CHECK(ftp.validator().empty());
    ftp.sent("SIZE f");
    ftp.received("550 no");
    CHECK(ftp.validator().empty());
    ftp.sent("MDTM f");
    ftp.received("213 yesterday");
    CHECK(ftp.validator().empty());
    ftp.sent("SIZE f");
    ftp.received("213 5");
    CHECK(ftp.validator() == "5 -");
}

TEST_CASE("an anonymous name is no secret") {
    Transcript transcript;
    FtpConversation ftp(transcript);
    ftp.sent("USER anonymous");
    CHECK(transcript.lines().back() == "> USER anonymous");
}

TEST_CASE("the answer to EPSV holds a port between four equal delimiters") {
    CHECK(parse_epsv_port("Entering Extended Passive Mode (|||6446|)") == 6446);
    CHECK(parse_epsv_port("(!!!1!)") == 1);
    CHECK(parse_epsv_port("(|||65535|) and more") == 65535);
    for (const char* text :
         {"", "(", "(|||", "(|||0|)", "(|||65536|)", "(|||12a|)", "(|||-1|)", "(|1|127.0.0.1|5|)", "(|||5", "(|||5)",
          "(||5|)", "(11151)", "6446", "|||6446|", "(|||99999999999999999999|)", "(|||5!)"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_epsv_port(text));
    }
}

TEST_CASE("the answer to PASV holds six numbers, of which the last two are the port") {
    CHECK(parse_pasv_port("Entering Passive Mode (127,0,0,1,4,5)") == 4 * 256 + 5);
    CHECK(parse_pasv_port("127,0,0,1,0,21") == 21);
    CHECK(parse_pasv_port("Passive 2 go. 192,0,2,1,255,255, bye") == 65535);
    CHECK(parse_pasv_port("=127,0,0,1,1,2") == 258);
    for (const char* text : {"", "127,0,0,1,4", "127,0,0,1,4,", "127,0,0,1,4,256", "127, 0, 0, 1, 4, 5", "1,2,3,4,0,0",
                             "a,b,c,d,e,f", ",,,,,", "127.0.0.1,4,5"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_pasv_port(text));
    }
}

TEST_CASE("a new answer replaces the port of the one before") {
    Transcript transcript;
    FtpConversation ftp(transcript);
    ftp.sent("EPSV");
    ftp.received("229 (|||6446|)");
    CHECK(ftp.data_port() == 6446);
    ftp.sent("PASV");
    ftp.received("500 What");
    CHECK_FALSE(ftp.data_port());
}

TEST_CASE("another reply follows 120, and the greeting is whole only then") {
    Transcript transcript;
    FtpConversation ftp(transcript);
    ftp.received("120-Wait");
    CHECK(ftp.mark() == 0);
    ftp.received("120 a minute");
    CHECK(ftp.mark() == '-');
    CHECK(ftp.reply() == 120);  // the last word while no other comes
    ftp.received("220");
    CHECK(ftp.mark() == ' ');
    CHECK(ftp.reply() == 220);
    ftp.sent("USER x");
    ftp.received("120 Nobody asked for this");
    CHECK(ftp.mark() == ' ');
}

TEST_CASE("numbers within a long reply are text, but 421 ends everything") {
    Transcript transcript;
    FtpConversation ftp(transcript);
    ftp.received("220-Hello");
    ftp.received("120 users are here");
    CHECK(ftp.mark() == '-');
    CHECK_FALSE(ftp.reply());
    ftp.received("421 Too many of them");
    CHECK(ftp.mark() == ' ');
    CHECK(ftp.reply() == 421);
    CHECK(ftp.words().find("Too many of them") != std::string::npos);
}

TEST_CASE("after data of unknown length a 1yz reply is not the last one") {
    for (const bool sized : {false, true}) {
        Transcript transcript;
        FtpConversation ftp(transcript);
        ftp.sent("SIZE f");
        ftp.received(sized ? "213 10" : "502 no");
        ftp.sent("RETR f");
        ftp.received("150 opening");
        CHECK(ftp.mark() == ' ');
        ftp.received("125 still at it");
        CHECK(ftp.mark() == (sized ? ' ' : '-'));
        ftp.received("226 done");
        CHECK(ftp.mark() == ' ');
        CHECK(ftp.reply() == 226);
    }
}

TEST_CASE("the address in an answer to PASV is read for people") {
    CHECK(parse_pasv_address("Passive (10,1,2,3,4,5)") == "10.1.2.3");
    CHECK(parse_pasv_address("Passive").empty());
    Transcript transcript;
    FtpConversation ftp(transcript);
    ftp.sent("PASV");
    ftp.received("227 Passive (10,1,2,3,4,5)");
    CHECK(ftp.data_address() == "10.1.2.3");
    ftp.sent("EPSV");
    ftp.received("229 Passive (|||77|)");
    CHECK(ftp.data_address().empty());
}
