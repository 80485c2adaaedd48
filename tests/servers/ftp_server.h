// SPDX-License-Identifier: Apache-2.0
// Owns FtpServer: FTP on loopback that serves files from memory and lets a test put any reply to any command.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/servers/loopback_server.h"

namespace hagent::servers {

struct FtpFile {
    std::string bytes{};
    std::string modified = "20260101000000";
};

/// What a test may change while the server runs, through FtpServer::change().
struct FtpScript {
    std::map<std::string, FtpFile> files{};
    /// By command ("RETR"; "" is the greeting): these replies are given instead, one each time, the last one for ever
    /// when
    /// `for_ever`. The reply "close" ends the control connection, "hang" leaves it without an answer.
    std::map<std::string, std::deque<std::string>> replies{};
    bool for_ever = false;
    std::optional<std::size_t> cut_after{};                  // bytes of the next data connection
    std::string after_cut = "426 Data connection was cut.";  // what the control connection says then
    std::string before_data = "150 Here it comes.";
    std::string after_data = "226 Done.";
    std::string epsv_prefix = "|||";
    std::string pasv_address = "127,0,0,1";
};

class FtpServer {
public:
    FtpServer() : server_([this](Connection& peer) { serve(peer); }) {}
    ~FtpServer() { stopping_ = true; }
    FtpServer(const FtpServer&) = delete;
    FtpServer& operator=(const FtpServer&) = delete;

    [[nodiscard]] std::string url(const std::string& path, const std::string& login = {}) const {
        return "ftp://" + login + "127.0.0.1:" + std::to_string(server_.port()) + path;
    }
    template <class Change>
    void change(Change&& change) {
        const std::lock_guard lock(mutex_);
        change(script_);
    }
    /// Every command line so far.
    [[nodiscard]] std::vector<std::string> commands();
    [[nodiscard]] std::size_t connections();

private:
    struct Session;
    void serve(Connection& peer);
    [[nodiscard]] std::optional<std::string> scripted(const std::string& command);
    [[nodiscard]] std::string plain_reply(const std::string& command, const std::string& argument, Session& session);
    [[nodiscard]] std::string open_passive(const std::string& command, Session& session);
    bool transfer(Connection& peer, const std::string& command, const std::string& argument, Session& session);

    std::mutex mutex_;
    FtpScript script_;
    std::vector<std::string> commands_;
    std::size_t connections_ = 0;
    std::atomic<bool> stopping_ = false;
    LoopbackServer server_;  // last: its threads use what is above
};

}  // namespace hagent::servers
