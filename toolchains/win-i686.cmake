# SPDX-License-Identifier: Apache-2.0
# Toolchain file: 32-bit Windows (7 and later), built by mingw-w64 with POSIX threads.
set(HAGENT_TARGET win-i686 CACHE STRING "Target that the dependencies are built for")
set(HAGENT_MINGW i686-w64-mingw32)
include(${CMAKE_CURRENT_LIST_DIR}/mingw.cmake)
