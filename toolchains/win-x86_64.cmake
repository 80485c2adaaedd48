# SPDX-License-Identifier: Apache-2.0
# Toolchain file: 64-bit Windows (7 and later), built by mingw-w64 with POSIX threads.
set(HAGENT_TARGET win-x86_64 CACHE STRING "Target that the dependencies are built for")
set(HAGENT_MINGW x86_64-w64-mingw32)
include(${CMAKE_CURRENT_LIST_DIR}/mingw.cmake)
# Programs of this target run under wine64 where it is installed: ctest and test discovery use it.
find_program(HAGENT_WINE wine64 PATHS /usr/lib/wine)
if(HAGENT_WINE)
    set(CMAKE_CROSSCOMPILING_EMULATOR ${HAGENT_WINE})
endif()
