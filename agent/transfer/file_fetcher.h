// SPDX-License-Identifier: Apache-2.0
// Owns FileFetcher: file:// addresses (RFC 8089) of folders that were named beforehand, served in the shape of an HTTP
// server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/transfer/fetcher.h"
#include "platform/files.h"

namespace hagent::transfer {

[[nodiscard]] bool is_file_url(std::string_view url);

/// The local path that the address names. Errors: bad_url for another host, a relative path, "." or ".." as a part.
[[nodiscard]] Result<std::string> file_path(std::string_view url);

/// Only what lies below one of the folders can be got or put: whoever writes an address into a job must not choose
/// among all files of the machine. Other addresses go to `other` (null: unsupported_scheme). What the file system
/// refuses is the reply's error, as a row of its own (file_not_found ...); path_refused where the place lies outside,
/// by '..' or a link.
class FileFetcher final : public Fetcher {
public:
    /// `folders` are addresses; those that are none of file:// are passed over.
    FileFetcher(platform::Files& files, const std::vector<std::string>& folders, Fetcher* other);

    [[nodiscard]] Result<Reply> exchange(const Exchange& exchange, Sink& sink, const CancelToken& cancel) override;

private:
    [[nodiscard]] Result<std::string> place(const std::string& url, Method method);
    [[nodiscard]] Status get(const Exchange& exchange, const std::string& path, Sink& sink, const CancelToken& cancel,
                             Reply& reply);
    [[nodiscard]] Status put(const Exchange& exchange, const std::string& path, const CancelToken& cancel);

    platform::Files& files_;
    std::vector<std::string> folders_;  // paths with '/' at their end
    Fetcher* other_;
};

}  // namespace hagent::transfer
