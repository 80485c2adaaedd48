// SPDX-License-Identifier: Apache-2.0
#include "agent/session/uploads.h"

#include "agent/base/concat.h"
#include "agent/session/transfer_watch.h"
#include "agent/transfer/upload.h"
#include "agent/transfer/url.h"
#include "agent/work/placing.h"
#include "agent/work/protection.h"

namespace hagent::session {

using errors::AgentCode;

bool Uploads::possible() const { return folder() != nullptr || !addresses("").empty(); }

const LocalFolder* Uploads::folder() const { return std::get_if<LocalFolder>(&record_.job.source); }

/// As for downloads, but for what stands at a single file: nobody can tell what else its server has room for.
std::vector<std::string> Uploads::addresses(const std::string& name) const {
    const std::string path = transfer::encode_path(name);
    std::vector<std::string> all;
    for (const auto& repository : manifest_.repositories) {
        all.push_back(concat({repository, repository.ends_with('/') ? "" : "/", path}));
    }
    if (const auto* wire = std::get_if<WireScript>(&record_.job.source)) {
        for (const auto& repository : wire->repositories) {
            if (!repository.user.empty()) {  // its login is lost with a restart
                all.push_back(transfer::with_login(repository.url, repository.user, repository.password) + path);
            }
        }
    } else if (const auto* package = std::get_if<SignedPackage>(&record_.job.source);
               package != nullptr && !package->base_url.empty()) {
        all.push_back(package->base_url + path);
    }
    return all;
}

/// Through the jailed files: a link that somebody puts into the path meanwhile must not make a file readable that the
/// script may not read.
Status Uploads::copy(const std::string& local_path, const std::string& name, const CancelToken& cancel) {
    auto& files = context_.files.jailed();
    const auto info = TRY(files.info(local_path));
    if (!info) {
        return error(AgentCode::file_not_found, local_path);
    }
    const std::string target = concat({TRY(context_.files.resolve(folder()->directory)), "/", name});
    TRY(work::check_protected(target, work::Touch::content, context_.settings.protected_paths, context_.files, name));
    TRY(work::make_parents(target, files));
    return work::place_copy({local_path, {}}, target, info->mode & 0777U, files, cancel);
}

/// The error of the last place is the one that is told; an interrupt ends it at once, because the next place would only
/// be interrupted as well.
Status Uploads::upload(const std::string& local_path, const std::string& name, const CancelToken& cancel) {
    if (folder() != nullptr) {
        return copy(local_path, name, cancel);
    }
    TransferWatch watch(context_, record_, name, 0);
    const auto* wire = std::get_if<WireScript>(&record_.job.source);
    Status sent = error(AgentCode::no_source, name);
    for (const auto& url : addresses(name)) {
        transfer::UploadRequest request;
        request.url = url;
        request.file = local_path;
        request.limit_bytes_per_s = wire != nullptr ? wire->limit_bytes_per_s : 0;
        const auto done = transfer::upload(request,
                                           {context_.files.jailed(), context_.clock, context_.fetcher,
                                            context_.transfer_options, context_.random, cancel},
                                           watch);
        sent = done.ok() ? Status() : Status(done.error());
        if (sent.ok() || sent.error().is(AgentCode::cancelled)) {
            break;
        }
    }
    watch.finished(sent.ok());
    return sent;
}

}  // namespace hagent::session
