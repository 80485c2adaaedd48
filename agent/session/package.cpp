// SPDX-License-Identifier: Apache-2.0
// Owns the selection of a package: nothing in it is believed before the signature is.
#include "agent/session/package.h"

#include <algorithm>

#include "agent/base/limits.h"
#include "agent/session/transfer_watch.h"
#include "agent/transfer/url.h"
#include "agent/trust/key_ring.h"
#include "agent/trust/serials.h"
#include "platform/paths.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

const Artifact* find_artifact(const Job& job, std::string_view path) {
    const auto found = std::find_if(job.artifacts.begin(), job.artifacts.end(), [&](const Artifact& a) { return a.path == path; });
    return found == job.artifacts.end() ? nullptr : &*found;
}

std::string file_name(const std::string& path) { return path.substr(path.find_last_of(platform::native("/") + "/") + 1); }

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

std::vector<transfer::Source> sources_of(const trust::ManifestFile& file, const trust::Manifest& manifest, const Job& job) {
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
    if (record.job.local.directory.empty()) {
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
    for (const auto& name : TRY(context_.files.list(local_ + "/" + below))) {
        const auto info = TRY(context_.files.info(local_ + "/" + below + name));
        if (!info || !trust::valid_path(below + name)) {
            continue;  // such a name could not be in a signed package either
        }
        if (info->kind == platform::FileKind::directory) {
            TRY(list_local(below + name + "/"));
        } else if (info->kind == platform::FileKind::regular) {
            manifest_.files.push_back({below + name, info->bytes, "", {}});
        }
        if (manifest_.files.size() > limits::k_manifest_files) {
            return error(AgentCode::limit_exceeded, local_ + " holds too many files to be a package; name its folder with --source");
        }
    }
    return {};
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
        return error(AgentCode::role_not_allowed, "the manifest is of kind '" + std::string(trust::to_string(manifest_.kind)) + "'");
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
                             {context_.settings.os_codes, {host.product, host.vendor + " " + host.product},
                              context_.settings.device_ids},
                             now, trusted_clock, serials.highest(signer.fingerprint, manifest_.package)));
    return serials.accept(signer.fingerprint, manifest_.package, manifest_.serial);
}

/// Manifest and signature: kept in the session's folder, so that a restart needs no server for them.
Result<std::string> Package::small_file(const std::string& name, std::size_t limit, const CancelToken& cancel) {
    const auto kept = context_.settings.state_directory + "/sessions/" + record_.id + "/package/" + name;
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
        return error(AgentCode::limit_exceeded, name + " has " + std::to_string(*request.bytes) + " bytes");
    }
    request.directory = context_.store.download_directory(record_.id, 0) + name.substr(name.rfind('.'));
    TransferWatch watch(context_, record_, name, request.bytes.value_or(0));
    auto got = transfer::download(request,
                                  {context_.files, context_.clock, context_.fetcher, context_.transfer_options,
                                   context_.random, cancel},
                                  watch);
    watch.finished(got.ok());
    if (!got.ok()) {
        return std::move(got).error().with(name);
    }
    auto text = TRY(context_.files.read(got->path, limit));
    TRY(context_.files.write_durable(kept, text, 0600));
    TRY(context_.files.remove_tree(request.directory));
    return text;
}

Status Package::fetch_entry(const CancelToken& cancel) {
    const auto* entry = manifest_.find(manifest_.entry);
    if (entry == nullptr) {
        return error(AgentCode::manifest_malformed, "entry '" + manifest_.entry + "' is not one of the files");
    }
    if (entry->bytes > limits::k_script_bytes) {
        return error(AgentCode::limit_exceeded, entry->path + " has " + std::to_string(entry->bytes) + " bytes");
    }
    const auto kept = kept_entry();
    if (TRY(context_.files.info(kept)).has_value()) {
        return {};
    }
    TRY(stage({entry->path, entry->bytes, entry->sha256}, cancel));
    return context_.files.write_durable(kept, TRY(context_.files.read(TRY(staged(entry->path)), limits::k_script_bytes)), 0600);
}

/// A copy of the entry script that stays when a step moves the staged one into place.
std::string Package::kept_entry() const {
    return context_.settings.state_directory + "/sessions/" + record_.id + "/package/entry";
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
    const auto got = transfer::download(request,
                                        {context_.files, context_.clock, context_.fetcher, context_.transfer_options,
                                         context_.random, cancel},
                                        watch);
    watch.finished(got.ok());
    return got.ok() ? Status() : Status(Error(got.error()).with(file_name(file.path)));
}

Result<std::string> Package::staged(const std::string& path) {
    if (!local_.empty()) {
        return local_ + "/" + path;
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
