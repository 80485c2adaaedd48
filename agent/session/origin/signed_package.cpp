// SPDX-License-Identifier: Apache-2.0
#include "agent/session/origin/signed_package.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/transfer/url.h"
#include "agent/trust/digest.h"
#include "agent/trust/serials.h"
#include "agent/trust/trusted_time.h"
#include "agent/trust/verify.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

const Artifact* find_artifact(const SignedPackage& package, std::string_view path) {
    const auto found = std::find_if(package.artifacts.begin(), package.artifacts.end(),
                                    [&](const Artifact& a) { return a.path == path; });
    return found == package.artifacts.end() ? nullptr : &*found;
}

}  // namespace

std::vector<transfer::Source> sources_of(const trust::ManifestFile& file, const trust::Manifest& manifest,
                                         const SignedPackage& package) {
    std::vector<transfer::Source> sources;
    for (const auto& url : file.sources) {
        sources.push_back({url});
    }
    for (const auto& repository : manifest.repositories) {
        const bool slash = !repository.empty() && repository.back() == '/';
        sources.push_back({repository + (slash ? "" : "/") + transfer::encode_path(file.path)});
    }
    if (const Artifact* artifact = find_artifact(package, file.path)) {
        sources.push_back({artifact->url});
    } else if (!package.base_url.empty()) {
        sources.push_back({package.base_url + transfer::encode_path(file.path)});
    }
    if (sources.size() > limits::k_sources) {
        sources.resize(limits::k_sources);
    }
    return sources;
}

/// What was kept over a restart only spares a download: where it does not pass any more it is fetched anew. The
/// manifest's kind has to be the job's: else what a key may sign for one kind would be carried out as another.
Status SignedPackageOrigin::open(const CancelToken& cancel) {
    const bool kept_before = TRY(context_.files.info(kept(trust::k_manifest_name))).has_value();
    auto opened = read_manifest(cancel);
    if (!opened.ok() && kept_before && !opened.error().is(AgentCode::cancelled)) {
        warn_of_change(trust::k_manifest_name, opened.error().context);
        for (const auto name : {trust::k_manifest_name, trust::k_signature_name}) {
            TRY(context_.files.remove_tree(kept(name)));
        }
        opened = read_manifest(cancel);
    }
    auto found = TRY(std::move(opened));
    manifest_ = std::move(found.manifest);
    record_.signer = found.signer.name;
    record_.contradicted = std::any_of(manifest_.files.begin(), manifest_.files.end(), [this](const auto& file) {
        const Artifact* artifact = find_artifact(source(), file.path);
        return artifact != nullptr && !artifact->sha256.empty() && artifact->sha256 != file.sha256;
    });
    if (!source().allow_unsigned && !accepted_) {
        TRY(check_for_this_device(found.signer));
    }
    if (record_.job.kind_of_manifest) {
        record_.job.kind = manifest_.kind;
    }
    if (manifest_.kind != record_.job.kind) {
        return error(AgentCode::role_not_allowed,
                     concat({"the manifest is of kind '", package_kind_name(manifest_.kind), "'"}));
    }
    TRY(check_named_script());
    const work::Kind* kind = context_.kinds.find(manifest_.kind);
    return kind != nullptr && kind->reads_entry() && !manifest_.entry.empty() ? fetch_entry(cancel) : Status();
}

/// In this order: is it the manifest that is meant, is it signed, what does it say.
Result<trust::SignedManifest> SignedPackageOrigin::read_manifest(const CancelToken& cancel) {
    const auto text = TRY(small_file(std::string(trust::k_manifest_name), limits::k_manifest_bytes, cancel));
    const auto signature =
        source().allow_unsigned
            ? std::string()
            : TRY(small_file(std::string(trust::k_signature_name), limits::k_signature_bytes, cancel));
    record_.package_sha256 = trust::sha256_hex(text);
    if (source().allow_unsigned) {
        return trust::SignedManifest{TRY(trust::parse_manifest(text)), {"unsigned", {}}};
    }
    return trust::open_manifest(TRY(trust::KeyRing::load(context_.files, context_.settings.keys_directory)), text,
                                signature);
}

/// What a file's SHA-256 must be before anything in it is looked at: as it was when this session accepted it, else as
/// the manager says; empty: nobody has said it.
std::string SignedPackageOrigin::wanted_digest(const std::string& name) const {
    const bool is_manifest = name == trust::k_manifest_name;
    if (is_manifest && !begun_with_.empty()) {
        return begun_with_;
    }
    if (is_manifest && !source().manifest_sha256.empty()) {
        return source().manifest_sha256;
    }
    const Artifact* artifact = find_artifact(source(), name);
    return artifact != nullptr ? artifact->sha256 : std::string();
}

/// The serial is noted before the work: once a newer package of this signer was accepted here, an older one is a
/// replay, whatever became of the newer one (spec 8).
Status SignedPackageOrigin::check_for_this_device(const trust::Signer& signer) {
    auto serials = TRY(trust::Serials::load(context_.files, context_.settings.state.serials()));
    if (serials.damage()) {
        context_.log.warning("session", "a copy of the serials is damaged", {{"where", serials.damage()->context}});
    }
    const auto host = context_.host.facts();
    trust::TrustedTime own_time(context_.files, context_.settings.state.trusted_time());
    trust::TrustedTime& time = context_.time != nullptr ? *context_.time : own_time;
    const auto now = TRY(time.now(context_.clock.wall()));
    if (manifest_.expires && !now.trusted) {
        context_.log.warning("session", "expiry is not checked: the clock is not trusted",
                             {{"now", rfc3339(now.time)}});
    }
    TRY(time.judged(trust::check_package(manifest_,
                                         {context_.settings.os_codes,
                                          {host.product, concat({host.vendor, " ", host.product})},
                                          context_.settings.device_ids},
                                         now.time, now.trusted, serials.highest(signer.fingerprint, manifest_.package)),
                    now));
    return serials.accept(signer.fingerprint, manifest_.package, manifest_.serial);
}

/// Manifest and signature: kept in the session's folder, so that a restart needs no server for them.
Result<std::string> SignedPackageOrigin::small_file(const std::string& name, std::size_t limit,
                                                    const CancelToken& cancel) {
    const auto place = kept(name);
    const auto wanted = wanted_digest(name);
    if (TRY(context_.files.info(place)).has_value()) {
        auto text = context_.files.read(place, limit);
        if (text.ok() && (wanted.empty() || trust::sha256_hex(*text) == wanted)) {
            return text;
        }
        warn_of_change(name, place);
    }
    transfer::DownloadRequest request(limit);
    request.past_caches = true;
    if (const Artifact* artifact = find_artifact(source(), name)) {
        request.sources = {{artifact->url}};
        request.bytes = artifact->bytes;
        request.sha256 = artifact->sha256;
        request.sha1 = artifact->sha1;
    } else if (!source().base_url.empty()) {
        request.sources = {{source().base_url + name}};
    } else {
        return error(name == trust::k_manifest_name ? AgentCode::manifest_missing : AgentCode::signature_missing, name);
    }
    if (request.bytes.value_or(0) > limit) {
        return error(AgentCode::limit_exceeded, concat({name, " has ", std::to_string(*request.bytes), " bytes"}));
    }
    request.directory = download_directory(0) + name.substr(name.rfind('.'));
    request.sha256 = wanted;
    const auto got = fetch(request, name, request.bytes.value_or(0), cancel);
    if (!got.ok()) {
        const bool another = got.error().is(AgentCode::digest_mismatch) && name == trust::k_manifest_name;
        return another ? Error(got.error()).with("another package than the job means") : got.error();
    }
    auto text = TRY(context_.files.read(got->path, limit));
    if (!wanted.empty() && trust::sha256_hex(text) != wanted) {
        return error(AgentCode::digest_mismatch, name);
    }
    TRY(context_.files.write_durable(place, text, 0600));
    TRY(context_.files.remove_tree(request.directory));
    return text;
}

Status SignedPackageOrigin::check_named_script() const {
    const auto named = work::option(record_.job.options, k_option_entry_sha256);
    const auto* entry = manifest_.find(manifest_.entry);
    return !named || (entry != nullptr && entry->sha256 == *named)
               ? Status()
               : Status(error(AgentCode::other_script, {"the package's entry is '", manifest_.entry,
                                                        "', whose SHA-256 differs from ", record_.job.name}));
}

/// The entry is fetched apart from the rest: analysis needs its text before it can say which other files are wanted.
Status SignedPackageOrigin::fetch_entry(const CancelToken& cancel) {
    const auto* entry = manifest_.find(manifest_.entry);
    if (entry == nullptr) {
        return error(AgentCode::manifest_malformed, concat({"entry '", manifest_.entry, "' is not one of the files"}));
    }
    if (entry->bytes > limits::k_script_bytes) {
        return error(AgentCode::limit_exceeded, concat({entry->path, " has ", std::to_string(entry->bytes), " bytes"}));
    }
    if (TRY(context_.files.info(kept_entry())).has_value()) {
        if (entry_text().ok()) {
            return {};
        }
        warn_of_change(entry->path, kept_entry());
    }
    TRY(stage({entry->path, entry->bytes, entry->sha256}, cancel));
    return context_.files.write_durable(
        kept_entry(), TRY(context_.files.read(TRY(staged(entry->path)), limits::k_script_bytes)), 0600);
}

Status SignedPackageOrigin::stage(const work::PackageFile& file, const CancelToken& cancel) {
    const auto number = TRY(number_of(file.path));
    const auto& listed = manifest_.files[number - 1];
    transfer::DownloadRequest request(listed.bytes);
    request.sources = sources_of(listed, manifest_, source());
    request.directory = download_directory(number);
    request.bytes = listed.bytes;
    request.sha256 = listed.sha256;
    request.disks = &context_.disks;
    if (request.sources.empty()) {
        return error(AgentCode::no_source, file.path);
    }
    TRY(fetch(request, file.path, file.bytes, cancel));
    return {};
}

/// One reader a file, for as long as the session runs: it remembers what its sources are worth.
Result<SignedPackageOrigin::Stream*> SignedPackageOrigin::stream_of(const std::string& path) {
    auto& stream = streams_[path];
    if (!stream) {
        const auto& listed = manifest_.files[TRY(number_of(path)) - 1];
        transfer::RangedFile file;
        file.sources = sources_of(listed, manifest_, source());
        file.bytes = listed.bytes;
        stream = std::make_unique<Stream>(
            Stream{transfer::RangeReader(std::move(file), context_.clock, context_.transfer_options.attempts),
                   StreamWatch(context_, record_, path, listed.bytes)});
    }
    return stream.get();
}

Status SignedPackageOrigin::read_range(const std::string& path, std::uint64_t offset, std::uint64_t bytes,
                                       work::RangeSink& sink, bool avoid_last_source, const CancelToken& cancel) {
    Stream& stream = *TRY(stream_of(path));
    stream.watch.begin(offset, bytes);
    bool refused = false;
    auto done = stream.reader.read(
        {offset, bytes, avoid_last_source},
        [&](std::string_view piece) {
            auto taken = sink.write(piece);
            refused = !taken.ok();
            return taken;
        },
        {context_.files, context_.clock, context_.fetcher, context_.transfer_options, context_.random, cancel},
        stream.watch);
    return done.ok() || refused ? std::move(done) : Status(std::move(done).error().with(path));
}

void SignedPackageOrigin::streams_ended(bool success) {
    for (const auto& [path, stream] : streams_) {
        if (stream) {
            stream->watch.finished(success);
        }
    }
}

}  // namespace hagent::session
