// SPDX-License-Identifier: Apache-2.0
// Owns the way from a file:// address to a file, and copying it to a sink or from a source.
#include "agent/transfer/file_fetcher.h"

#include <algorithm>
#include <memory>
#include <span>

#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/transfer/url.h"
#include "platform/paths.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

constexpr std::string_view k_scheme = "file://";
constexpr std::string_view k_local = "localhost";
constexpr std::size_t k_piece_bytes = 64U << 10U;
constexpr std::uint32_t k_mode = 0644;

/// With '/' at its end.
std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

Result<std::unique_ptr<platform::File>> open_regular(platform::Files& files, const std::string& path, ReplyHead& head) {
    const auto info = TRY(files.info(path));
    if (!info || info->kind != platform::FileKind::regular) {  // a pipe would be waited for
        return error(AgentCode::file_not_found, path);
    }
    auto file = TRY(files.open(path, platform::OpenMode::read));
    head.total = TRY(file->size());
    head.validator = std::to_string(info->modified.since_epoch.count()) + "-" + std::to_string(*head.total);
    return file;
}

/// With every link resolved, and a separator at its end. `folder` has one too.
Result<std::string> real_folder(platform::Files& files, const std::string& folder) {
    const std::string real = TRY(files.resolve(folder.size() > 1 ? folder.substr(0, folder.size() - 1) : folder));
    return platform::native(real.ends_with('/') ? real : real + "/");
}

}  // namespace

bool is_file_url(std::string_view url) { return equal_ignoring_case(url.substr(0, k_scheme.size()), k_scheme); }

Result<std::string> file_path(std::string_view url) {
    url.remove_prefix(std::min(k_scheme.size(), url.size()));
    const auto slash = url.find('/');
    if (slash == std::string_view::npos || (slash > 0 && !equal_ignoring_case(url.substr(0, slash), k_local))) {
        return error(AgentCode::bad_url, "a file address is file:///folder/file");
    }
    std::string path = TRY(decode(url.substr(slash)));
    if (platform::is_absolute(std::string_view(path).substr(1)) && path.find(':') == 2) {
        path.erase(0, 1);  // "/C:/folder"
    }
    const auto parts = split(path, '/');
    const bool odd =
        std::any_of(parts.begin(), parts.end(), [](std::string_view part) { return part == "." || part == ".."; });
    if (odd || path.find_first_of(std::string_view("\\\0", 2)) != std::string::npos) {
        return error(AgentCode::bad_url, "a file address must not hold '.', '..' or '\\' as a part of its path");
    }
    return path;
}

FileFetcher::FileFetcher(platform::Files& files, const std::vector<std::string>& folders, Fetcher* other)
    : files_(files), other_(other) {
    for (const auto& url : folders) {
        if (auto path = is_file_url(url) ? file_path(url) : Result<std::string>(error(AgentCode::unsupported_scheme));
            path.ok()) {
            folders_.push_back(path->ends_with('/') ? *path : *path + "/");
        }
    }
}

Result<Reply> FileFetcher::exchange(const Exchange& exchange, Sink& sink, const CancelToken& cancel) {
    if (!is_file_url(exchange.url)) {
        return other_ != nullptr ? other_->exchange(exchange, sink, cancel)
                                 : Result<Reply>(error(AgentCode::unsupported_scheme, shown(exchange.url)));
    }
    Reply reply;
    reply.url = shown(exchange.url);
    reply.stage = exchange.method == Method::get ? Stage::http_body : Stage::http_put;
    reply.head.number = exchange.method == Method::get ? std::uint16_t{200} : std::uint16_t{201};
    const auto path = place(exchange.url, exchange.method);
    if (!path.ok()) {
        reply.error = path.error();
    } else if (exchange.method == Method::get) {
        TRY(get(exchange, *path, sink, cancel, reply));
    } else if (auto done = put(exchange, *path, cancel); !done.ok()) {
        reply.error = std::move(done).error();
    }
    return reply;
}

/// The real path of the file, or of the folder that it is put into, must lie in a named folder, whatever links say; and
/// opening it later does not follow links that appear in between.
Result<std::string> FileFetcher::place(const std::string& url, Method method) {
    const std::string path = TRY(file_path(url));
    for (const auto& folder : folders_) {
        if (!path.starts_with(folder) || path.ends_with('/') || method == Method::post) {
            continue;
        }
        std::string real = method == Method::get
                               ? platform::native(TRY(files_.resolve(path)))
                               : TRY(real_folder(files_, folder_of(path))) + path.substr(folder_of(path).size());
        if (real.starts_with(TRY(real_folder(files_, folder)))) {
            return real;
        }
    }
    return error(AgentCode::path_refused, shown(url));
}

Status FileFetcher::get(const Exchange& exchange, const std::string& path, Sink& sink, const CancelToken& cancel,
                        Reply& reply) {
    auto& head = reply.head;
    const auto file = open_regular(files_.jailed(), path, head);
    if (!file.ok()) {
        reply.error = file.error();
        return {};
    }
    if ((exchange.offset > 0 || exchange.end) && exchange.offset < *head.total &&
        (exchange.if_range.empty() || exchange.if_range == head.validator)) {
        head.number = 206;
        head.start = exchange.offset;
        head.end = std::min(exchange.end.value_or(*head.total), *head.total);
    }
    TRY(sink.begin(head));
    std::vector<char> piece(k_piece_bytes);
    for (auto at = head.start; !cancel.requested();) {
        const auto count = (*file)->read_at(at, piece);
        if (!count.ok()) {
            reply.error = count.error();
        }
        if (!count.ok() || *count == 0) {
            return {};
        }
        const auto wanted = before_end(exchange, at, {piece.data(), *count});
        if (!wanted.empty()) {
            TRY(sink.write(wanted));
        }
        at += *count;
        reply.body_bytes += wanted.size();
        if (wanted.size() < *count || exchange.end == at) {
            return {};
        }
    }
    return error(AgentCode::cancelled);
}

Status FileFetcher::put(const Exchange& exchange, const std::string& path, const CancelToken& cancel) {
    auto& files = files_.jailed();
    TRY(files.make_directories(path.substr(0, path.find_last_of("/\\") + 1)));
    if (exchange.source == nullptr) {
        return files.write_durable(path, exchange.body, k_mode);
    }
    const std::string part = path + ".part";
    TRY(files.remove_tree(part));  // a link there would be followed
    const auto file = TRY(files.open(part, platform::OpenMode::truncate));
    std::vector<char> piece(k_piece_bytes);
    for (std::uint64_t at = 0; at < exchange.source_bytes;) {
        if (cancel.requested()) {
            return error(AgentCode::cancelled);
        }
        const auto want = std::min<std::uint64_t>(piece.size(), exchange.source_bytes - at);
        const auto count = TRY(exchange.source->read_at(at, std::span(piece).first(narrow<std::size_t>(want))));
        if (count == 0) {
            return error(AgentCode::truncated, path);
        }
        TRY(file->write_at(at, {piece.data(), count}));
        at += count;
    }
    TRY(file->set_mode(k_mode));
    TRY(file->sync());
    return files.rename(part, path);
}

}  // namespace hagent::transfer
