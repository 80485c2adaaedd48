// SPDX-License-Identifier: Apache-2.0
// Owns FakeFiles: a file system in memory that forgets what was not synced and fails where a test wants it to.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/files.h"

namespace hagent::fakes {

/// What a power cut does to changes that were not synced. Real disks do any of these.
enum class Unsynced : std::uint8_t {
    lost,  // neither bytes nor names survive
    kept,  // everything survives
    torn   // names survive, of changed bytes the first half
};

/// Keeps the contract of platform::Files, with names and paths as this system has them: on Windows '\\' separates too,
/// ASCII case does not matter, "C:" is the root and other drives are volumes of their own; what it gives back is in the
/// system's form. The test's own hands name things as POSIX does everywhere. Every call that changes something is
/// numbered from 1: creating, writing, resizing, syncing a file or a directory, renaming, removing one entry, making
/// one directory, changing a mode. write_durable is four of them (create, write, sync, rename), so that a cut may fall
/// between. The typical crash test:
///
///     for (std::uint64_t call = 1;; ++call) {
///         FakeFiles files;
///         ... put the start in place, then files.forget_calls();
///         files.cut_power_at(call);
///         const bool done = work(files).ok();
///         if (!files.power_is_off()) break;          // the work takes fewer calls: every one was tried
///         files.restart(Unsynced::lost);
///         ... work again, or look: the promise must hold
///     }
class FakeFiles final : public platform::Files {
public:
    FakeFiles();
    ~FakeFiles() override;

    [[nodiscard]] Result<std::unique_ptr<platform::File>> open(const std::string& path,
                                                               platform::OpenMode mode) override;
    [[nodiscard]] Result<std::string> read(const std::string& path, std::size_t limit) override;
    [[nodiscard]] Status write_durable(const std::string& path, std::string_view bytes, std::uint32_t mode) override;
    [[nodiscard]] Result<std::optional<platform::FileInfo>> info(const std::string& path) override;
    [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) override;
    [[nodiscard]] Result<std::string> resolve(const std::string& path,
                                              platform::Follow follow = platform::Follow::all) override;
    [[nodiscard]] Result<std::vector<std::string>> way(const std::string& path) override;
    [[nodiscard]] Status make_directories(const std::string& path, std::uint32_t mode = 0755) override;
    [[nodiscard]] Status rename(const std::string& from, const std::string& to) override;
    [[nodiscard]] Status remove(const std::string& path) override;
    [[nodiscard]] Status remove_tree(const std::string& path) override;
    [[nodiscard]] Status set_mode(const std::string& path, std::uint32_t mode) override;
    [[nodiscard]] Status sync_directory(const std::string& path) override;
    [[nodiscard]] Result<std::unique_ptr<platform::Lock>> lock(const std::string& path) override;
    [[nodiscard]] Result<bool> is_locked(const std::string& path) override;

    // Power. While it is off every call fails with `interrupted`; files and locks from before stay dead for ever.
    void power_cut();
    /// The cut comes instead of the call with this number.
    void cut_power_at(std::uint64_t call);
    [[nodiscard]] bool power_is_off() const;
    /// A change outside of the files (a program is started, the user is asked), numbered among theirs so that the cut
    /// may come instead of it. What is done only after success is done only while there is power.
    [[nodiscard]] Status outside(const std::string& what);
    /// Power is back: what the disk kept is what there is. Planned failures are forgotten, numbers start at 1 again.
    void restart(Unsynced unsynced = Unsynced::lost);

    // Failures.
    /// The call with this number fails and changes nothing; the next ones work again.
    void fail_call(std::uint64_t call, Error error);
    /// Every call that names this path fails, also reading ones.
    void fail_path(const std::string& path, Error error);
    /// Room for this many bytes of file content; a write takes what fits and fails with disk_full.
    void set_capacity(std::uint64_t bytes);
    /// From the call with this number on there is room for not one byte more; set_capacity makes some.
    void fill_disk_at(std::uint64_t call);
    /// Every change fails with read_only.
    void set_read_only(bool read_only);
    /// What is below is on another volume: rename across fails with cross_device.
    void add_volume(const std::string& mount_point);

    // The numbered calls so far, as "write /a/b", for messages of failed tests.
    [[nodiscard]] std::vector<std::string> calls() const;
    void forget_calls();

    // The test's own hands: durable at once, not numbered, never failing on purpose.
    /// Makes the directories above too.
    void put(const std::string& path, std::string_view bytes, std::uint32_t mode = 0644);
    void put_directory(const std::string& path, std::uint32_t mode = 0755);
    void put_symlink(const std::string& path, const std::string& target);
    /// A device, a pipe or a socket: what is neither file, folder nor link.
    void put_device(const std::string& path);
    /// The entry belongs to neither root nor us from now on.
    void give_away(const std::string& path);
    void set_now(WallTime now);
    /// What a reader sees now; empty when there is no regular file.
    [[nodiscard]] std::optional<std::string> content(const std::string& path) const;
    /// Whether anything has this name (a symlink counts).
    [[nodiscard]] bool exists(const std::string& path) const;
    /// What the content of files takes in memory: for tests that weigh something else.
    [[nodiscard]] std::uint64_t memory() const;
    /// Every path, sorted, directories with a '/' at the end.
    [[nodiscard]] std::vector<std::string> tree() const;

    struct State;

private:
    std::shared_ptr<State> state_;  // open files and locks may outlive the file system they came from
};

}  // namespace hagent::fakes
