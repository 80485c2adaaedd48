// SPDX-License-Identifier: Apache-2.0
// Owns the look at owners and permissions, and the words about them.
#include "agent/config/store.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/config/named_files.h"
#include "agent/config/zone.h"
#include "platform/paths.h"
#include "platform/permissions.h"

namespace hagent::config {
namespace {

using errors::AgentCode;
using platform::FileInfo;
using platform::FileKind;
using platform::Files;

constexpr std::size_t k_secret_bytes = 4096;

/// What is said about one setting's file.
class Places {
public:
    explicit Places(Files& files) : files_(files) {}

    /// Neither the thing itself nor anything that leads to it may be changeable.
    void closed(std::string_view setting, const std::string& path, bool bearable = false) {
        const auto weak = platform::weak_place(files_, path);
        if (!weak.ok()) {
            if (!weak.error().is(AgentCode::file_not_found)) {
                add(setting, path, "cannot be looked at", bearable || out_of_reach(weak.error()), weak.error().id);
            }
        } else if (*weak) {
            add(setting, (*weak)->path, (*weak)->remedy, bearable);
        }
    }

    /// Nor any file in the folder. One key or hook that others can write is as good as the whole folder. A link there
    /// is ours, and where it leads is its own matter: it is left out when that is not safe.
    void closed_with_content(std::string_view setting, const std::string& directory) {
        closed(setting, directory);
        const auto names = files_.list(directory);
        if (!names.ok()) {
            if (!names.error().is(AgentCode::file_not_found)) {
                add(setting, directory, "cannot be read", out_of_reach(names.error()), names.error().id);
            }
            return;
        }
        for (const std::string& name : *names) {
            const std::string path = concat({directory, "/", name});
            const auto info = files_.info(path).value_or(std::nullopt);
            closed(setting, path, info && info->kind == FileKind::symlink && !info->foreign);
        }
    }

    /// Missing is a complaint here and nowhere else: somebody named it, and without it the agent could not show who it
    /// is.
    void secret(std::string_view setting, const std::string& path) {
        closed(setting, path);
        const auto real = files_.resolve(path);
        const auto info = real.ok() ? files_.info(*real) : Result<std::optional<FileInfo>>(real.error());
        if (info.ok() && !*info) {
            return add(setting, path, "is named as a secret file but is not there", !setting.starts_with("manager."),
                       errors::agent(AgentCode::file_not_found));
        }
        if (info.ok() && (*info)->readable_by_others) {
            add(setting, *real, "holds a secret that other users can get at; run: " + platform::command_to_hide(*real));
        }
    }

    /// Who may write to a device is the system's matter, which has groups for that; a file in its place has our rule.
    void device(std::string_view setting, const std::string& path) {
        const auto real = files_.resolve(path);
        const auto info = real.ok() ? files_.info(*real).value_or(std::nullopt) : std::nullopt;
        if (info && info->kind != FileKind::other) {
            closed(setting, path);
        }
    }

    /// Who wrote it does not matter, only who may.
    void announced(std::string_view setting, const std::string& path) {
        const auto way = files_.way(path);
        for (const auto& place : way.ok() ? *way : std::vector<std::string>{}) {
            auto info = files_.info(place).value_or(std::nullopt);
            const bool last = &place == &way->back();
            if (info && info->kind != FileKind::symlink && (info->mode & (last ? 0002U : 01002U)) == 0002U) {
                add(setting, place, platform::how_to_close(place, *info));
            }
        }
    }

    [[nodiscard]] std::vector<Complaint> take() { return std::move(complaints_); }

private:
    /// What we may not look at we cannot use either: that of root is nothing to an ordinary user's `fetch`.
    static bool out_of_reach(const Error& why) { return why.is(AgentCode::permission_denied); }

    /// A complaint holds numbers of the agent's own rows only; another protocol's becomes os_error. A folder that many
    /// settings share is told once.
    void add(std::string_view setting, std::string_view path, std::string_view message, bool bearable = false,
             errors::Id id = errors::agent(AgentCode::config_insecure_permissions)) {
        const auto told = std::find_if(complaints_.begin(), complaints_.end(),
                                       [&](const Complaint& complaint) { return complaint.path == path; });
        if (told != complaints_.end()) {
            told->bearable = told->bearable && bearable;
            return;
        }
        const auto code = id.protocol == errors::Protocol::agent ? AgentCode{id.number} : AgentCode::os_error;
        complaints_.push_back({code, std::string(path),
                               setting.empty() ? std::string(message) : concat({"(", setting, ") ", message}),
                               bearable});
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

/// Who may change the file is asked before it is read, for what it says is not to be believed otherwise. All that leads
/// to it counts too: whoever may write to its folder can put another file in its place.
Outcome load(platform::Files& files, const std::string& path, ManagerRule manager, Absent absent) {
    const auto real = files.resolve(path);
    const auto info = real.ok() ? files.info(*real) : Result<std::optional<FileInfo>>(real.error());
    if (!info.ok() && !info.error().is(AgentCode::file_not_found)) {
        return std::vector{unreadable(path, info.error())};
    }
    if (!info.ok() || !*info) {
        if (absent == Absent::defaults) {
            return default_settings();
        }
        return std::vector{unreadable(path, error(AgentCode::file_not_found))};
    }
    Places places(files);
    places.closed("", path);
    if (auto complaints = places.take(); !complaints.empty()) {
        return complaints;
    }
    const auto text = files.read(*real, limits::k_config_bytes);
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
        places.closed("", program);
    }
    for (const auto& [setting, path, role] : named_files(settings)) {
        switch (role) {
            case FileRole::secret: places.secret(setting, path); break;
            case FileRole::content: places.closed_with_content(setting, path); break;
            case FileRole::announced: places.announced(setting, path); break;
            case FileRole::device: places.device(setting, path); break;
            case FileRole::trusted:
            case FileRole::program:
            case FileRole::state:
            case FileRole::log: places.closed(setting, path); break;
        }
    }
    return places.take();
}

/// Of all that is there and named by the settings, and of the configuration itself and the program.
std::vector<std::string> own_files(const Settings& settings, const std::string& config_file,
                                   const std::string& program) {
    std::vector<std::string> out;
    for (const auto& path : {program, config_file}) {
        if (!path.empty()) {
            out.push_back(path);
        }
    }
    for (const auto& file : named_files(settings)) {
        out.push_back(platform::absolute(file.path));
        if (file.role == FileRole::log) {
            out.push_back(out.back() + ".1");  // the older generation
        }
    }
    return out;
}

Status check_closed(platform::Files& files, const std::string& path) {
    const auto weak = TRY(platform::weak_place(files, path));
    return weak ? Status(error(AgentCode::config_insecure_permissions, {weak->path, " ", weak->remedy})) : Status();
}

Status check_secret(platform::Files& files, const std::string& path) {
    const std::string real = TRY(files.resolve(path));
    const auto info = TRY(files.info(real));
    if (!info) {
        return error(AgentCode::file_not_found, path);
    }
    TRY(check_closed(files, path));
    return info->readable_by_others ? Status(error(AgentCode::config_insecure_permissions, real)) : Status();
}

/// The secret goes into a header line: a second line in the file could add a header, and an empty one would look like a
/// wrong password at the manager.
Result<std::string> read_secret(platform::Files& files, const std::string& path) {
    TRY(check_secret(files, path));
    const std::string content = TRY(files.read(path, k_secret_bytes));
    std::string secret(trim(content.substr(0, content.find_last_not_of("\r\n") + 1)));
    if (secret.empty() || printable(secret) != secret) {
        return error(AgentCode::config_bad_value, {path, ": must hold one line of text"});
    }
    return secret;
}

}  // namespace hagent::config
