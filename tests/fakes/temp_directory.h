// SPDX-License-Identifier: Apache-2.0
// Owns TempDirectory: a fresh directory of the real file system for one test, removed with all it holds.
#pragma once

#include <atomic>
#include <string>

#include "agent/base/check.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/paths.h"

namespace hagent::fakes {

class TempDirectory {
public:
    TempDirectory() : path_(fresh_name()) { check(platform::system_files()->make_directories(path_, 0700).ok()); }
    ~TempDirectory() { check(platform::system_files()->remove_tree(path_).ok()); }
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;

    /// Absolute, without symlinks, without '/' at the end.
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    static std::string fresh_name() {
        static std::atomic<unsigned> count = 0;
        std::string base = "/tmp";
        for (const char* name : {"TEMP", "TMPDIR"}) {
            if (const auto value = platform::environment(name); !value.empty()) {
                base = value;
            }
        }
        const std::string name = "/hagent-test-" + std::to_string(platform::own_pid()) + "-" + std::to_string(++count);
        return platform::system_files()->resolve(platform::absolute(base) + name).value_or(base + name);
    }

    std::string path_;
};

}  // namespace hagent::fakes
