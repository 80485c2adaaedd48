// SPDX-License-Identifier: Apache-2.0
// Owns the file system on Windows. There is no jailed variant (see files.h).
#include "platform/files.h"

#include <algorithm>
#include <tuple>

#include "agent/base/number.h"
#include "agent/base/sort.h"
#include "platform/os_error.h"
#include "platform/paths.h"
#include "platform/win32/access.h"
#include "platform/win32/wide.h"

namespace hagent::platform {
namespace {

using errors::AgentCode;

constexpr std::size_t k_chunk = 64U << 10U;
// One call takes a DWORD of bytes; network drives refuse pieces of many megabytes.
constexpr std::size_t k_largest_piece = 16U << 20U;
constexpr int k_deepest_tree = 200;
constexpr int k_tries = 6;             // virus scanners keep a file open for a moment after it was written
constexpr DWORD k_between_tries = 25;  // milliseconds
// As POSIX does it: others may read, write, rename and remove a file that we have open.
constexpr DWORD k_share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
constexpr std::uint32_t k_private_mode = 0600;

/// Windows calls a name that is too long an invalid one.
Failure last_error(const std::string& path) {
    const DWORD number = GetLastError();
    if (number == ERROR_INVALID_NAME && has_too_long_name(path)) {
        return {errors::agent(AgentCode::name_too_long), number, path};
    }
    return file_error(number, path);
}

Status finished(BOOL done, const std::string& path) { return done != 0 ? Status() : Status(last_error(path)); }

bool is_directory(const std::wstring& path) {
    const DWORD attributes = GetFileAttributesW(path.c_str());
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

/// Runs a call again while somebody else has the file open.
template <class Call>
BOOL patiently(Call call) {
    BOOL done = call();
    for (int i = 1; done == 0 && i < k_tries; ++i) {
        const DWORD number = GetLastError();
        if (number != ERROR_SHARING_VIOLATION && number != ERROR_DIR_NOT_EMPTY) {
            break;
        }
        Sleep(k_between_tries);
        done = call();
    }
    return done;
}

/// Also synchronous calls take their offset from here: the file's own position stays out of play.
OVERLAPPED at_offset(std::uint64_t offset) {
    OVERLAPPED place{};
    place.Offset = static_cast<DWORD>(offset & 0xFFFFFFFFU);
    place.OffsetHigh = static_cast<DWORD>(offset >> 32U);
    return place;
}

DWORD piece(std::size_t size) { return static_cast<DWORD>(std::min(size, k_largest_piece)); }

Status write_handle(HANDLE handle, std::uint64_t offset, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        OVERLAPPED place = at_offset(offset);
        DWORD count = 0;
        if (WriteFile(handle, bytes.data(), piece(bytes.size()), &count, &place) == 0) {
            return last_error(path);
        }
        bytes.remove_prefix(count);
        offset += count;
    }
    return {};
}

Result<std::size_t> read_handle(HANDLE handle, std::uint64_t offset, std::span<char> out, const std::string& path) {
    OVERLAPPED place = at_offset(offset);
    DWORD count = 0;
    if (ReadFile(handle, out.data(), piece(out.size()), &count, &place) == 0 && GetLastError() != ERROR_HANDLE_EOF) {
        return last_error(path);
    }
    return std::size_t{count};
}

Status resize_handle(HANDLE handle, std::uint64_t bytes, const std::string& path) {
    if (bytes > static_cast<std::uint64_t>(INT64_MAX)) {
        return error(AgentCode::file_too_large, path);
    }
    FILE_END_OF_FILE_INFO end{};
    end.EndOfFile.QuadPart = static_cast<LONGLONG>(bytes);
    return finished(SetFileInformationByHandle(handle, FileEndOfFileInfo, &end, sizeof(end)), path);
}

WallTime wall_time(const FILETIME& time) {
    const auto ticks = static_cast<std::int64_t>((std::uint64_t{time.dwHighDateTime} << 32U) | time.dwLowDateTime);
    return {Millis{ticks / 10'000 - 11'644'473'600'000}};
}

/// A symlink or junction; other reparse points (compressed or remote files) are what they look like.
bool is_link(const std::wstring& path, DWORD attributes) {
    if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) == 0) {
        return false;
    }
    WIN32_FIND_DATAW found{};
    const FindHandle search(FindFirstFileW(path.c_str(), &found));
    return search && (found.dwReserved0 == IO_REPARSE_TAG_SYMLINK || found.dwReserved0 == IO_REPARSE_TAG_MOUNT_POINT);
}

/// A name that cannot exist is not there either.
bool is_absence(DWORD number) {
    return number == ERROR_FILE_NOT_FOUND || number == ERROR_PATH_NOT_FOUND || number == ERROR_DIRECTORY ||
           number == ERROR_INVALID_NAME;
}

Result<std::optional<FileInfo>> info_of(const std::string& path) {
    const std::wstring name = wide_path(path);
    WIN32_FILE_ATTRIBUTE_DATA found{};
    if (GetFileAttributesExW(name.c_str(), GetFileExInfoStandard, &found) == 0) {
        return is_absence(GetLastError()) ? Result<std::optional<FileInfo>>(std::optional<FileInfo>())
                                          : last_error(path);
    }
    const bool directory = (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    const bool locked = (found.dwFileAttributes & FILE_ATTRIBUTE_READONLY) != 0;
    FileInfo info;
    info.kind = is_link(name, found.dwFileAttributes) ? FileKind::symlink
                : directory                           ? FileKind::directory
                                                      : FileKind::regular;
    info.bytes = (std::uint64_t{found.nFileSizeHigh} << 32U) | found.nFileSizeLow;
    info.mode = directory ? 0755U : locked ? 0444U : 0644U;
    info.modified = wall_time(found.ftLastWriteTime);
    const OthersMay others = others_may(name);
    info.writable_by_others = others.write;
    info.readable_by_others = others.read;
    return std::optional(info);
}

class WindowsFile final : public File {
public:
    WindowsFile(FileHandle handle, std::string path) : handle_(std::move(handle)), path_(std::move(path)) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
        return read_handle(handle_.get(), offset, out, path_);
    }
    Status write_at(std::uint64_t offset, std::string_view bytes) override {
        return write_handle(handle_.get(), offset, bytes, path_);
    }
    Status resize(std::uint64_t bytes) override { return resize_handle(handle_.get(), bytes, path_); }
    Status sync() override { return finished(FlushFileBuffers(handle_.get()), path_); }
    Result<std::uint64_t> size() override {
        LARGE_INTEGER bytes{};
        if (GetFileSizeEx(handle_.get(), &bytes) == 0) {
            return last_error(path_);
        }
        return narrow<std::uint64_t>(bytes.QuadPart);
    }
    Result<FileInfo> info() override {
        const auto found = TRY(info_of(path_));
        return found ? Result<FileInfo>(*found) : error(AgentCode::file_not_found, path_);
    }
    Status set_mode(std::uint32_t mode) override { return apply_mode(path_, mode); }

private:
    FileHandle handle_;
    std::string path_;
};

/// The lock is the open file itself, which nobody else may open; the system closes it when the process dies.
class HeldLock final : public Lock {
public:
    explicit HeldLock(FileHandle handle) : handle_(std::move(handle)) {}

private:
    FileHandle handle_;
};

/// A handle of a file on a disk; names like NUL and COM1 are devices everywhere.
Result<FileHandle> open_regular(const std::string& path, OpenMode mode, DWORD share) {
    const std::wstring name = wide_path(path);
    CreationSecurity security(k_private_mode);
    const bool reading = mode == OpenMode::read;
    FileHandle handle(CreateFileW(name.c_str(), reading ? GENERIC_READ : GENERIC_READ | GENERIC_WRITE, share,
                                  reading ? nullptr : security.get(), reading ? OPEN_EXISTING : OPEN_ALWAYS,
                                  FILE_ATTRIBUTE_NORMAL, nullptr));
    if (!handle) {
        const DWORD number = GetLastError();
        if (is_directory(name)) {
            return Failure{errors::agent(AgentCode::is_a_directory), number, path};
        }
        SetLastError(number);
        return last_error(path);
    }
    if (GetFileType(handle.get()) != FILE_TYPE_DISK) {
        return error(AgentCode::unsupported_here, {path, " is not a regular file"});
    }
    if (mode == OpenMode::truncate) {
        TRY(resize_handle(handle.get(), 0, path));
    }
    return handle;
}

/// The read-only attribute stands in for a mode without rights to write. Unlike on POSIX it would keep even us from
/// replacing or removing the file.
void make_writable(const std::wstring& name) {
    const DWORD attributes = GetFileAttributesW(name.c_str());
    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_READONLY) != 0) {
        SetFileAttributesW(name.c_str(), attributes & ~static_cast<DWORD>(FILE_ATTRIBUTE_READONLY));
    }
}

Status move(const std::string& from, const std::string& to) {
    const std::wstring source = wide_path(from), target = wide_path(to);
    if (is_directory(source) && GetFileAttributesW(target.c_str()) != INVALID_FILE_ATTRIBUTES &&
        !is_directory(target)) {
        return file_error(ERROR_DIRECTORY, to);  // the call would put the directory in the file's place
    }
    make_writable(target);
    if (patiently([&] {
            return MoveFileExW(source.c_str(), target.c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH);
        }) != 0) {
        return {};
    }
    const DWORD number = GetLastError();
    if (is_directory(target) && !is_directory(source) && number == ERROR_ACCESS_DENIED) {
        return Failure{errors::agent(AgentCode::is_a_directory), number, to};
    }
    SetLastError(number);
    return last_error(from + " to " + to);
}

std::string temporary_name(const std::string& path) {
    constexpr std::size_t k_longest_name = 240;
    const auto separator = path.find_last_of("/\\");
    const std::size_t name_at = separator == std::string::npos ? 0 : separator + 1;
    return path.substr(0, std::min(path.size(), name_at + k_longest_name)) + ".new~";
}

/// A new file with all its content, on the disk. What an interrupted earlier try left is removed first.
Status write_new(const std::string& path, std::string_view bytes, std::uint32_t mode) {
    const std::wstring name = wide_path(path);
    make_writable(name);
    DeleteFileW(name.c_str());
    CreationSecurity security(mode);
    const FileHandle handle(
        CreateFileW(name.c_str(), GENERIC_WRITE, 0, security.get(), CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr));
    if (!handle) {
        return last_error(path);
    }
    TRY(write_handle(handle.get(), 0, bytes, path));
    TRY(finished(FlushFileBuffers(handle.get()), path));
    const bool locked = (mode & 0222U) == 0;
    return locked ? finished(SetFileAttributesW(name.c_str(), FILE_ATTRIBUTE_READONLY), path) : Status();
}

Result<std::vector<std::string>> names_in(const std::string& path) {
    const std::wstring name = wide_path(path);
    const DWORD attributes = GetFileAttributesW(name.c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES) {
        return last_error(path);
    }
    if ((attributes & FILE_ATTRIBUTE_DIRECTORY) == 0) {
        return file_error(ERROR_DIRECTORY, path);
    }
    std::vector<std::string> names;
    WIN32_FIND_DATAW found{};
    const FindHandle search(FindFirstFileW((name + (name.ends_with(L'\\') ? L"*" : L"\\*")).c_str(), &found));
    if (!search) {
        return GetLastError() == ERROR_FILE_NOT_FOUND ? Result(std::move(names)) : last_error(path);
    }
    do {
        const std::wstring_view entry = found.cFileName;
        if (entry != L"." && entry != L"..") {
            names.push_back(narrow_text(entry));
        }
    } while (FindNextFileW(search.get(), &found) != 0);
    if (GetLastError() != ERROR_NO_MORE_FILES) {
        return last_error(path);
    }
    sort_all(names);
    return names;
}

Status remove_one(const std::wstring& name, const std::string& path) {
    const DWORD attributes = GetFileAttributesW(name.c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES) {
        return last_error(path);
    }
    make_writable(name);
    const bool directory = (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    return finished(patiently([&] { return directory ? RemoveDirectoryW(name.c_str()) : DeleteFileW(name.c_str()); }),
                    path);
}

/// A link is removed as such: what it leads to stays.
Status remove_below(const std::string& path, int depth) {
    const std::wstring name = wide_path(path);
    const DWORD attributes = GetFileAttributesW(name.c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES) {
        return is_absence(GetLastError()) ? Status() : Status(last_error(path));
    }
    if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 && !is_link(name, attributes)) {
        if (depth == k_deepest_tree) {
            return error(AgentCode::limit_exceeded, {path, ": folders nested too deeply"});
        }
        for (const auto& child : TRY(names_in(path))) {
            TRY(remove_below(path + "\\" + child, depth + 1));
        }
    }
    return remove_one(name, path);
}

/// The path of something that exists, without links; empty optional when it does not.
Result<std::optional<std::string>> final_path(const std::string& path) {
    const std::wstring name = wide_path(path);
    const FileHandle handle(
        CreateFileW(name.c_str(), 0, k_share_all, nullptr, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr));
    if (!handle) {
        const DWORD number = GetLastError();
        const DWORD attributes = GetFileAttributesW(name.c_str());
        const bool absent = attributes == INVALID_FILE_ATTRIBUTES && is_absence(GetLastError());
        // A link that leads nowhere is there, but where writing through it would end cannot be told.
        return absent ? Result<std::optional<std::string>>(std::optional<std::string>()) : file_error(number, path);
    }
    std::wstring found(32768, L'\0');
    found.resize(GetFinalPathNameByHandleW(handle.get(), found.data(), narrow<DWORD>(found.size()), VOLUME_NAME_DOS));
    return found.empty() ? Result<std::optional<std::string>>(last_error(path)) : std::optional(path_text(found));
}

class WindowsFiles final : public Files {
public:
    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        return std::unique_ptr<File>(std::make_unique<WindowsFile>(TRY(open_regular(path, mode, k_share_all)), path));
    }

    Result<std::string> read(const std::string& path, std::size_t limit) override {
        const FileHandle handle = TRY(open_regular(path, OpenMode::read, k_share_all));
        std::string content;
        for (;;) {
            const std::size_t before = content.size();
            content.resize(std::min(limit, before + k_chunk) + 1);
            const auto count = TRY(read_handle(handle.get(), before, std::span(content).subspan(before), path));
            content.resize(before + count);
            if (content.size() > limit) {
                return error(AgentCode::file_too_large, {path, " holds more than ", std::to_string(limit), " bytes"});
            }
            if (count == 0) {
                return content;
            }
        }
    }

    Status write_durable(const std::string& path, std::string_view bytes, std::uint32_t mode) override {
        if (has_too_long_name(path)) {
            return file_error(ERROR_FILENAME_EXCED_RANGE, path);
        }
        const std::string temporary = temporary_name(path);
        auto done = write_new(temporary, bytes, mode);
        if (done.ok()) {
            done = move(temporary, path);
        }
        if (!done.ok()) {
            std::ignore = remove_one(wide_path(temporary), temporary);
        }
        return done;
    }

    Result<std::optional<FileInfo>> info(const std::string& path) override { return info_of(path); }

    Result<std::vector<std::string>> list(const std::string& path) override { return names_in(path); }

    /// Windows folds ".." before it looks at links, so we do too.
    Result<std::string> resolve(const std::string& path, Follow /*follow*/) override {
        const std::string place = absolute(path);
        std::size_t end = place.size();
        for (;;) {
            const std::string existing = place.substr(0, end);
            if (const auto found = TRY(final_path(existing))) {
                return *found +
                       place.substr(found->ends_with('\\') && end < place.size() && place[end] == '\\' ? end + 1 : end);
            }
            const auto separator = existing.find_last_of('\\', end - 2);
            if (separator == std::string::npos || separator < 2 || end < 4) {
                return place;
            }
            end = separator == 2 ? separator + 1 : separator;  // "C:\\" keeps its separator, "C:" means something else
        }
    }

    /// Everybody may make folders at the root of a drive, but not change what others have there.
    Result<std::vector<std::string>> way(const std::string& path) override {
        const std::string real = TRY(resolve(path, Follow::all));
        const auto separator = real.find_last_of('\\');
        std::vector<std::string> way;
        if (separator != std::string::npos && separator > 2) {
            way.push_back(real.substr(0, separator));
        }
        way.push_back(real);
        return way;
    }

    Status make_directories(const std::string& path, std::uint32_t mode) override {
        const std::string place = absolute(path);
        const std::wstring name = wide_path(place);
        const DWORD attributes = GetFileAttributesW(name.c_str());
        if (attributes != INVALID_FILE_ATTRIBUTES) {
            const bool directory = (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
            return directory ? Status() : Status(file_error(ERROR_DIRECTORY, path));
        }
        if (!is_absence(GetLastError())) {
            return last_error(path);
        }
        const auto end = place.find_last_not_of('\\');
        const auto separator = end == std::string::npos ? end : place.rfind('\\', end);
        if (separator != std::string::npos && separator > 2) {
            TRY(make_directories(place.substr(0, separator), mode));
        }
        CreationSecurity security(mode);
        if (CreateDirectoryW(name.c_str(), security.get()) == 0 &&
            !(GetLastError() == ERROR_ALREADY_EXISTS && is_directory(name))) {
            return last_error(path);
        }
        return {};
    }

    Status rename(const std::string& from, const std::string& to) override { return move(from, to); }
    Status remove(const std::string& path) override { return remove_one(wide_path(path), path); }
    Status remove_tree(const std::string& path) override { return remove_below(absolute(path), 0); }
    Status set_mode(const std::string& path, std::uint32_t mode) override { return apply_mode(path, mode); }

    /// Windows journals names by itself and offers no call for it; that the directory is there can be told.
    Status sync_directory(const std::string& path) override {
        const DWORD attributes = GetFileAttributesW(wide_path(path).c_str());
        if (attributes == INVALID_FILE_ATTRIBUTES) {
            return last_error(path);
        }
        return (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? Status() : Status(file_error(ERROR_DIRECTORY, path));
    }

    Result<std::unique_ptr<Lock>> lock(const std::string& path) override {
        auto handle = open_regular(path, OpenMode::read_write, 0);
        if (!handle.ok()) {
            const auto number = handle.error().os;
            return number == ERROR_SHARING_VIOLATION ? Failure{errors::agent(AgentCode::busy), number, path}
                                                     : std::move(handle).error();
        }
        return std::unique_ptr<Lock>(std::make_unique<HeldLock>(std::move(handle).value()));
    }

    Result<bool> is_locked(const std::string& path) override {
        const auto handle = open_regular(path, OpenMode::read, k_share_all);
        if (handle.ok() || handle.error().is(AgentCode::file_not_found)) {
            return false;
        }
        return handle.error().os == ERROR_SHARING_VIOLATION ? Result<bool>(true) : Result<bool>(handle.error());
    }
};

}  // namespace

std::unique_ptr<Files> system_files() { return std::make_unique<WindowsFiles>(); }

}  // namespace hagent::platform
