// SPDX-License-Identifier: Apache-2.0
// Owns look-up, planned failures and what a power cut leaves.
#include "tests/fakes/fake_files_state.h"

#include <algorithm>

#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/paths.h"

namespace hagent::fakes {

using errors::AgentCode;
using platform::FileKind;

namespace {

constexpr int k_most_symlinks = 40;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_drive(std::string_view part) { return part.size() == 2 && part[1] == ':'; }

std::uint64_t bytes_below(const Node& node) {
    std::uint64_t total = node.kind == FileKind::regular ? node.bytes.size() : 0;
    for (const auto& [name, child] : node.entries) {
        total += bytes_below(*child);
    }
    return total;
}

bool is_below(const Node& ancestor, const Node& node) {
    return &ancestor == &node || std::any_of(ancestor.entries.begin(), ancestor.entries.end(),
                                             [&](const auto& entry) { return is_below(*entry.second, node); });
}

/// The new bytes up to the middle of what changed, the old ones behind.
std::string torn(const std::string& before, const std::string& after) {
    const auto [same, other] = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
    const auto common = static_cast<std::size_t>(same - before.begin());
    const std::size_t middle = common + (after.size() - common) / 2;
    return after.substr(0, middle) + (middle < before.size() ? before.substr(middle) : "");
}

}  // namespace

bool NameOrder::operator()(const std::string& a, const std::string& b) const {
    return folds ? std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                                [](char x, char y) { return lower(x) < lower(y); })
                 : a < b;
}

FakeFiles::State::State() : has_drives(!platform::is_absolute("/")) { root = new_node(FileKind::directory, 0755); }

Status FakeFiles::State::look(const std::string& path) const {
    if (power_off) {
        return error(AgentCode::interrupted, "the power is off");
    }
    if (failing_paths.empty()) {  // nearly always, and asked for at every call
        return {};
    }
    const auto planned = failing_paths.find(normal(path));
    return planned != failing_paths.end() ? Status(planned->second) : Status();
}

Status FakeFiles::State::change(const char* what, const std::string& path) {
    TRY(look(path));
    calls.push_back(std::string(what) + " " + path);
    if (calls.size() == cut_at) {
        power_off = true;
        return error(AgentCode::interrupted, "the power went off");
    }
    if (calls.size() == full_at) {
        capacity = used();
    }
    if (const auto planned = failing_calls.find(calls.size()); planned != failing_calls.end()) {
        return planned->second;
    }
    return read_only ? Status(error(AgentCode::read_only, path)) : Status();
}

std::vector<std::string> FakeFiles::State::parts(std::string_view path) const {
    std::string slashed(path);
    if (has_drives) {
        std::replace(slashed.begin(), slashed.end(), '\\', '/');
    }
    std::vector<std::string> out;
    for (const auto part : split(slashed, '/')) {
        if (!part.empty() && part != ".") {
            out.emplace_back(part);
        }
    }
    if (has_drives && !out.empty() && equal_ignoring_case(out.front(), "C:")) {
        out.erase(out.begin());
    }
    return out;
}

std::string FakeFiles::State::normal(std::string_view path) const {
    std::string out;
    for (const auto& part : parts(path)) {
        out += "/" + part;
    }
    return out.empty() ? "/" : out;
}

std::string FakeFiles::State::native(const std::string& normal_path) const {
    const bool other_drive = normal_path.size() > 2 && is_drive(std::string_view(normal_path).substr(1, 2));
    return !has_drives ? normal_path : platform::native(other_drive ? normal_path.substr(1) : "C:" + normal_path);
}

bool FakeFiles::State::is_absolute(const std::string& path) const {
    return path.starts_with('/') || platform::is_absolute(path);
}

Result<std::string> FakeFiles::State::walk(const std::string& path, platform::Follow follow,
                                           std::vector<std::string>* way) const {
    TRY(look(path));
    std::string done;
    auto waiting = parts(path);
    std::reverse(waiting.begin(), waiting.end());
    for (int links = 0; !waiting.empty();) {
        const std::string part = std::move(waiting.back());
        waiting.pop_back();
        if (part == "..") {
            done.erase(done.empty() ? 0 : done.rfind('/'));
            continue;
        }
        done += "/" + part;
        const auto place = find(done, false);
        if (way != nullptr) {
            way->push_back(native(done));
        }
        if (!place.ok() || !place->node) {
            continue;
        }
        done.replace(done.rfind('/') + 1, done.npos, place->name);
        if (place->node->kind != FileKind::symlink) {
            continue;
        }
        if (follow == platform::Follow::trusted && place->node->foreign) {
            const auto end = find_existing(done, true);
            if (!end.ok() || !(*end)->foreign) {
                return error(AgentCode::path_refused,
                             {path, " leads through the link ", native(done), " of user 65534"});
            }
        }
        if (++links > 40) {
            return error(AgentCode::os_error, path + ": too many symlinks");
        }
        const std::string& target = place->node->bytes;
        done.erase(is_absolute(target) ? 0 : done.rfind('/'));
        const auto more = parts(target);
        waiting.insert(waiting.end(), more.rbegin(), more.rend());
    }
    return native(done.empty() ? "/" : done);
}

Result<Place> FakeFiles::State::find(const std::string& path, bool follow_last) const {
    std::vector<NodePtr> above = {root};  // the way down, for ".."
    std::vector<std::string> waiting = parts(path);
    std::reverse(waiting.begin(), waiting.end());
    int links = 0;
    Place place{nullptr, "", root};
    while (!waiting.empty()) {
        const std::string part = std::move(waiting.back());
        waiting.pop_back();
        if (!place.node) {
            return error(AgentCode::file_not_found, path);
        }
        if (place.node->kind != FileKind::directory) {
            return error(AgentCode::not_a_directory, path);
        }
        if (part == "..") {
            if (above.size() > 1) {
                above.pop_back();
            }
            place = {nullptr, "", above.back()};
            continue;
        }
        const auto found = place.node->entries.find(part);
        place = found == place.node->entries.end() ? Place{place.node, part, nullptr}
                                                   : Place{place.node, found->first, found->second};
        if (place.node && place.node->kind == FileKind::symlink && (follow_last || !waiting.empty())) {
            if (++links > k_most_symlinks) {
                return error(AgentCode::os_error, path + ": too many symlinks");
            }
            auto target = parts(place.node->bytes);
            waiting.insert(waiting.end(), target.rbegin(), target.rend());
            if (is_absolute(place.node->bytes)) {
                above = {root};
            }
            place = {nullptr, "", above.back()};
        } else if (place.node && place.node->kind == FileKind::directory) {
            above.push_back(place.node);
        }
    }
    return place;
}

Result<NodePtr> FakeFiles::State::find_existing(const std::string& path, bool follow_last) const {
    auto place = TRY(find(path, follow_last));
    return place.node ? Result<NodePtr>(place.node) : error(AgentCode::file_not_found, path);
}

Result<NodePtr> FakeFiles::State::find_directory(const std::string& path) const {
    auto node = TRY(find_existing(path, true));
    return node->kind == FileKind::directory ? Result<NodePtr>(node) : error(AgentCode::not_a_directory, path);
}

std::string FakeFiles::State::volume_of(const std::string& path) const {
    const std::string place = normal(path) + "/";
    std::string best = has_drives && is_drive(place.substr(1, 2)) ? to_lower(place.substr(0, 3)) : "";
    for (const auto& volume : volumes) {
        const bool holds = platform::same_path(place.substr(0, volume.size() + 1), volume + "/");
        if (holds && volume.size() > best.size()) {
            best = volume;
        }
    }
    return best;
}

std::uint64_t FakeFiles::State::used() const { return bytes_below(*root); }

NodePtr FakeFiles::State::new_node(FileKind kind, std::uint32_t mode) const {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->mode = mode;
    node->modified = now;
    return node;
}

Result<NodePtr> FakeFiles::State::create(const Place& place, const std::string& path, std::uint32_t mode) {
    TRY(change("create", path));
    auto node = new_node(FileKind::regular, mode);
    place.directory->entries[place.name] = node;
    return node;
}

Status FakeFiles::State::write(Node& node, std::uint64_t offset, std::string_view bytes, const std::string& path) {
    TRY(change("write", path));
    const std::uint64_t end = offset + bytes.size();
    const std::uint64_t growth = end > node.bytes.size() ? end - node.bytes.size() : 0;
    const std::uint64_t room = capacity ? *capacity - std::min(*capacity, used()) : UINT64_MAX;
    const std::uint64_t missing = growth > room ? growth - room : 0;
    const auto taken =
        bytes.substr(0, bytes.size() - narrow<std::size_t>(std::min<std::uint64_t>(missing, bytes.size())));
    if (!taken.empty()) {
        node.bytes.resize(std::max(node.bytes.size(), narrow<std::size_t>(offset) + taken.size()));
        std::copy(taken.begin(), taken.end(), node.bytes.begin() + static_cast<std::ptrdiff_t>(offset));
        node.modified = now;
    }
    return missing > 0 ? Status(error(AgentCode::disk_full, path)) : Status();
}

Status FakeFiles::State::move(const std::string& from, const std::string& to) {
    TRY(look(from));
    const auto source = TRY(find(from, false));
    const auto target = TRY(find(to, false));
    if (!source.node) {
        return error(AgentCode::file_not_found, from);
    }
    if (!source.directory || !target.directory) {
        return error(AgentCode::os_error, from + " to " + to);
    }
    if (volume_of(from) != volume_of(to)) {
        return error(AgentCode::cross_device, from + " to " + to);
    }
    const bool directory = source.node->kind == FileKind::directory;
    if (target.node && target.node != source.node) {
        const bool onto_directory = target.node->kind == FileKind::directory;
        if (directory != onto_directory) {
            return error(onto_directory ? AgentCode::is_a_directory : AgentCode::not_a_directory, to);
        }
        if (!target.node->entries.empty()) {
            return error(AgentCode::os_error, to + " is not empty");
        }
    }
    if (directory && is_below(*source.node, *target.directory)) {
        return error(AgentCode::os_error, to + " is below " + from);
    }
    TRY(change("rename", to));
    source.directory->entries.erase(source.name);
    target.directory->entries.erase(target.name);  // with its spelling
    target.directory->entries[parts(to).back()] = source.node;
    sync_entries(*source.directory);
    sync_entries(*target.directory);
    return {};
}

Status FakeFiles::State::remove_entry(Node& directory, const std::string& name, const std::string& path) {
    const NodePtr node = directory.entries.at(name);
    while (!node->entries.empty()) {
        const std::string child = node->entries.begin()->first;
        TRY(remove_entry(*node, child, path + "/" + child));
    }
    TRY(change("remove", path));
    directory.entries.erase(name);
    return {};
}

Status FakeFiles::State::make_path(const std::string& path, std::uint32_t mode) {
    std::string so_far;
    for (const auto& part : parts(path)) {
        so_far += "/" + part;
        const auto place = TRY(find(so_far, true));
        if (place.node && place.node->kind != FileKind::directory) {
            return error(AgentCode::not_a_directory, so_far);
        }
        if (!place.node) {
            TRY(change("make", so_far));
            place.directory->entries[place.name] = new_node(FileKind::directory, mode);
            sync_entries(*place.directory);
        }
    }
    return {};
}

void sync_entries(Node& directory) { directory.synced_entries = directory.entries; }

void settle(Node& node, Unsynced unsynced) {
    switch (unsynced) {
        case Unsynced::lost:
            node.entries = node.synced_entries;
            node.bytes = node.kind == FileKind::regular ? node.synced_bytes : node.bytes;
            break;
        case Unsynced::kept: break;
        case Unsynced::torn:
            node.bytes = node.kind == FileKind::regular ? torn(node.synced_bytes, node.bytes) : node.bytes;
            break;
    }
    node.synced_bytes = node.bytes;
    sync_entries(node);
    for (const auto& [name, child] : node.entries) {
        settle(*child, unsynced);
    }
}

}  // namespace hagent::fakes
