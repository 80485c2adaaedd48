// SPDX-License-Identifier: Apache-2.0
// Owns how the Windows headers are taken in: the socket header first, no min and max macros; and owners for their
// handles.
#pragma once

#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <winsock2.h>
#include <ws2tcpip.h>
// After the socket headers.
#include <windows.h>

#include "agent/base/handle.h"

namespace hagent::platform {

/// For CreateFile and FindFirstFile, whose failure is not null.
struct FileHandleTraits {
    using Value = HANDLE;
    static Value none() { return INVALID_HANDLE_VALUE; }
    static void close(Value value) { CloseHandle(value); }
};

struct FindHandleTraits {
    using Value = HANDLE;
    static Value none() { return INVALID_HANDLE_VALUE; }
    static void close(Value value) { FindClose(value); }
};

struct KernelHandleTraits {
    using Value = HANDLE;
    static Value none() { return nullptr; }
    static void close(Value value) { CloseHandle(value); }
};

/// For what the security functions allocate.
struct LocalMemoryTraits {
    using Value = void*;
    static Value none() { return nullptr; }
    static void close(Value value) { LocalFree(value); }
};

struct RegistryKeyTraits {
    using Value = HKEY;
    static Value none() { return nullptr; }
    static void close(Value value) { RegCloseKey(value); }
};

using FileHandle = UniqueHandle<FileHandleTraits>;
using FindHandle = UniqueHandle<FindHandleTraits>;
using KernelHandle = UniqueHandle<KernelHandleTraits>;
using LocalMemory = UniqueHandle<LocalMemoryTraits>;
using RegistryKey = UniqueHandle<RegistryKeyTraits>;

}  // namespace hagent::platform
