// SPDX-License-Identifier: Apache-2.0
#include "agent/session/origin/wire_script.h"

#include "agent/base/limits.h"
#include "agent/transfer/url.h"
#include "agent/trust/digest.h"
#include "agent/trust/verify.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

constexpr std::string_view k_entry = "update.wire";

}  // namespace

/// Nobody has listed the files: their names stand in the commands, and what is known of them is told by measure(). A
/// manifest that is here was written by it; nobody has signed it, so it is believed as far as the session's journal
/// vouches for it.
Status WireScriptOrigin::open(const CancelToken& /*cancel*/) {
    const auto manifest = kept(trust::k_manifest_name);
    const std::string& commands = source().commands;
    record_.signer = "network";
    if (TRY(context_.files.info(manifest)).has_value()) {
        const auto text = context_.files.read(manifest, limits::k_manifest_bytes);
        if (text.ok() && trust::sha256_hex(*text) == record_.package_sha256) {
            manifest_ = TRY(trust::parse_manifest(*text));
            return entry_text().ok() ? Status() : context_.files.write_durable(kept_entry(), commands, 0600);
        }
        warn_of_change(trust::k_manifest_name, manifest);
    }
    unmeasured_ = true;
    manifest_.kind = record_.job.kind;
    manifest_.package = record_.job.id;
    manifest_.version = "0";
    manifest_.entry = k_entry;
    manifest_.files.push_back({std::string(k_entry), commands.size(), trust::sha256_hex(commands), {}});
    if (const auto* kind = context_.kinds.find(record_.job.kind)) {
        for (const auto& path : kind->files_wanted(commands, record_.job.options)) {
            if (manifest_.find(path) == nullptr) {
                manifest_.files.push_back({path, 0, "", {}});
            }
        }
    }
    return context_.files.write_durable(kept_entry(), commands, 0600);
}

/// The manifest is written last: where it is found, the commands and all files are here, and a restart needs neither
/// the servers nor their logins.
Status WireScriptOrigin::measure(const CancelToken& cancel) {
    for (std::size_t i = 1; i < manifest_.files.size(); ++i) {
        manifest_.files[i] = TRY(fetch_file(manifest_.files[i].path, i + 1, cancel));
    }
    take_files();
    unmeasured_ = false;
    const auto text = trust::write_manifest(manifest_);
    record_.package_sha256 = trust::sha256_hex(text);
    return context_.files.write_durable(kept(trust::k_manifest_name), text, 0600);
}

/// Logins are not written anywhere: after a restart in the middle of this the job waits until the manager offers it
/// again.
Result<trust::ManifestFile> WireScriptOrigin::fetch_file(const std::string& path, std::size_t number,
                                                         const CancelToken& cancel) {
    transfer::DownloadRequest request(limits::k_unknown_file_bytes);
    for (const auto& repository : source().repositories) {
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
    request.directory = download_directory(number);
    request.limit_bytes_per_s = source().limit_bytes_per_s;
    request.disks = &context_.disks;
    auto got = TRY(fetch(request, path, 0, cancel));
    return trust::ManifestFile{path, got.bytes, std::move(got.sha256), {}};
}

/// Here since the selection. The digest is looked at again: days may lie between, with restarts and a disk that fails.
Status WireScriptOrigin::stage(const work::PackageFile& file, const CancelToken& cancel) {
    const std::size_t number = TRY(number_of(file.path));
    const std::string path = TRY(staged(file.path));
    count_as_staged(file);
    if (TRY(trust::digest_file(context_.files, path)).sha256 == file.sha256) {
        return {};
    }
    warn_of_change(file.path, path);
    TRY(context_.files.remove_tree(download_directory(number)));
    const auto again = TRY(fetch_file(file.path, number, cancel));
    return again.sha256 == file.sha256 ? Status() : Status(error(AgentCode::digest_mismatch, file.path));
}

}  // namespace hagent::session
