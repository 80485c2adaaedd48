// SPDX-License-Identifier: Apache-2.0
// Owns `sign` and `verify`.
#include "agent/trust/sign.h"
#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/config/store.h"
#include "agent/image/pack.h"
#include "agent/manager/folder_digests.h"
#include "agent/manager/folder_jobs.h"
#include "agent/session/json.h"
#include "agent/trust/digest.h"
#include "agent/trust/verify.h"
#include "agent/upgrade/agent_member.h"
#include "agent/upgrade/record.h"
#include "agent/verbs/verbs.h"
#include "platform/paths.h"

namespace hagent::verbs {
namespace {

/// One line about a package, for people.
std::string summary(const trust::Manifest& manifest) {
    return concat({manifest.package, " ", manifest.version, ", serial ", std::to_string(manifest.serial), ", ",
                   std::to_string(manifest.files.size()), " files"});
}

/// `signer` is empty after signing: the key file has no name that others know.
std::string summary_json(const trust::Manifest& manifest, const std::string& signer) {
    return concat({"{\"package\":", session::quoted(manifest.package),
                   ",\"version\":", session::quoted(manifest.version), ",\"serial\":", std::to_string(manifest.serial),
                   ",\"kind\":", session::quoted(package_kind_name(manifest.kind)),
                   ",\"files\":", std::to_string(manifest.files.size()), ",\"signer\":", session::quoted(signer),
                   ",\"error\":null}\n"});
}

/// The manifest that the options ask for, or what is wrong with them.
/// Digests and sizes come from the folder later; here it is only seen whether the words make sense.
Result<trust::Manifest> requested(const Options& options) {
    trust::Manifest manifest;
    const auto kind = package_kind(options.kind);
    if (!kind) {
        return error(errors::AgentCode::usage, "--kind must be script, software, image or agent");
    }
    manifest.kind = *kind;
    manifest.package = options.package;
    manifest.version = options.version;
    manifest.serial = options.serial;
    manifest.entry = options.entry;
    manifest.targets = {options.os, {}, options.devices};
    manifest.repositories = options.repositories;
    for (const auto& entry : options.file_sources) {
        const auto equals = entry.find('=');
        if (equals == std::string::npos) {
            return error(errors::AgentCode::usage, "--file-source must be PATH=URL");
        }
        manifest.files.push_back({entry.substr(0, equals), 0, "", {entry.substr(equals + 1)}});
    }
    if (!options.expires.empty()) {
        manifest.expires = parse_rfc3339(options.expires);
        if (!manifest.expires) {
            return error(errors::AgentCode::usage, "--expires must be like 2030-01-31T00:00:00Z");
        }
    }
    return manifest;
}

/// The member that is named like the kind, where the folder says what is in it.
Status add_member(Machine& machine, const Options& options, trust::Manifest& manifest) {
    const auto folder = platform::absolute(options.arguments.front());
    if (manifest.kind == JobKind::image) {
        auto member = TRY(image::packed_member(*machine.files, folder));
        member.version = member.version.empty() ? manifest.version : member.version;
        manifest.details = image::write_image_member(member);
    }
    if (manifest.kind != JobKind::upgrade) {
        return {};
    }
    if (!upgrade::is_version(manifest.version)) {
        return error(errors::AgentCode::usage, "--version of an agent is three or four numbers with dots between them");
    }
    manifest.details =
        TRY(upgrade::make_agent_member(TRY(upgrade::agent_files(*machine.files, folder)), options.allow_downgrade));
    return {};
}

/// The folder of a jobs.json that is the only argument, with '/' at its end; else empty.
std::string folder_of_jobs(const Options& options) {
    const std::string path =
        options.arguments.size() == 1 ? platform::absolute(options.arguments.front()) : std::string();
    const auto name = path.find_last_of("/\\") + 1;
    return path.substr(name) == manager::k_jobs_name ? path.substr(0, name) : std::string();
}

/// The file as it is, because the signature is over its bytes, and what it says.
struct Jobs {
    std::string text;
    manager::FolderJobs parsed;
};

Result<Jobs> read_jobs(Machine& machine, const std::string& folder) {
    Jobs out{TRY(machine.files->read(folder + std::string(manager::k_jobs_name), limits::k_manager_answer_bytes)), {}};
    out.parsed = TRY(manager::parse_folder_jobs(out.text, ""));
    return out;
}

/// `signer` is empty after signing: the key file has no name that others know.
int say_jobs(Machine& machine, const Options& options, std::string_view word, const Jobs& jobs,
             const std::string& signer) {
    const auto serial = std::to_string(jobs.parsed.serial);
    machine.output->print(options.json ? "{\"serial\":" + serial + ",\"signer\":" + session::quoted(signer) +
                                             ",\"error\":null}\n"
                                       : std::string(word) + std::string(manager::k_jobs_name) + ", serial " + serial +
                                             (signer.empty() ? "" : ", signed by " + signer) + "\n");
    return k_done;
}

/// Of the package in this folder; empty when there is none. What is no manifest binds a job to nothing.
Result<std::optional<std::string>> manifest_digest(Machine& machine, const std::string& folder) {
    const auto path = concat({folder, folder.ends_with('/') ? "" : "/", trust::k_manifest_name});
    if (!TRY(machine.files->info(path))) {
        return std::optional<std::string>();
    }
    const auto text = TRY(machine.files->read(path, limits::k_manifest_bytes));
    if (const auto parsed = trust::parse_manifest(text); !parsed.ok()) {
        return Error(parsed.error()).with(path);
    }
    return std::optional(trust::sha256_hex(text));
}

/// jobs.json of the dialect folder: written by hand or by a tool, but for the digests of the packages beside it, which
/// are brought up to date. Both files are written when all is known to be good, the list first: without its new
/// signature it is refused, and with the old one nobody takes the new list for the old.
Result<Jobs> sign_jobs(Machine& machine, const Options& options, const std::string& folder) {
    const std::string path = folder + std::string(manager::k_jobs_name);
    const auto key = TRY(machine.files->read(options.key, limits::k_key_bytes));
    auto filled = TRY(manager::fill_in_digests(TRY(machine.files->read(path, limits::k_manager_answer_bytes)),
                                               [&](std::string_view package) {
                                                   return manifest_digest(machine, concat({folder, package}));
                                               }));
    if (filled.text.size() > limits::k_manager_answer_bytes) {
        return error(errors::AgentCode::limit_exceeded, {path, " with all its ", manager::k_digest_member});
    }
    Jobs jobs{std::move(filled.text), {}};
    jobs.parsed = TRY(manager::parse_folder_jobs(jobs.text, ""));
    const auto signature = TRY(trust::sign(jobs.text, key));
    if (!filled.changed.empty()) {
        TRY(machine.files->write_durable(path, jobs.text, 0644));
    }
    TRY(machine.files->write_durable(folder + std::string(manager::k_jobs_signature_name), signature, 0644));
    for (const auto& package : filled.changed) {
        machine.output->complain(
            concat({"note: ", manager::k_digest_member, " of ", printable(package), " is filled in\n"}));
    }
    return jobs;
}

/// Whatever is wrong, the answer is a refusal: nothing here is to be trusted.
int verify_jobs(Machine& machine, const Options& options, const trust::KeyRing& ring, const std::string& folder) {
    const auto jobs = read_jobs(machine, folder);
    const auto signature =
        machine.files->read(folder + std::string(manager::k_jobs_signature_name), limits::k_signature_bytes);
    const auto signer = !jobs.ok()        ? Result<trust::Signer>(jobs.error())
                        : !signature.ok() ? Result<trust::Signer>(signature.error())
                                          : ring.verify(jobs->text, *signature, trust::Role::jobs);
    if (!signer.ok()) {
        (void)failed(machine, options, signer.error());
        return k_refused;
    }
    return say_jobs(machine, options, "good: ", *jobs, signer->name);
}

}  // namespace

/// A jobs.json is known by its name, so that one verb serves both.
int sign(Machine& machine, const Options& options) {
    if (const auto folder = folder_of_jobs(options); !folder.empty()) {
        if (options.key.empty()) {
            return usage(machine, options, "name the key with --key");
        }
        const auto jobs = sign_jobs(machine, options, folder);
        if (jobs.ok()) {
            return say_jobs(machine, options, "signed ", *jobs, "");
        }
        const int code = failed(machine, options, jobs.error());
        // From a manager such an answer may be better the next time; a file on disk has to be mended.
        return jobs.error().is(errors::AgentCode::manager_malformed_answer) ? k_refused : code;
    }
    if (options.arguments.size() != 1 || options.key.empty() || options.package.empty() || options.version.empty()) {
        return usage(machine, options, "name the folder, --key, --kind, --package, --version and --serial");
    }
    auto request = requested(options);
    if (!request.ok()) {
        return usage(machine, options, request.error().context);
    }
    const auto key = machine.files->read(options.key, limits::k_key_bytes);
    if (!key.ok()) {
        return failed(machine, options, key.error());
    }
    if (const auto made = add_member(machine, options, *request); !made.ok()) {
        return failed(machine, options, made.error());
    }
    const auto signed_ =
        trust::sign_package(*machine.files, platform::absolute(options.arguments.front()), *std::move(request), *key);
    if (!signed_.ok()) {
        return failed(machine, options, signed_.error());
    }
    machine.output->print(options.json ? summary_json(*signed_, "") : concat({"signed ", summary(*signed_), "\n"}));
    return k_done;
}

/// With --keys it needs no configuration, so a package can be checked on any machine. Files that are not in the
/// manifest are no fault but a note: they are never used.
int verify(Machine& machine, const Options& options) {
    if (options.arguments.size() != 1) {
        return usage(machine, options, "name the package's folder");
    }
    std::string keys = options.keys;
    if (keys.empty()) {
        auto [services, code] = open_services(machine, options, config::ManagerRule::optional);
        if (!services) {
            return code;
        }
        keys = services->settings.trust.keys_dir;
    }
    const auto ring = trust::KeyRing::load(*machine.files, platform::absolute(keys));
    // Without keys nothing can be good, whatever the reason.
    if (!ring.ok()) {
        (void)failed(machine, options, ring.error());
        return k_refused;
    }
    for (const auto& why : ring->left_out()) {
        machine.output->complain(concat({"note: a key is not used: ", printable(why.context), "\n"}));
    }
    if (const auto folder = folder_of_jobs(options); !folder.empty()) {
        return verify_jobs(machine, options, *ring, folder);
    }
    const auto verified = trust::verify_package(*machine.files, platform::absolute(options.arguments.front()), *ring);
    if (!verified.ok()) {
        (void)failed(machine, options, verified.error());
        return k_refused;
    }
    machine.output->print(
        options.json ? summary_json(verified->manifest, verified->signer.name)
                     : concat({"good: ", summary(verified->manifest), ", signed by ", verified->signer.name, "\n"}));
    for (const auto& name : verified->unlisted) {
        machine.output->complain(concat({"note: ", printable(name), " is not in the manifest and will not be used\n"}));
    }
    return k_done;
}

}  // namespace hagent::verbs
