// SPDX-License-Identifier: Apache-2.0
// Owns the names of stages.
#include "agent/transfer/stage.h"

namespace hagent::transfer {

std::string_view to_string(Stage stage) {
    switch (stage) {
        case Stage::resolve: return "look-up";
        case Stage::connect: return "connect";
        case Stage::tls: return "TLS";
        case Stage::greeting: return "greeting";
        case Stage::auth: return "AUTH";
        case Stage::user: return "USER";
        case Stage::pass: return "PASS";
        case Stage::pwd: return "PWD";
        case Stage::cwd: return "CWD";
        case Stage::mkd: return "MKD";
        case Stage::type: return "TYPE";
        case Stage::size: return "SIZE";
        case Stage::mdtm: return "MDTM";
        case Stage::rest: return "REST";
        case Stage::epsv: return "EPSV";
        case Stage::pasv: return "PASV";
        case Stage::retr: return "RETR";
        case Stage::stor: return "STOR";
        case Stage::data: return "data";
        case Stage::done: return "end of data";
        case Stage::quit: return "QUIT";
        case Stage::other: return "command";
        case Stage::http_head: return "head";
        case Stage::http_body: return "body";
        case Stage::http_put: return "sending";
    }
    return "";
}

}  // namespace hagent::transfer
