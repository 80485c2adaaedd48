// SPDX-License-Identifier: Apache-2.0
// Owns the output of the real process.
#include "agent/output.h"

#include <cstdio>

#include "agent/base/text.h"
#include "platform/service.h"

namespace hagent {
namespace {

class StandardOutput final : public Output {
public:
    void print(std::string_view text) override { put(text, stdout); }
    void complain(std::string_view text) override { put(text, stderr); }
    bool on_terminal() const override { return platform::stderr_is_terminal(); }
    // A failed write leaves its mark on the stream, so it is enough to look at the end.
    bool flush() override {
        const bool flushed = std::fflush(stdout) == 0;
        return flushed && std::ferror(stdout) == 0;
    }

private:
    /// Whatever a file, a server or another daemon has called a thing: here is where it would reach a terminal.
    static void put(std::string_view text, std::FILE* stream) {
        const std::string clean = for_terminal(text);
        std::fwrite(clean.data(), 1, clean.size(), stream);
    }
};

}  // namespace

std::unique_ptr<Output> standard_output() { return std::make_unique<StandardOutput>(); }

}  // namespace hagent
