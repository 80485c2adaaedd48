# SPDX-License-Identifier: Apache-2.0
# Toolchain file: static 32-bit x86 Linux with musl, built by zig. The wrappers are made by toolchains/build.
set(HAGENT_TARGET linux-i686-musl CACHE STRING "Target that the dependencies are built for")
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
if(DEFINED ENV{XDG_CACHE_HOME} AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(_tools "$ENV{XDG_CACHE_HOME}/hagent/zig/${HAGENT_TARGET}")
else()
    set(_tools "$ENV{HOME}/.cache/hagent/zig/${HAGENT_TARGET}")
endif()
if(NOT EXISTS "${_tools}/clang")
    message(FATAL_ERROR "The musl compiler is not set up. Run ./toolchains/build linux-i686-musl.")
endif()
set(CMAKE_C_COMPILER "${_tools}/clang")
set(CMAKE_CXX_COMPILER "${_tools}/clang++")
set(CMAKE_AR "${_tools}/ar" CACHE FILEPATH "")
set(CMAKE_RANLIB "${_tools}/ranlib" CACHE FILEPATH "")
set(CMAKE_C_COMPILER_AR "${CMAKE_AR}" CACHE FILEPATH "")
set(CMAKE_CXX_COMPILER_AR "${CMAKE_AR}" CACHE FILEPATH "")
set(CMAKE_C_COMPILER_RANLIB "${CMAKE_RANLIB}" CACHE FILEPATH "")
set(CMAKE_CXX_COMPILER_RANLIB "${CMAKE_RANLIB}" CACHE FILEPATH "")
# What ships is compiled for size (the driver turns -Oz into -Os, the compiler behind it does not), and carries beside its machine
# code what the linker needs to see the program as a whole (link_musl.py). Tests are linked without that. Without SSE in code that does not
# ask for it (builder/zig.py) nothing needs a stack of 16-byte steps, and saying so saves instructions at every call. A register that
# points at each frame is of use to debuggers only.
set(HAGENT_SHIPPED_FLAGS "-Xclang -Oz -Xclang -flto=full -Xclang -ffat-lto-objects -mstack-alignment=4 -fomit-frame-pointer")
set(CMAKE_C_FLAGS_INIT "${HAGENT_SHIPPED_FLAGS}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
set(CMAKE_FIND_ROOT_PATH "${_tools}/sysroot")
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# std::function has its smaller layout, in tests as in what ships: nothing in the C++ library that zig builds takes or gives one.
set(CMAKE_CXX_FLAGS_INIT "-D_LIBCPP_ABI_OPTIMIZED_FUNCTION")
