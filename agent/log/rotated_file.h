// SPDX-License-Identifier: Apache-2.0
// Owns RotatedFile: log lines in a file that never grows beyond its limit; one older generation is kept beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/base/limits.h"
#include "agent/log/sink.h"
#include "platform/files.h"

namespace hagent::log {

/// Appends to `path`; when a line would not fit into `limit` bytes the file becomes `path`.1 and a new one begins.
/// Not synced: after a power cut the last lines may be missing. While the file cannot be opened or written, lines are
/// dropped and each new line tries again.
class RotatedFile final : public Sink {
public:
    RotatedFile(platform::Files& files, std::string path, std::uint64_t limit = limits::k_log_file_bytes);
    void write(const Record& record) override;

private:
    [[nodiscard]] Status open();
    [[nodiscard]] Status rotate();
    [[nodiscard]] Status append(const std::string& line);

    platform::Files& files_;
    std::string path_;
    std::uint64_t limit_;
    std::unique_ptr<platform::File> file_;
    std::uint64_t end_ = 0;
};

}  // namespace hagent::log
