// SPDX-License-Identifier: Apache-2.0
// Owns the selection of a package: nothing in it is believed before the signature is.
#include "agent/session/package.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/script/parser.h"
#include "agent/session/transfer_watch.h"
#include "agent/transfer/url.h"
#include "agent/trust/digest.h"
#include "agent/trust/key_ring.h"
#include "agent/trust/serials.h"
#include "platform/paths.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

const Artifact* find_artifact(const Job& job, std::string_view path) {
    const auto found =
        std::find_if(job.artifacts.begin(), job.artifacts.end(), [&](const Artifact& a) { return a.path == path; });
    return found == job.artifacts.end() ? nullptr : &*found;
}

std::string file_name(const std::string& path) {
    return path.substr(path.find_last_of(platform::native("/") + "/") + 1);
}

trust::Kind kind_of(JobKind kind) {
    switch (kind) {
        case JobKind::script: return trust::Kind::script;
        case JobKind::software: return trust::Kind::software;
        case JobKind::image: return trust::Kind::image;
        case JobKind::upgrade: return trust::Kind::agent;
    }
    return trust::Kind::script;
}

JobKind job_kind_of(trust::Kind kind) {
    switch (kind) {
        case trust::Kind::script: return JobKind::script;
        case trust::Kind::software: return JobKind::software;
        case trust::Kind::image: return JobKind::image;
        case trust::Kind::agent: return JobKind::upgrade;
    }
    return JobKind::script;
}

}  // namespace

std::vector<transfer::Source> sources_of(const trust::ManifestFile& file, const trust::Manifest& manifest,
                                         const Job& job) {
    std::vector<transfer::Source> sources;
    for (const auto& url : file.sources) {
        sources.push_back({url});
    }
    for (const auto& repository : manifest.repositories) {
        const bool slash = !repository.empty() && repository.back() == '/';
        sources.push_back({repository + (slash ? "" : "/") + transfer::encode_path(file.path)});
    }
    if (const Artifact* artifact = find_artifact(job, file.path)) {
        sources.push_back({artifact->url});
    } else if (!job.base_url.empty()) {
        sources.push_back({job.base_url + transfer::encode_path(file.path)});
    }
    if (sources.size() > limits::k_sources) {
        sources.resize(limits::k_sources);
    }
    return sources;
}

Result<std::unique_ptr<Package>> Package::select(Context& context, SessionRecord& record, const CancelToken& cancel) {
    auto package = std::unique_ptr<Package>(new Package(context, record));
    if (!record.job.wire.commands.empty()) {
        TRY(package->select_wire(cancel));
    } else if (record.job.local.directory.empty()) {
        TRY(package->select_remote(cancel));
    } else {
        TRY(package->select_local());
    }
    record.package = package->manifest_.package;
    record.version = package->manifest_.version;
    record.serial = package->manifest_.serial;
    package->list_files();
    return package;
}

/// The administrator at the command line is trusted for local paths: the folder is taken as it lies there (spec 8).
Status Package::select_local() {
    local_ = record_.job.local.directory;
    manifest_.kind = kind_of(record_.job.kind);
    manifest_.package = file_name(record_.job.local.entry);
    manifest_.entry = record_.job.local.entry;
    return list_local("");
}

Status Package::list_local(const std::string& below) {
    for (const auto& name : TRY(context_.files.list(concat({local_, "/", below})))) {
        const auto info = TRY(context_.files.info(concat({local_, "/", below, name})));
        if (!info || !trust::valid_path(below + name)) {
            continue;  // such a name could not be in a signed package either
        }
        if (info->kind == platform::FileKind::directory) {
            TRY(list_local(concat({below, name, "/"})));
        } else if (info->kind == platform::FileKind::regular) {
            manifest_.files.push_back({below + name, info->bytes, "", {}});
        }
        if (manifest_.files.size() > limits::k_manifest_files) {
            return error(AgentCode::limit_exceeded,
                         {local_, " holds too many files to be a package; name its folder with --source"});
        }
    }
    return {};
}

/// Nobody has signed what a legacy manager sends, so there is no manifest. One is made of what its file server gives,
/// once and before the plan: from then on files, digests and restarts are the same as in a signed package.
Status Package::select_wire(const CancelToken& cancel) {
    constexpr std::string_view k_entry = "update.wire";
    const auto kept = context_.settings.state_directory + "/sessions/" + record_.id + "/package/" +
                      std::string(trust::k_manifest_name);
    record_.signer = "network";
    if (TRY(context_.files.info(kept)).has_value()) {
        manifest_ = TRY(trust::parse_manifest(TRY(context_.files.read(kept, limits::k_manifest_bytes))));
        return {};
    }
    const auto& commands = record_.job.wire.commands;
    manifest_.package = record_.job.id;
    manifest_.version = "0";
    manifest_.entry = k_entry;
    manifest_.files.push_back({std::string(k_entry), commands.size(), trust::sha256_hex(commands), {}});
    const auto parsed = script::parse_wire(commands, std::string(k_entry));
    if (const auto* script = std::get_if<script::Script>(&parsed)) {
        for (const auto& command : script->commands) {
            const auto path = command.op == "SF" && !command.arguments.empty()
                                  ? script::repository_path(command.arguments[0].text)
                                  : Result<std::string>(error(AgentCode::bad_argument));
            const bool one_file = path.ok() && trust::valid_path(*path) &&
                                  !script::has_wildcard(*path);  // the plan objects to all others
            if (one_file && manifest_.find(*path) == nullptr) {
                manifest_.files.push_back(TRY(fetch_wire_file(*path, manifest_.files.size() + 1, cancel)));
            }
        }
    }
    TRY(context_.files.write_durable(kept_entry(), commands, 0600));
    return context_.files.write_durable(kept, trust::write_manifest(manifest_), 0600);
}

/// Logins are not written anywhere: after a restart in the middle of this the job waits until the manager offers it
/// again.
Result<trust::ManifestFile> Package::fetch_wire_file(const std::string& path, std::size_t number,
                                                     const CancelToken& cancel) {
    transfer::DownloadRequest request;
    for (const auto& repository : record_.job.wire.repositories) {
        if (repository.user.empty()) {
            context_.log.warning("session",
                                 "the login for its files was lost with a restart: the job waits to be offered again",
                                 {{"job", record_.job.id}});
            return error(AgentCode::cancelled);
        }
        request.sources.push_back(
            {transfer::with_login(repository.url, repository.user, repository.password) + transfer::encode_path(path)});
    }
    if (request.sources.empty()) {
        return error(AgentCode::no_source, path);
    }
    request.directory = context_.store.download_directory(record_.id, number);
    request.limit_bytes_per_s = record_.job.wire.limit_bytes_per_s;
    request.disks = &context_.disks;
    TransferWatch watch(context_, record_, path, 0);
    auto got = transfer::download(
        request, {context_.files, context_.clock, context_.fetcher, context_.transfer_options, context_.random, cancel},
        watch);
    watch.finished(got.ok());
    if (!got.ok()) {
        return std::move(got).failure().with(path);
    }
    return trust::ManifestFile{path, got->bytes, got->sha256, {}};
}

Status Package::select_remote(const CancelToken& cancel) {
    const auto text = TRY(small_file(std::string(trust::k_manifest_name), limits::k_manifest_bytes, cancel));
    if (record_.job.local.allow_unsigned) {
        manifest_ = TRY(trust::parse_manifest(text));
        record_.signer = "unsigned";
    } else {
        const auto signature = TRY(small_file(std::string(trust::k_signature_name), limits::k_signature_bytes, cancel));
        const auto keys = TRY(trust::KeyRing::load(context_.files, context_.settings.keys_directory));
        auto opened = TRY(trust::open_manifest(keys, text, signature));
        manifest_ = std::move(opened.manifest);
        record_.signer = opened.signer.name;
        TRY(check_for_this_device(opened.signer));
    }
    if (record_.job.kind_of_manifest) {
        record_.job.kind = job_kind_of(manifest_.kind);
    }
    if (manifest_.kind != kind_of(record_.job.kind)) {
        return error(AgentCode::role_not_allowed, {"the manifest is of kind '", trust::to_string(manifest_.kind), "'"});
    }
    return manifest_.entry.empty() ? Status() : fetch_entry(cancel);
}

Status Package::check_for_this_device(const trust::Signer& signer) {
    auto serials = TRY(trust::Serials::load(context_.files, context_.settings.state_directory + "/serials"));
    const auto host = context_.host.facts();
    const WallTime now = context_.clock.wall();
    const bool trusted_clock = trust::clock_trusted(now);
    if (manifest_.expires && !trusted_clock) {
        context_.log.warning("session", "expiry is not checked: the clock is not trusted", {{"now", rfc3339(now)}});
    }
    TRY(trust::check_package(manifest_,
                             {context_.settings.os_codes,
                              {host.product, concat({host.vendor, " ", host.product})},
                              context_.settings.device_ids},
                             now, trusted_clock, serials.highest(signer.fingerprint, manifest_.package)));
    return serials.accept(signer.fingerprint, manifest_.package, manifest_.serial);
}

/// Manifest and signature: kept in the session's folder, so that a restart needs no server for them.
Result<std::string> Package::small_file(const std::string& name, std::size_t limit, const CancelToken& cancel) {
    const auto kept = concat({context_.settings.state_directory, "/sessions/", record_.id, "/package/", name});
    if (TRY(context_.files.info(kept)).has_value()) {
        return context_.files.read(kept, limit);
    }
    transfer::DownloadRequest request;
    if (const Artifact* artifact = find_artifact(record_.job, name)) {
        request = {{{artifact->url}}, {}, artifact->bytes, artifact->sha256, artifact->sha1, 0, nullptr};
    } else if (!record_.job.base_url.empty()) {
        request.sources = {{record_.job.base_url + name}};
    } else {
        return error(name == trust::k_manifest_name ? AgentCode::manifest_missing : AgentCode::signature_missing, name);
    }
    if (request.bytes.value_or(0) > limit) {
        return error(AgentCode::limit_exceeded, {name, " has ", std::to_string(*request.bytes), " bytes"});
    }
    request.directory = context_.store.download_directory(record_.id, 0) + name.substr(name.rfind('.'));
    TransferWatch watch(context_, record_, name, request.bytes.value_or(0));
    auto got = transfer::download(
        request, {context_.files, context_.clock, context_.fetcher, context_.transfer_options, context_.random, cancel},
        watch);
    watch.finished(got.ok());
    if (!got.ok()) {
        return std::move(got).failure().with(name);
    }
    auto text = TRY(context_.files.read(got->path, limit));
    TRY(context_.files.write_durable(kept, text, 0600));
    TRY(context_.files.remove_tree(request.directory));
    return text;
}

Status Package::fetch_entry(const CancelToken& cancel) {
    const auto* entry = manifest_.find(manifest_.entry);
    if (entry == nullptr) {
        return error(AgentCode::manifest_malformed, {"entry '", manifest_.entry, "' is not one of the files"});
    }
    if (entry->bytes > limits::k_script_bytes) {
        return error(AgentCode::limit_exceeded, {entry->path, " has ", std::to_string(entry->bytes), " bytes"});
    }
    const auto kept = kept_entry();
    if (TRY(context_.files.info(kept)).has_value()) {
        return {};
    }
    TRY(stage({entry->path, entry->bytes, entry->sha256}, cancel));
    return context_.files.write_durable(
        kept, TRY(context_.files.read(TRY(staged(entry->path)), limits::k_script_bytes)), 0600);
}

/// A copy of the entry script that stays when a step moves the staged one into place.
std::string Package::kept_entry() const {
    return concat({context_.settings.state_directory, "/sessions/", record_.id, "/package/entry"});
}

void Package::list_files() {
    for (const auto& file : manifest_.files) {
        files_.push_back({file.path, file.bytes, file.sha256});
    }
}

Result<std::size_t> Package::number_of(const std::string& path) const {
    for (std::size_t i = 0; i < manifest_.files.size(); ++i) {
        if (manifest_.files[i].path == path) {
            return i + 1;
        }
    }
    return error(AgentCode::file_not_listed, path);
}

Result<std::string> Package::entry_script() {
    return context_.files.read(local_.empty() ? kept_entry() : manifest_.entry, limits::k_script_bytes);
}

Status Package::stage(const script::PackageFile& file, const CancelToken& cancel) {
    if (!local_.empty()) {
        record_.progress.bytes += file.bytes;  // they lie where the step takes them from
        context_.observer.changed(record_);
        return {};
    }
    const auto number = TRY(number_of(file.path));
    const auto& listed = manifest_.files[number - 1];
    if (!record_.job.wire.commands.empty()) {  // here since the selection
        record_.progress.bytes += file.bytes;
        context_.observer.changed(record_);
        const auto digest = TRY(trust::digest_file(context_.files, TRY(staged(file.path))));
        return digest.sha256 == listed.sha256 ? Status() : Status(error(AgentCode::digest_mismatch, file.path));
    }
    transfer::DownloadRequest request;
    request.sources = sources_of(listed, manifest_, record_.job);
    request.directory = context_.store.download_directory(record_.id, number);
    request.bytes = listed.bytes;
    request.sha256 = listed.sha256;
    request.disks = &context_.disks;
    if (request.sources.empty()) {
        return error(AgentCode::no_source, file.path);
    }
    TransferWatch watch(context_, record_, file.path, file.bytes);
    const auto got = transfer::download(
        request, {context_.files, context_.clock, context_.fetcher, context_.transfer_options, context_.random, cancel},
        watch);
    watch.finished(got.ok());
    return got.ok() ? Status() : Status(Error(got.error()).with(file_name(file.path)));
}

Result<std::string> Package::staged(const std::string& path) {
    if (!local_.empty()) {
        return concat({local_, "/", path});
    }
    return context_.store.download_directory(record_.id, TRY(number_of(path))) + "/part";
}

std::uint64_t Package::bytes_to_stage(const script::PackageFile& file) const {
    const auto number = number_of(file.path);
    if (!local_.empty() || !number.ok()) {
        return 0;
    }
    const auto there = transfer::bytes_at_hand(context_.files, context_.store.download_directory(record_.id, *number));
    return file.bytes - std::min(file.bytes, there);
}

}  // namespace hagent::session
