// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what administrators of Windows are told to type, and of who counts as another user there.
#include "platform/permissions.h"

#include <doctest/doctest.h>

#include "platform/win32/api.h"
#include "platform/win32/wide.h"
#include "tests/fakes/temp_directory.h"
// After the Windows headers.
#include <aclapi.h>
#include <sddl.h>

namespace hagent {
namespace {

TEST_CASE("icacls takes the place of chmod and chown, with accounts by number") {
    platform::FileInfo info;
    CHECK(platform::how_to_close("C:\\a b\\x", info) ==
          "can be changed by other users; run as administrator: icacls \"C:\\a b\\x\" /setowner *S-1-5-32-544 && "
          "icacls \"C:\\a b\\x\" /reset "
          "&& icacls \"C:\\a b\\x\" /inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F *S-1-5-32-545:RX");
    info.kind = platform::FileKind::directory;
    CHECK(platform::how_to_close("C:\\x", info)
              .ends_with("/grant:r *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F *S-1-5-32-545:(OI)(CI)RX"));
    CHECK(platform::command_to_hide("C:\\x").ends_with(" /inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F"));
}

/// Gives a file the access list that the text describes.
void give(const std::string& path, const wchar_t* access) {
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    REQUIRE(ConvertStringSecurityDescriptorToSecurityDescriptorW(access, SDDL_REVISION_1, &descriptor, nullptr) != 0);
    const platform::LocalMemory memory(descriptor);
    BOOL present = FALSE, defaulted = FALSE;
    PACL list = nullptr;
    REQUIRE(GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted) != 0);
    std::wstring name = platform::wide_path(path);
    REQUIRE(SetNamedSecurityInfoW(name.data(), SE_FILE_OBJECT,
                                  DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, nullptr, nullptr,
                                  list, nullptr) == ERROR_SUCCESS);
}

TEST_CASE("who else may read or write a file is read from its access list") {
    const auto files = platform::system_files();
    const fakes::TempDirectory folder;
    const std::string path = folder.path() + "\\secret";
    REQUIRE(files->write_durable(path, "x", 0600).ok());
    const auto others = [&] {
        const auto info = files->info(path).value().value();
        return std::string(info.readable_by_others ? "r" : "") + (info.writable_by_others ? "w" : "");
    };
    CHECK(others().empty());
    give(path, L"D:P(A;;FA;;;BA)(A;;FR;;;WD)");
    CHECK(others() == "r");
    give(path, L"D:P(A;;FA;;;BA)(A;;FA;;;WD)");
    CHECK(others() == "rw");
    REQUIRE(files->set_mode(path, 0600).ok());
    CHECK(others().empty());
}

}  // namespace
}  // namespace hagent
