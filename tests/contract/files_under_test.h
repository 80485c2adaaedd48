// SPDX-License-Identifier: Apache-2.0
// Owns the two file systems that the suites of files.h run over.
#pragma once

#include <string>

#include "tests/fakes/fake_files.h"
#include "tests/fakes/temp_directory.h"

namespace hagent {

/// The machine's file system, in a fresh directory.
struct RealFilesUnderTest {
    fakes::TempDirectory directory;
    std::unique_ptr<platform::Files> owner = platform::system_files();
    platform::Files& files = *owner;
    std::string root = directory.path();
};

struct FakeFilesUnderTest {
    FakeFilesUnderTest() { owner.put_directory(root); }
    fakes::FakeFiles owner;
    platform::Files& files = owner;
    std::string root = "/place";
};

}  // namespace hagent
