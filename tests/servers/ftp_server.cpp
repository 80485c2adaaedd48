// SPDX-License-Identifier: Apache-2.0
// Owns the little FTP that a test server needs.
#include "tests/servers/ftp_server.h"

#include <algorithm>

#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::servers {

struct FtpServer::Session {
    std::string folder = "/";
    std::uint64_t restart = 0;
    std::optional<DataPort> data{};

    [[nodiscard]] std::string path(const std::string& name) const {
        return name.starts_with('/') ? name : (folder == "/" ? "/" : folder + "/") + name;
    }
};

std::vector<std::string> FtpServer::commands() {
    const std::lock_guard lock(mutex_);
    return commands_;
}

std::size_t FtpServer::connections() {
    const std::lock_guard lock(mutex_);
    return connections_;
}

std::optional<std::string> FtpServer::scripted(const std::string& command) {
    const std::lock_guard lock(mutex_);
    auto& replies = script_.replies[command];
    if (replies.empty()) {
        return std::nullopt;
    }
    auto reply = replies.front();
    if (!script_.for_ever || replies.size() > 1) {
        replies.pop_front();
    }
    return reply;
}

void FtpServer::serve(Connection& peer) {
    {
        const std::lock_guard lock(mutex_);
        ++connections_;
    }
    Session session;
    std::string command;
    std::string argument;
    while (true) {
        const auto planned = scripted(command);
        if (planned == "close") {
            return;
        }
        if (planned == "hang") {
            peer.hang();
            return;
        }
        if (!planned && (command == "RETR" || command == "STOR")) {
            if (!transfer(peer, command, argument, session)) {
                return;
            }
        } else if (!peer.write((planned ? *planned : plain_reply(command, argument, session)) + "\r\n") ||
                   command == "QUIT" || (planned && planned->starts_with("421"))) {
            return;
        }
        const auto line = peer.line();
        if (!line) {
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            commands_.push_back(*line);
        }
        const auto blank = std::min(line->find(' '), line->size());
        command = to_upper(line->substr(0, blank));
        argument = line->substr(std::min(blank + 1, line->size()));
    }
}

std::string FtpServer::open_passive(const std::string& command, Session& session) {
    session.data.emplace(stopping_);
    const auto port = session.data->port();
    if (command == "EPSV") {
        const std::lock_guard lock(mutex_);
        return "229 Passive (" + script_.epsv_prefix + std::to_string(port) + "|)";
    }
    const std::lock_guard lock(mutex_);
    return "227 Passive (" + script_.pasv_address + "," + std::to_string(port / 256) + "," +
           std::to_string(port % 256) + ")";
}

std::string FtpServer::plain_reply(const std::string& command, const std::string& argument, Session& session) {
    if (command == "EPSV" || command == "PASV") {
        return open_passive(command, session);
    }
    if (command == "CWD") {
        session.folder = session.path(argument);
        return "250 In " + session.folder;
    }
    if (command == "REST") {
        session.restart = parse_u64(argument).value_or(0);
        return "350 From there.";
    }
    if (command == "SIZE" || command == "MDTM") {
        const std::lock_guard lock(mutex_);
        const auto found = script_.files.find(session.path(argument));
        if (found == script_.files.end()) {
            return "550 No such file.";
        }
        return "213 " + (command == "SIZE" ? std::to_string(found->second.bytes.size()) : found->second.modified);
    }
    static const std::map<std::string, std::string> k_replies = {
        {"", "220 Test server."}, {"USER", "331 Password?"}, {"PASS", "230 In."}, {"PWD", "257 \"/\" is here."},
        {"TYPE", "200 Binary."},  {"QUIT", "221 Bye."},      {"MKD", "257 Made."}};
    const auto found = k_replies.find(command);
    return found == k_replies.end() ? "502 Not here." : found->second;
}

bool FtpServer::transfer(Connection& peer, const std::string& command, const std::string& argument, Session& session) {
    const auto path = session.path(argument);
    std::string bytes;
    std::optional<std::size_t> cut;
    std::string last;
    std::string first;
    {
        const std::lock_guard lock(mutex_);
        if (command == "RETR") {
            const auto found = script_.files.find(path);
            if (found == script_.files.end()) {
                return peer.write("550 No such file.\r\n");
            }
            bytes = found->second.bytes.substr(
                narrow<std::size_t>(std::min<std::uint64_t>(session.restart, found->second.bytes.size())));
        }
        cut = std::exchange(script_.cut_after, std::nullopt);
        last = cut ? script_.after_cut : script_.after_data;
        first = script_.before_data;
    }
    session.restart = 0;
    if (!session.data || !peer.write(first + "\r\n")) {
        return false;
    }
    {
        const auto data = session.data->accept();
        session.data.reset();
        if (data == nullptr) {
            return peer.write("425 Nobody came.\r\n");
        }
        if (command == "RETR") {
            data->write(std::string_view(bytes).substr(0, cut.value_or(bytes.size())));
        } else {
            bytes = data->rest();
            const std::lock_guard lock(mutex_);
            script_.files[path].bytes = bytes;
        }
    }
    return last != "close" && peer.write(last + "\r\n");
}

}  // namespace hagent::servers
