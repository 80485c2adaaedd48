// SPDX-License-Identifier: Apache-2.0
// Owns the promises of platform::Files over the nodes in memory.
#include "tests/fakes/fake_files.h"

#include <algorithm>

#include "agent/base/check.h"
#include "agent/base/number.h"
#include "tests/fakes/fake_files_state.h"

namespace hagent::fakes {

using errors::AgentCode;
using platform::File;
using platform::FileInfo;
using platform::FileKind;
using platform::Lock;
using platform::OpenMode;

namespace {

constexpr std::uint32_t k_other_user = 65534;

using StatePtr = std::shared_ptr<FakeFiles::State>;

Result<NodePtr> as_regular(const NodePtr& node, const std::string& path) {
    if (node->kind == FileKind::directory) {
        return error(AgentCode::is_a_directory, path);
    }
    return node;
}

FileInfo info_of(const Node& node) {
    FileInfo info;
    info.kind = node.kind;
    info.bytes = node.bytes.size();
    info.mode = node.mode;
    info.modified = node.modified;
    info.foreign = node.foreign;
    info.owner = node.foreign ? k_other_user : 0;
    info.id = {1, reinterpret_cast<std::uintptr_t>(&node)};
    info.writable_by_others = node.foreign || (node.kind != FileKind::symlink && (node.mode & 022U) != 0);
    info.readable_by_others = node.kind != FileKind::symlink && (node.mode & 044U) != 0;
    return info;
}

class OpenFile final : public File {
public:
    OpenFile(StatePtr state, NodePtr node, std::string path, bool writable)
        : state_(std::move(state)),
          node_(std::move(node)),
          path_(std::move(path)),
          writable_(writable),
          generation_(state_->generation) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
        const std::lock_guard lock(state_->mutex);
        TRY(alive());
        TRY(state_->look(path_));
        const auto& bytes = node_->bytes;
        if (offset >= bytes.size()) {
            return std::size_t{0};
        }
        return bytes.copy(out.data(), out.size(), narrow<std::size_t>(offset));
    }

    Status write_at(std::uint64_t offset, std::string_view bytes) override {
        const std::lock_guard lock(state_->mutex);
        TRY(may_write());
        return state_->write(*node_, offset, bytes, path_);
    }

    Status resize(std::uint64_t bytes) override {
        const std::lock_guard lock(state_->mutex);
        TRY(may_write());
        TRY(state_->change("resize", path_));
        node_->bytes.resize(narrow<std::size_t>(bytes));
        return {};
    }

    Status sync() override {
        const std::lock_guard lock(state_->mutex);
        TRY(alive());
        TRY(state_->change("sync", path_));
        node_->synced_bytes = node_->bytes;
        return {};
    }

    Result<std::uint64_t> size() override {
        const std::lock_guard lock(state_->mutex);
        TRY(alive());
        TRY(state_->look(path_));
        return std::uint64_t{node_->bytes.size()};
    }

    Result<FileInfo> info() override {
        const std::lock_guard lock(state_->mutex);
        TRY(alive());
        return info_of(*node_);
    }

    Status set_mode(std::uint32_t mode) override {
        const std::lock_guard lock(state_->mutex);
        TRY(alive());
        TRY(state_->change("set mode of", path_));
        node_->mode = mode;
        return {};
    }

private:
    Status alive() const {
        const bool dead = generation_ != state_->generation;
        return dead ? Status(error(AgentCode::interrupted, path_ + " was opened before the restart")) : Status();
    }

    Status may_write() const {
        TRY(alive());
        return writable_ ? Status() : Status(error(AgentCode::permission_denied, path_));
    }

    StatePtr state_;
    NodePtr node_;
    std::string path_;
    bool writable_;
    std::uint64_t generation_;
};

class HeldLock final : public Lock {
public:
    HeldLock(StatePtr state, NodePtr node)
        : state_(std::move(state)), node_(std::move(node)), generation_(state_->generation) {}
    ~HeldLock() override {
        const std::lock_guard lock(state_->mutex);
        if (generation_ == state_->generation) {
            state_->locked.erase(node_.get());
        }
    }
    HeldLock(const HeldLock&) = delete;
    HeldLock& operator=(const HeldLock&) = delete;

private:
    StatePtr state_;
    NodePtr node_;
    std::uint64_t generation_;
};

Result<NodePtr> open_node(FakeFiles::State& state, const std::string& path, OpenMode mode) {
    TRY(state.look(path));
    const auto place = TRY(state.find(path, true));
    if (place.node) {
        auto node = TRY(as_regular(place.node, path));
        if (mode == OpenMode::truncate) {
            TRY(state.change("truncate", path));
            node->bytes.clear();
            node->modified = state.now;
        }
        return node;
    }
    if (mode == OpenMode::read) {
        return error(AgentCode::file_not_found, path);
    }
    return state.create(place, path, 0600);
}

/// A directory's own path for a test's hands, which must not fail.
template <class T>
T sure(Result<T> result) {
    check(result.ok());
    return std::move(result).value();
}

NodePtr put_path(FakeFiles::State& state, const std::string& path) {
    NodePtr directory = state.root;
    for (const auto& part : state.parts(path)) {
        auto& entry = directory->entries[part];
        if (!entry) {
            entry = state.new_node(FileKind::directory, 0755);
        }
        directory->synced_entries[part] = entry;
        directory = entry->kind == FileKind::symlink ? sure(state.find_directory(entry->bytes)) : entry;
    }
    return directory;
}

void put_node(FakeFiles::State& state, const std::string& path, const NodePtr& node) {
    auto parts = state.parts(path);
    check(!parts.empty());
    const std::string name = parts.back();
    const std::string normal = state.normal(path);
    const NodePtr directory = put_path(state, normal.substr(0, normal.size() - name.size()));
    directory->entries[name] = node;
    directory->synced_entries[name] = node;
}

std::uint64_t memory_below(const Node& node) {
    std::uint64_t total = node.bytes.capacity() + node.synced_bytes.capacity();
    for (const auto& [name, child] : node.entries) {
        total += memory_below(*child);
    }
    return total;
}

void add_tree(const Node& directory, const std::string& path, std::vector<std::string>& out) {
    for (const auto& [name, node] : directory.entries) {
        const bool is_directory = node->kind == FileKind::directory;
        out.push_back(path + name + (is_directory ? "/" : ""));
        add_tree(*node, path + name + "/", out);
    }
}

}  // namespace

FakeFiles::FakeFiles() : state_(std::make_shared<State>()) {}
FakeFiles::~FakeFiles() = default;

Result<std::unique_ptr<File>> FakeFiles::open(const std::string& path, OpenMode mode) {
    const std::lock_guard lock(state_->mutex);
    auto node = TRY(open_node(*state_, path, mode));
    return std::unique_ptr<File>(std::make_unique<OpenFile>(state_, std::move(node), path, mode != OpenMode::read));
}

Result<std::string> FakeFiles::read(const std::string& path, std::size_t limit) {
    const std::lock_guard lock(state_->mutex);
    const auto node = TRY(open_node(*state_, path, OpenMode::read));
    return node->bytes.size() > limit ? Result<std::string>(error(AgentCode::file_too_large, path)) : node->bytes;
}

Status FakeFiles::write_durable(const std::string& path, std::string_view bytes, std::uint32_t mode) {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->look(path));
    const std::string temporary = path + ".new~";
    const auto place = TRY(state_->find(temporary, false));
    const auto node = TRY(state_->create(place, temporary, mode));
    auto done = state_->write(*node, 0, bytes, temporary);
    if (done.ok()) {
        done = state_->change("sync", temporary);
    }
    if (done.ok()) {
        node->synced_bytes = node->bytes;
        done = state_->move(temporary, path);
    }
    if (!done.ok() && !state_->power_off) {
        place.directory->entries.erase(place.name);
    }
    return done;
}

Result<std::optional<FileInfo>> FakeFiles::info(const std::string& path) {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->look(path));
    const auto place = state_->find(path, false);
    if (!place.ok()) {
        const bool absent = place.error().is(AgentCode::file_not_found) || place.error().is(AgentCode::not_a_directory);
        return absent ? Result<std::optional<FileInfo>>(std::optional<FileInfo>()) : place.error();
    }
    if (!place->node) {
        return std::optional<FileInfo>();
    }
    return std::optional(info_of(*place->node));
}

Result<std::vector<std::string>> FakeFiles::list(const std::string& path) {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->look(path));
    const auto directory = TRY(state_->find_directory(path));
    std::vector<std::string> names;
    for (const auto& [name, node] : directory->entries) {
        names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

Result<std::string> FakeFiles::resolve(const std::string& path, platform::Follow follow) {
    const std::lock_guard lock(state_->mutex);
    return state_->walk(path, follow, nullptr);
}

Result<std::vector<std::string>> FakeFiles::way(const std::string& path) {
    const std::lock_guard lock(state_->mutex);
    std::vector<std::string> way{state_->native("/")};
    const std::string real = TRY(state_->walk(path, platform::Follow::all, &way));
    if (way.back() != real) {
        way.push_back(real);
    }
    return way;
}

Status FakeFiles::make_directories(const std::string& path, std::uint32_t mode) {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->look(path));
    return state_->make_path(path, mode);
}

Status FakeFiles::rename(const std::string& from, const std::string& to) {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->look(to));
    return state_->move(from, to);
}

Status FakeFiles::remove(const std::string& path) {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->look(path));
    const auto place = TRY(state_->find(path, false));
    if (!place.node) {
        return error(AgentCode::file_not_found, path);
    }
    if (!place.directory || !place.node->entries.empty()) {
        return error(AgentCode::os_error, path + " is not empty");
    }
    return state_->remove_entry(*place.directory, place.name, path);
}

Status FakeFiles::remove_tree(const std::string& path) {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->look(path));
    const auto place = state_->find(path, false);
    if (!place.ok()) {
        return place.error().is(AgentCode::file_not_found) ? Status() : Status(place.error());
    }
    if (!place->node) {
        return {};
    }
    if (!place->directory) {
        return error(AgentCode::os_error, path);
    }
    return state_->remove_entry(*place->directory, place->name, path);
}

Status FakeFiles::set_mode(const std::string& path, std::uint32_t mode) {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->look(path));
    const auto node = TRY(state_->find_existing(path, true));
    TRY(state_->change("set mode of", path));
    node->mode = mode;
    return {};
}

Status FakeFiles::sync_directory(const std::string& path) {
    const std::lock_guard lock(state_->mutex);
    TRY(state_->look(path));
    const auto directory = TRY(state_->find_directory(path));
    TRY(state_->change("sync", path));
    sync_entries(*directory);
    return {};
}

Result<std::unique_ptr<Lock>> FakeFiles::lock(const std::string& path) {
    const std::lock_guard guard(state_->mutex);
    auto node = TRY(open_node(*state_, path, OpenMode::read_write));
    if (!state_->locked.insert(node.get()).second) {
        return error(AgentCode::busy, path);
    }
    return std::unique_ptr<Lock>(std::make_unique<HeldLock>(state_, std::move(node)));
}

Result<bool> FakeFiles::is_locked(const std::string& path) {
    const std::lock_guard guard(state_->mutex);
    const auto node = open_node(*state_, path, OpenMode::read);
    if (!node.ok()) {
        return node.error().is(AgentCode::file_not_found) ? Result<bool>(false) : Result<bool>(node.error());
    }
    return state_->locked.contains(node->get());
}

void FakeFiles::power_cut() {
    const std::lock_guard lock(state_->mutex);
    state_->power_off = true;
}

void FakeFiles::cut_power_at(std::uint64_t call) {
    const std::lock_guard lock(state_->mutex);
    state_->cut_at = call;
}

bool FakeFiles::power_is_off() const {
    const std::lock_guard lock(state_->mutex);
    return state_->power_off;
}

Status FakeFiles::outside(const std::string& what) {
    const std::lock_guard lock(state_->mutex);
    return state_->change("outside:", what);
}

void FakeFiles::restart(Unsynced unsynced) {
    const std::lock_guard lock(state_->mutex);
    settle(*state_->root, unsynced);
    ++state_->generation;
    state_->power_off = false;
    state_->cut_at = 0;
    state_->full_at = 0;
    state_->failing_calls.clear();
    state_->failing_paths.clear();
    state_->calls.clear();
    state_->locked.clear();
}

void FakeFiles::fail_call(std::uint64_t call, Error error) {
    const std::lock_guard lock(state_->mutex);
    state_->failing_calls.insert_or_assign(call, std::move(error));
}

void FakeFiles::fail_path(const std::string& path, Error error) {
    const std::lock_guard lock(state_->mutex);
    state_->failing_paths.insert_or_assign(state_->normal(path), std::move(error));
}

void FakeFiles::set_capacity(std::uint64_t bytes) {
    const std::lock_guard lock(state_->mutex);
    state_->capacity = bytes;
}

void FakeFiles::fill_disk_at(std::uint64_t call) {
    const std::lock_guard lock(state_->mutex);
    state_->full_at = call;
}

void FakeFiles::set_read_only(bool read_only) {
    const std::lock_guard lock(state_->mutex);
    state_->read_only = read_only;
}

void FakeFiles::add_volume(const std::string& mount_point) {
    const std::lock_guard lock(state_->mutex);
    state_->volumes.push_back(state_->normal(mount_point));
    put_path(*state_, mount_point);
}

std::vector<std::string> FakeFiles::calls() const {
    const std::lock_guard lock(state_->mutex);
    return state_->calls;
}

void FakeFiles::forget_calls() {
    const std::lock_guard lock(state_->mutex);
    state_->calls = {};
}

void FakeFiles::put(const std::string& path, std::string_view bytes, std::uint32_t mode) {
    const std::lock_guard lock(state_->mutex);
    auto node = state_->new_node(FileKind::regular, mode);
    node->bytes = bytes;
    node->synced_bytes = bytes;
    put_node(*state_, path, node);
}

void FakeFiles::put_directory(const std::string& path, std::uint32_t mode) {
    const std::lock_guard lock(state_->mutex);
    put_path(*state_, path)->mode = mode;
}

void FakeFiles::put_symlink(const std::string& path, const std::string& target) {
    const std::lock_guard lock(state_->mutex);
    auto node = state_->new_node(FileKind::symlink, 0777);
    node->bytes = target;
    put_node(*state_, path, node);
}

void FakeFiles::put_device(const std::string& path) {
    const std::lock_guard lock(state_->mutex);
    put_node(*state_, path, state_->new_node(FileKind::other, 0660));
}

void FakeFiles::give_away(const std::string& path) {
    const std::lock_guard lock(state_->mutex);
    sure(state_->find_existing(path, false))->foreign = true;
}

void FakeFiles::set_now(WallTime now) {
    const std::lock_guard lock(state_->mutex);
    state_->now = now;
}

std::optional<std::string> FakeFiles::content(const std::string& path) const {
    const std::lock_guard lock(state_->mutex);
    const auto node = state_->find_existing(path, true);
    return node.ok() && (*node)->kind == FileKind::regular ? std::optional((*node)->bytes) : std::nullopt;
}

bool FakeFiles::exists(const std::string& path) const {
    const std::lock_guard lock(state_->mutex);
    return state_->find_existing(path, false).ok();
}

std::uint64_t FakeFiles::memory() const {
    const std::lock_guard lock(state_->mutex);
    return memory_below(*state_->root);
}

std::vector<std::string> FakeFiles::tree() const {
    const std::lock_guard lock(state_->mutex);
    std::vector<std::string> out;
    add_tree(*state_->root, "/", out);
    return out;
}

}  // namespace hagent::fakes
