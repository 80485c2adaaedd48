// SPDX-License-Identifier: Apache-2.0
// Owns PartFile: the bytes of a download at hand, their digests, and the checkpoint that vouches for them.
#pragma once

#include <memory>
#include <new>
#include <optional>
#include <string>

#include "agent/transfer/checkpoint.h"
#include "platform/clock.h"
#include "platform/files.h"

namespace hagent::transfer {

/// One at a time for a directory. Errors are those of Files, partial_file_lost where the part shrank meanwhile.
class PartFile {
public:
    /// Takes up what the directory holds if it belongs to the same wanted file, else begins with nothing. `boot_id` is
    /// that of the machine's present start: what a killed process wrote in it counts though it was not synced. Empty:
    /// only what was synced counts.
    [[nodiscard]] static Result<PartFile> open(platform::Files& files, platform::Clock& clock, std::string directory,
                                               std::string wanted, std::string boot_id);

    [[nodiscard]] std::uint64_t bytes() const { return state_.bytes; }
    [[nodiscard]] bool complete() const { return state_.complete; }
    [[nodiscard]] const std::string& url() const { return state_.url; }
    [[nodiscard]] const std::string& validator() const { return state_.validator; }
    [[nodiscard]] std::optional<std::uint64_t> total() const { return state_.total; }
    [[nodiscard]] std::string path() const { return part_path(directory_); }
    [[nodiscard]] std::string sha256_hex() const;
    /// Of what `wanted` names; compares without regard to case. True when nothing is wanted.
    [[nodiscard]] bool digest_fits() const;

    /// Where the bytes that follow come from.
    void describe(std::string url, std::string validator, std::optional<std::uint64_t> total);
    /// Appends, and writes a checkpoint now and then.
    [[nodiscard]] Status append(std::string_view bytes);
    /// Makes everything so far safe.
    [[nodiscard]] Status save();
    /// Marks the file as whole and checked, and makes that safe.
    [[nodiscard]] Status finish();
    /// Forgets all bytes. The old checkpoint is withdrawn first, so that it never vouches for other bytes.
    [[nodiscard]] Status restart();
    /// Deletes part and checkpoint.
    [[nodiscard]] Status remove();

private:
    PartFile(platform::Files& files, platform::Clock& clock, std::string directory, std::string wanted,
             std::string boot_id);
    [[nodiscard]] Status take_up(const std::optional<Checkpoint>& checkpoint);
    template <class Digest>
    [[nodiscard]] Status read_again(std::uint64_t from, std::uint64_t to, Digest& digest);
    [[nodiscard]] bool due();
    void join(std::string_view bytes);
    [[nodiscard]] Status flush();

    struct ChunkDeleter {
        void operator()(char* chunk) const { operator delete[](chunk, std::align_val_t{platform::k_direct_step}); }
    };

    platform::Files* files_;
    platform::Clock* clock_;
    std::string directory_;
    std::unique_ptr<platform::File> file_;
    Checkpoint state_;
    std::optional<trust::Sha1> sha1_;              // only when the file is wanted by its SHA-1
    std::unique_ptr<char[], ChunkDeleter> chunk_;  // made with the first byte
    std::size_t joined_ = 0;  // as many of state_.bytes, the last ones, are in the chunk and not in the file yet
    std::uint64_t saved_bytes_ = 0;
    Uptime saved_at_;
};

}  // namespace hagent::transfer
