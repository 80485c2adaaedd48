// SPDX-License-Identifier: Apache-2.0
#include "agent/session/origin/staged_origin.h"

#include <algorithm>

#include "agent/base/limits.h"
#include "agent/session/transfer_watch.h"
#include "agent/trust/digest.h"

namespace hagent::session {

using errors::AgentCode;

Result<transfer::Downloaded> StagedOrigin::fetch(const transfer::DownloadRequest& request, const std::string& name,
                                                 std::uint64_t bytes, const CancelToken& cancel) {
    TransferWatch watch(context_, record_, name, bytes);
    auto got = transfer::download(
        request, {context_.files, context_.clock, context_.fetcher, context_.transfer_options, context_.random, cancel},
        watch);
    watch.finished(got.ok());
    if (!got.ok()) {
        return std::move(got).error().with(name);
    }
    return got;
}

Result<std::size_t> StagedOrigin::number_of(const std::string& path) const {
    for (std::size_t i = 0; i < manifest_.files.size(); ++i) {
        if (manifest_.files[i].path == path) {
            return i + 1;
        }
    }
    return error(AgentCode::file_not_listed, path);
}

std::string StagedOrigin::download_directory(std::size_t number) const {
    return context_.store.download_directory(record_.id, number);
}

std::string StagedOrigin::kept(std::string_view name) const {
    return context_.settings.state.package_file(record_.id, name);
}

/// Compared in memory: what is carried out is what was compared.
Result<std::string> StagedOrigin::entry_text() {
    auto text = TRY(context_.files.read(kept_entry(), limits::k_script_bytes));
    const auto* entry = manifest_.find(manifest_.entry);
    if (entry == nullptr || trust::sha256_hex(text) != entry->sha256) {
        return error(AgentCode::digest_mismatch, kept_entry());
    }
    return text;
}

void StagedOrigin::warn_of_change(std::string_view name, const std::string& where) const {
    context_.log.warning("session", "a file that was kept is not what it was: it is made anew",
                         {{"id", record_.id}, {"file", std::string(name)}, {"where", where}});
}

/// "part" is what transfer::download calls its file, also when it is complete.
Result<std::string> StagedOrigin::staged(const std::string& path) {
    return download_directory(TRY(number_of(path))) + "/part";
}

/// Bytes that are here take no more room: else a resumed download on a nearly full disk would be refused for space that
/// it does not need.
std::uint64_t StagedOrigin::bytes_to_stage(const work::PackageFile& file) const {
    const auto number = number_of(file.path);
    if (!number.ok()) {
        return 0;
    }
    const auto there = transfer::bytes_at_hand(context_.files, download_directory(*number));
    return file.bytes - std::min(file.bytes, there);
}

}  // namespace hagent::session
