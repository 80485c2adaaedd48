// SPDX-License-Identifier: Apache-2.0
#include "agent/session/uploads.h"

#include "agent/base/concat.h"
#include "agent/script/placing.h"
#include "agent/session/transfer_watch.h"
#include "agent/transfer/upload.h"
#include "agent/transfer/url.h"

namespace hagent::session {

using errors::AgentCode;

bool Uploads::possible() const { return !record_.job.local.directory.empty() || !addresses("").empty(); }

/// As for downloads, but for what stands at a single file: nobody can tell what else its server has room for.
std::vector<std::string> Uploads::addresses(const std::string& name) const {
    const auto& job = record_.job;
    const std::string path = transfer::encode_path(name);
    std::vector<std::string> all;
    for (const auto& repository : manifest_.repositories) {
        all.push_back(concat({repository, repository.ends_with('/') ? "" : "/", path}));
    }
    for (const auto& repository : job.wire.repositories) {
        if (!repository.user.empty()) {  // its login is lost with a restart
            all.push_back(transfer::with_login(repository.url, repository.user, repository.password) + path);
        }
    }
    if (!job.base_url.empty()) {
        all.push_back(job.base_url + path);
    }
    return all;
}

Status Uploads::copy(const std::string& local_path, const std::string& name, const CancelToken& cancel) {
    auto& files = context_.files.jailed();
    const auto info = TRY(files.info(local_path));
    if (!info) {
        return error(AgentCode::file_not_found, local_path);
    }
    const std::string target = concat({TRY(context_.files.resolve(record_.job.local.directory)), "/", name});
    TRY(script::make_parents(target, files));
    return script::place_copy(local_path, target, info->mode & 0777U, files, cancel);
}

Status Uploads::upload(const std::string& local_path, const std::string& name, const CancelToken& cancel) {
    if (!record_.job.local.directory.empty()) {
        return copy(local_path, name, cancel);
    }
    TransferWatch watch(context_, record_, name, 0);
    Status sent = error(AgentCode::no_source, name);
    for (const auto& url : addresses(name)) {
        transfer::UploadRequest request;
        request.url = url;
        request.file = local_path;
        request.limit_bytes_per_s = record_.job.wire.limit_bytes_per_s;
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
