// SPDX-License-Identifier: Apache-2.0
// Owns the inside of FakeFiles: nodes with a volatile and a durable image, look-up of paths, planned failures.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "platform/paths.h"
#include "tests/fakes/fake_files.h"

namespace hagent::fakes {

struct Node;
using NodePtr = std::shared_ptr<Node>;  // a node is shared by both images, by open files and by locks

/// Orders names as this system tells them apart: Windows ignores ASCII case.
struct NameOrder {
    bool folds = platform::same_path("a", "A");
    [[nodiscard]] bool operator()(const std::string& a, const std::string& b) const;
};

using Entries = std::map<std::string, NodePtr, NameOrder>;

struct Node {
    platform::FileKind kind = platform::FileKind::regular;
    std::uint32_t mode = 0644;
    std::string bytes, synced_bytes;  // of a regular file; of a symlink `bytes` is the target
    Entries entries, synced_entries;  // of a directory
    WallTime modified;
    bool foreign = false;
};

/// Where a path leads: the directory, the name in it, and what is there (null: nothing yet).
struct Place {
    NodePtr directory;
    std::string name;
    NodePtr node;
};

struct FakeFiles::State {
    State();

    mutable std::mutex mutex;
    NodePtr root;
    std::uint64_t generation = 1;  // counts restarts; what was opened before is dead
    bool power_off = false;
    std::uint64_t cut_at = 0, full_at = 0;  // numbers of calls
    std::map<std::uint64_t, Error> failing_calls;
    std::map<std::string, Error, NameOrder> failing_paths;
    std::vector<std::string> calls;
    std::vector<std::string> volumes;
    std::optional<std::uint64_t> capacity;
    bool read_only = false;
    bool has_drives = false;
    WallTime now{Millis{1'767'225'600'000}};
    std::set<const Node*> locked;

    /// Numbers the call and says whether it may take place.
    [[nodiscard]] Status change(const char* what, const std::string& path);
    [[nodiscard]] Status look(const std::string& path) const;

    /// The names on the way from the root, which is the drive C: where there are drives; others are names of their own,
    /// "D:".
    [[nodiscard]] std::vector<std::string> parts(std::string_view path) const;
    [[nodiscard]] std::string normal(std::string_view path) const;
    /// A normal path in the form that this system gives back.
    [[nodiscard]] std::string native(const std::string& normal_path) const;
    [[nodiscard]] bool is_absolute(const std::string& path) const;
    [[nodiscard]] Result<Place> find(const std::string& path, bool follow_last) const;
    [[nodiscard]] Result<NodePtr> find_existing(const std::string& path, bool follow_last) const;
    [[nodiscard]] Result<NodePtr> find_directory(const std::string& path) const;
    /// The path without links; `way` takes all that is looked at.
    [[nodiscard]] Result<std::string> walk(const std::string& path, platform::Follow follow,
                                           std::vector<std::string>* way) const;
    [[nodiscard]] std::string volume_of(const std::string& path) const;  // its place; empty for the root's
    [[nodiscard]] std::uint64_t used() const;

    [[nodiscard]] NodePtr new_node(platform::FileKind kind, std::uint32_t mode) const;
    [[nodiscard]] Result<NodePtr> create(const Place& place, const std::string& path, std::uint32_t mode);
    [[nodiscard]] Status write(Node& node, std::uint64_t offset, std::string_view bytes, const std::string& path);
    [[nodiscard]] Status move(const std::string& from, const std::string& to);
    [[nodiscard]] Status remove_entry(Node& directory, const std::string& name, const std::string& path);
    [[nodiscard]] Status make_path(const std::string& path, std::uint32_t mode);
};

void sync_entries(Node& directory);
void settle(Node& node, Unsynced unsynced);

}  // namespace hagent::fakes
