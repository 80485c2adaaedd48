// SPDX-License-Identifier: Apache-2.0
// Owns the reading and writing of access lists. Accounts are compared by their numbers, which are the same in every
// language of the system.
#include "platform/win32/access.h"

#include <aclapi.h>
#include <sddl.h>

#include <array>

#include "platform/os_error.h"
#include "platform/win32/wide.h"

namespace hagent::platform {
namespace {

// Bits of a POSIX mode: rights for group and others; rights to write for anybody.
constexpr std::uint32_t k_others = 077, k_writers = 0222;

// System, administrators and the owner may do all, handed down to what a directory will hold; nothing comes from above.
constexpr const wchar_t* k_private = L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;S-1-3-4)";

constexpr DWORD k_write_rights =
    FILE_WRITE_DATA | FILE_APPEND_DATA | WRITE_DAC | WRITE_OWNER | DELETE | GENERIC_WRITE | GENERIC_ALL;
// Whoever may give himself the right to read may read.
constexpr DWORD k_read_rights = FILE_READ_DATA | WRITE_DAC | WRITE_OWNER | GENERIC_READ | GENERIC_ALL;

using SidBytes = std::array<std::byte, SECURITY_MAX_SID_SIZE>;

LocalMemory private_descriptor() {
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    ConvertStringSecurityDescriptorToSecurityDescriptorW(k_private, SDDL_REVISION_1, &descriptor, nullptr);
    return LocalMemory(descriptor);
}

bool is_well_known(PSID sid, std::initializer_list<WELL_KNOWN_SID_TYPE> types) {
    for (const auto type : types) {
        if (IsWellKnownSid(sid, type) != 0) {
            return true;
        }
    }
    return false;
}

/// Whether this process runs as that account.
bool is_our_user(PSID sid) {
    HANDLE token = nullptr;
    if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) == 0) {
        return false;
    }
    const KernelHandle owned(token);
    struct {
        TOKEN_USER user;
        SidBytes sid;
    } found{};
    DWORD size = 0;
    return GetTokenInformation(token, TokenUser, &found, sizeof(found), &size) != 0 &&
           EqualSid(sid, found.user.User.Sid) != 0;
}

/// The rights that a list gives to others: all of them when it cannot be read.
DWORD rights_of_others(PACL list) {
    constexpr DWORD k_all = MAXDWORD;
    if (list == nullptr) {
        return k_all;  // no list at all: everybody may do everything
    }
    DWORD rights = 0;
    for (DWORD i = 0; i < list->AceCount; ++i) {
        void* entry = nullptr;
        if (GetAce(list, i, &entry) == 0) {
            return k_all;
        }
        auto* allowed = static_cast<ACCESS_ALLOWED_ACE*>(entry);
        if (allowed->Header.AceType == ACCESS_ALLOWED_ACE_TYPE && (allowed->Header.AceFlags & INHERIT_ONLY_ACE) == 0 &&
            is_well_known(&allowed->SidStart,
                          {WinWorldSid, WinAuthenticatedUserSid, WinBuiltinUsersSid, WinBuiltinGuestsSid,
                           WinInteractiveSid, WinNetworkSid, WinAnonymousSid})) {
            rights |= allowed->Mask;
        }
    }
    return rights;
}

}  // namespace

CreationSecurity::CreationSecurity(std::uint32_t mode) {
    if ((mode & k_others) == 0) {
        descriptor_ = private_descriptor();
        attributes_ = {sizeof(attributes_), descriptor_.get(), FALSE};
    }
}

Status apply_mode(const std::string& path, std::uint32_t mode) {
    std::wstring name = wide_path(path);
    const DWORD attributes = GetFileAttributesW(name.c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES) {
        return file_error(GetLastError(), path);
    }
    const bool shared = (mode & k_others) != 0;
    const LocalMemory descriptor = private_descriptor();
    ACL empty{};
    PACL list = &empty;
    BOOL present = FALSE, defaulted = FALSE;
    if (shared) {
        InitializeAcl(&empty, sizeof(empty), ACL_REVISION);
    } else if (!descriptor || GetSecurityDescriptorDacl(descriptor.get(), &present, &list, &defaulted) == 0) {
        return file_error(GetLastError(), path);
    }
    // An empty list that is not protected means: only what the directory hands down.
    const auto protection = shared ? UNPROTECTED_DACL_SECURITY_INFORMATION : PROTECTED_DACL_SECURITY_INFORMATION;
    const DWORD problem = SetNamedSecurityInfoW(name.data(), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION | protection,
                                                nullptr, nullptr, list, nullptr);
    // FAT has no access lists.
    const bool done = problem == ERROR_SUCCESS || problem == ERROR_NOT_SUPPORTED || problem == ERROR_INVALID_FUNCTION;
    if (!done) {
        return file_error(problem, path);
    }
    const DWORD locked =
        (mode & k_writers) == 0 && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0 ? FILE_ATTRIBUTE_READONLY : 0U;
    const DWORD wanted = (attributes & ~static_cast<DWORD>(FILE_ATTRIBUTE_READONLY)) | locked;
    if (SetFileAttributesW(name.c_str(), wanted) == 0) {
        return file_error(GetLastError(), path);
    }
    return {};
}

OthersMay others_may(const std::wstring& path) {
    std::wstring name = path;
    PSID owner = nullptr;
    PACL list = nullptr;
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    const DWORD problem =
        GetNamedSecurityInfoW(name.data(), SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                              &owner, nullptr, &list, nullptr, &descriptor);
    const LocalMemory memory(descriptor);
    // What cannot be looked at counts as open to others: the caller refuses it then.
    if (problem != ERROR_SUCCESS || owner == nullptr) {
        return {};
    }
    const bool trusted = is_well_known(owner, {WinLocalSystemSid, WinBuiltinAdministratorsSid}) || is_our_user(owner);
    const DWORD rights = trusted ? rights_of_others(list) : MAXDWORD;
    return {(rights & k_write_rights) != 0, (rights & k_read_rights) != 0};
}

}  // namespace hagent::platform
