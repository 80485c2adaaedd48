// SPDX-License-Identifier: Apache-2.0
// Owns how each kind of file is tried out.
#include "agent/config_check.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/config/named_files.h"
#include "agent/config/store.h"
#include "agent/errors/catalogue.h"
#include "agent/http/access.h"
#include "agent/trust/key_ring.h"
#include "agent/trust/server_check.h"
#include "agent/trust/tls_server.h"
#include "platform/paths.h"

namespace hagent {
namespace {

using config::FileRole;
using errors::AgentCode;

constexpr std::size_t k_most_bytes = 4U << 20U;  // of a bundle of authorities

class Trials {
public:
    explicit Trials(Machine& machine) : machine_(machine) {}

    /// Where the file is only ever read.
    void read(const config::NamedFile& file) {
        const auto content = machine_.files->read(file.path, k_most_bytes);
        if (!content.ok()) {
            return add(file.setting, file.path, content.error());
        }
        if (file.setting.ends_with("ca_file")) {
            if (const auto usable = trust::check_authorities(*content); !usable.ok()) {
                add(file.setting, file.path, usable.error());
            }
        }
        if (file.setting == "listen.operators_file") {
            if (const auto operators = http::parse_operators(*content); !operators.ok()) {
                add(file.setting, file.path, operators.error());
            }
        }
    }

    void token(const config::NamedFile& file) {
        if (const auto secret = config::read_secret(*machine_.files, file.path); !secret.ok()) {
            add(file.setting, file.path, secret.error());
        }
    }

    /// What was not there before is not there after it.
    void write(const config::NamedFile& file) {
        const bool there = machine_.files->info(file.path).value_or(std::nullopt).has_value();
        auto opened = machine_.files->open(file.path, platform::OpenMode::read_write);
        if (!opened.ok()) {
            return add(file.setting, file.path, opened.error());
        }
        if (!there) {
            opened->reset();
            (void)machine_.files->remove(file.path);
        }
    }

    void keys(const config::NamedFile& folder) {
        const auto ring = trust::KeyRing::load(*machine_.files, folder.path);
        if (!ring.ok()) {
            return add(folder.setting, folder.path, ring.error());
        }
        for (const auto& why : ring->left_out()) {
            add(folder.setting, folder.path, why);
        }
    }

    void state(const config::NamedFile& folder) {
        const auto real = machine_.files->resolve(folder.path);
        const auto info = real.ok() ? machine_.files->info(*real).value_or(std::nullopt) : std::nullopt;
        if (info && info->kind != platform::FileKind::directory) {
            add(folder.setting, folder.path, Error(error(AgentCode::not_a_directory, folder.path)));
        }
    }

    /// Not opened: a watchdog that was opened wants to be fed.
    void device(const config::NamedFile& file) {
        const auto real = machine_.files->resolve(file.path);
        if (!real.ok() || !machine_.files->info(*real).value_or(std::nullopt)) {
            add(file.setting, file.path, Error(error(AgentCode::file_not_found, file.path)));
        }
    }

    void program(const config::NamedFile& file) {
        if (const auto found = machine_.processes->find(file.path, ""); !found.ok()) {
            add(file.setting, file.path, found.error());
        }
    }

    /// That the two belong together only shows when both are read.
    void pair(std::string_view setting, const std::string& certificate, const std::string& key,
              const std::string& authorities = {}) {
        const auto content = [&](const std::string& path) {
            return path.empty() ? Result<std::string>(std::string()) : machine_.files->read(path, k_most_bytes);
        };
        const auto first = content(certificate), second = content(key), third = content(authorities);
        if (certificate.empty() || !first.ok() || !second.ok() || !third.ok()) {
            return;  // said already
        }
        const auto usable = trust::TlsServer::create({*first, *second, *third});
        if (!usable.ok()) {
            add(setting, certificate, usable.error());
        }
    }

    [[nodiscard]] std::vector<config::Complaint> take() { return std::move(complaints_); }

private:
    /// Who can change it, and a secret that is not there, is said by the look at the places.
    void add(std::string_view setting, const std::string& path, const Error& why) {
        const auto row = errors::describe(why.id);
        const auto code = why.id.protocol == errors::Protocol::agent ? AgentCode{why.id.number} : AgentCode::os_error;
        const bool named = why.context == path || why.context.empty();
        complaints_.push_back({code, std::string(setting),
                               concat({path, ": ", row.cause.text(), (named ? "" : concat({" [", why.context, "]"}))}),
                               true});
    }

    Machine& machine_;
    std::vector<config::Complaint> complaints_;
};

/// The first kind that fits is tried; a lease is not there before the network is.
void try_out(Trials& trials, const config::NamedFile& file, const config::Settings& settings) {
    switch (file.role) {
        case FileRole::secret: return file.setting.ends_with("token_file") ? trials.token(file) : trials.read(file);
        case FileRole::trusted: return trials.read(file);
        case FileRole::program: return trials.program(file);
        case FileRole::device: return;  // it may come with its driver; who needs it says what is missing
        case FileRole::content: return file.path == settings.trust.keys_dir ? trials.keys(file) : void();
        case FileRole::state: return trials.state(file);
        case FileRole::log: return trials.write(file);
        case FileRole::announced: return;
    }
}

}  // namespace

std::vector<config::Complaint> check_files(Machine& machine, const config::Settings& settings) {
    auto out = config::check_places(*machine.files, settings, platform::own_program());
    for (auto& complaint : config::check_deadlines(settings)) {
        out.push_back(std::move(complaint));
    }
    const auto told = [&](const config::Complaint& complaint) {
        const bool of_places =
            complaint.code == AgentCode::config_insecure_permissions || complaint.code == AgentCode::file_not_found;
        return of_places && std::any_of(out.begin(), out.end(), [&](const config::Complaint& place) {
                   return complaint.message.find(place.path) != std::string::npos;
               });
    };
    Trials trials(machine);
    for (const auto& file : config::named_files(settings)) {
        try_out(trials, file, settings);
    }
    trials.pair("manager.client_cert_file", settings.manager.client_cert_file, settings.manager.client_key_file);
    trials.pair("listen.tls_cert_file", settings.listen.tls_cert_file, settings.listen.tls_key_file,
                settings.listen.client_ca_file);
    for (auto& complaint : trials.take()) {
        if (!told(complaint)) {
            out.push_back(std::move(complaint));
        }
    }
    return out;
}

std::vector<config::Complaint> what_is_lost(Machine& machine, const config::Settings& settings) {
    auto out = config::check_places(*machine.files, settings, platform::own_program());
    Trials trials(machine);
    for (const auto& file : config::named_files(settings)) {
        const bool needed = file.role == FileRole::trusted || file.role == FileRole::program;
        const bool missing = needed && !machine.files->info(file.path).value_or(std::nullopt);
        const bool tried = file.role == FileRole::log || file.setting.ends_with("ca_file");
        if (missing || tried || file.path == settings.trust.keys_dir) {
            try_out(trials, file, settings);
        }
        if (file.role == FileRole::device) {
            trials.device(file);
        }
    }
    for (auto& complaint : trials.take()) {
        out.push_back(std::move(complaint));
    }
    for (auto& complaint : config::check_deadlines(settings)) {
        out.push_back(std::move(complaint));
    }
    return out;
}

}  // namespace hagent
