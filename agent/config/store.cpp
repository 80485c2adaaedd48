// SPDX-License-Identifier: Apache-2.0
// Owns the look at owners and permissions, and the words about them.
#include "agent/config/store.h"

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/config/zone.h"
#include "platform/paths.h"
#include "platform/permissions.h"

namespace hagent::config {
namespace {

using errors::AgentCode;
using platform::FileInfo;
using platform::FileKind;
using platform::Files;

constexpr std::uint32_t k_sticky = 01000;
constexpr std::size_t k_secret_bytes = 4096;

struct Found {
    std::string path;  // without symlinks
    FileInfo info;
};

/// What is really there; empty when nothing is. Links are followed first: it is the file behind them that is used, and
/// whose permissions count.
Result<std::optional<Found>> look(Files& files, const std::string& path) {
    const std::string real = TRY(files.resolve(path));
    const auto info = TRY(files.info(real));
    return info ? std::optional(Found{real, *info}) : std::nullopt;
}

/// Not cut off at the last separator: of "C:\\x" that would be "C:", the working directory of the drive.
std::string directory_of(const std::string& path) { return platform::absolute(path + "/.."); }

/// In a sticky directory (as /tmp) others cannot replace what is not theirs.
bool changeable(const FileInfo& info) {
    const bool sticky_directory = info.kind == FileKind::directory && (info.mode & k_sticky) != 0;
    return info.writable_by_others && !sticky_directory;
}

class Places {
public:
    explicit Places(Files& files) : files_(files) {}

    /// The thing itself must not be changeable.
    void closed(const std::string& path) {
        const auto found = at(path);
        if (found && changeable(found->info)) {
            add(found->path, platform::how_to_close(found->path, found->info));
        }
    }

    /// Nor any regular file in the directory. One key or hook that others can write is as good as the whole directory.
    void closed_with_content(const std::string& directory) {
        closed(directory);
        const auto found = at(directory);
        if (!found || found->info.kind != FileKind::directory) {
            return;
        }
        const auto names = files_.list(found->path);
        if (!names.ok()) {
            return add(found->path, "cannot be read", names.error().id);
        }
        for (const std::string& name : *names) {
            closed(concat({found->path, "/", name}));
        }
    }

    /// Missing is a complaint here and nowhere else: somebody named it, and without it the agent could not show who it
    /// is.
    void secret(const std::string& path) {
        if (path.empty()) {
            return;
        }
        const auto found = at(path);
        if (!found) {
            return add(path, "is named as a secret file but is not there", errors::agent(AgentCode::file_not_found));
        }
        if (changeable(found->info) || found->info.readable_by_others) {
            add(found->path,
                "holds a secret that other users can get at; run: " + platform::command_to_hide(found->path));
        }
    }

    [[nodiscard]] std::vector<Complaint> take() { return std::move(complaints_); }

private:
    [[nodiscard]] std::optional<Found> at(const std::string& path) {
        auto found = look(files_, path);
        if (!found.ok()) {
            if (!found.error().is(AgentCode::file_not_found)) {
                add(path, "cannot be looked at", found.error().id);
            }
            return std::nullopt;
        }
        return std::move(*found);
    }

    /// A complaint holds numbers of the agent's own rows only; another protocol's becomes os_error.
    void add(std::string_view path, std::string_view message,
             errors::Id id = errors::agent(AgentCode::config_insecure_permissions)) {
        const auto code = id.protocol == errors::Protocol::agent ? AgentCode{id.number} : AgentCode::os_error;
        complaints_.push_back({code, std::string(path), std::string(message)});
    }

    Files& files_;
    std::vector<Complaint> complaints_;
};

/// The three have different cures: shorten it, write it, or look at its permissions.
Complaint unreadable(const std::string& path, const Error& error) {
    if (error.is(AgentCode::file_too_large)) {
        return {AgentCode::config_bad_value, path,
                concat({"is longer than ", std::to_string(limits::k_config_bytes), " bytes"})};
    }
    const bool absent = error.is(AgentCode::file_not_found);
    return {
        AgentCode::config_missing, path,
        absent ? "there is no such file" : concat({"cannot be read (system error ", std::to_string(error.os), ")"})};
}

}  // namespace

/// Who may change the file is asked before it is read, for what it says is not to be believed otherwise. Its folder
/// counts too: whoever may write there can put another file in its place.
Outcome load(platform::Files& files, const std::string& path, ManagerRule manager, Absent absent) {
    const auto found = look(files, path);
    if (!found.ok() && !found.error().is(AgentCode::file_not_found)) {
        return std::vector{unreadable(path, found.error())};
    }
    if (!found.ok() || !*found) {
        if (absent == Absent::defaults) {
            return default_settings();
        }
        return std::vector{unreadable(path, error(AgentCode::file_not_found))};
    }
    const std::string real = (*found)->path;
    Places places(files);
    places.closed(real);
    places.closed(directory_of(real));
    if (auto complaints = places.take(); !complaints.empty()) {
        return complaints;
    }
    const auto text = files.read(real, limits::k_config_bytes);
    if (!text.ok()) {
        return std::vector{unreadable(path, text.error())};
    }
    auto outcome = parse(*text, manager);
    if (auto* settings = std::get_if<Settings>(&outcome)) {
        if (auto complaints = find_zones(files, platform::time_zone_folders(), *settings); !complaints.empty()) {
            return complaints;
        }
    }
    return outcome;
}

/// Spec 8 "Files at rest": whoever can change one of these decides what the agent does, with the agent's rights.
std::vector<Complaint> check_places(platform::Files& files, const Settings& settings, const std::string& program) {
    Places places(files);
    if (!program.empty()) {
        places.closed(program);
        places.closed(directory_of(program));
    }
    places.closed_with_content(settings.trust.keys_dir);
    places.closed_with_content(settings.script.hooks_dir);
    places.closed(settings.state_dir);
    for (const std::string* secret :
         {&settings.manager.target_token_file, &settings.manager.gateway_token_file, &settings.manager.client_key_file,
          &settings.listen.tls_key_file, &settings.listen.operators_file, &settings.transfer.netrc_file}) {
        places.secret(*secret);
    }
    for (const std::string* trusted : {&settings.manager.ca_file, &settings.listen.client_ca_file}) {
        if (!trusted->empty()) {
            places.closed(*trusted);
        }
    }
    return places.take();
}

Status check_secret(platform::Files& files, const std::string& path) {
    const auto found = TRY(look(files, path));
    if (!found) {
        return error(AgentCode::file_not_found, path);
    }
    if (changeable(found->info) || found->info.readable_by_others) {
        return error(AgentCode::config_insecure_permissions, found->path);
    }
    return {};
}

/// The secret goes into a header line: a second line in the file could add a header, and an empty one would look like a
/// wrong password at the manager.
Result<std::string> read_secret(platform::Files& files, const std::string& path) {
    TRY(check_secret(files, path));
    const std::string content = TRY(files.read(path, k_secret_bytes));
    const std::string secret(trim(content.substr(0, content.find_last_not_of("\r\n") + 1)));
    if (secret.empty() || printable(secret) != secret) {
        return error(AgentCode::config_bad_value, {path, ": must hold one line of text"});
    }
    return secret;
}

}  // namespace hagent::config
