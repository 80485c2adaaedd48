# SPDX-License-Identifier: Apache-2.0
# Toolchain file: 32-bit x86 Linux with glibc, built by the machine's own compiler (package g++-multilib).
set(HAGENT_TARGET linux-i686 CACHE STRING "Target that the dependencies are built for")
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER gcc)
set(CMAKE_CXX_COMPILER g++)
set(_flags "-m32 -march=i686 -msse2 -mfpmath=sse -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64")
set(CMAKE_C_FLAGS_INIT "${_flags}")
set(CMAKE_CXX_FLAGS_INIT "${_flags}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-m32 -static-libstdc++ -static-libgcc")
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
