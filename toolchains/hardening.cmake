# SPDX-License-Identifier: Apache-2.0
# hagent_hardening: protections of the compiler and linker, where the target has them, and what keeps the binary small.
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX OUTPUT_VARIABLE _pie_output)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(hagent_hardening INTERFACE)
set(_optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)

# Where size counts most, the functions that are guarded are those with a buffer: without the lower limit each std::string would count as
# one, for the few characters it holds inside, which nothing but its own checked code writes.
if(HAGENT_TARGET MATCHES "musl")
    set(_guard -fstack-protector "SHELL:-Xclang -stack-protector -Xclang 1 -Xclang -stack-protector-buffer-size -Xclang 16")
else()
    set(_guard -fstack-protector-strong)
endif()
target_compile_options(hagent_hardening INTERFACE
    ${_guard} -ffunction-sections -fdata-sections
    $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden>
    -fvisibility=hidden)
target_link_options(hagent_hardening INTERFACE -Wl,--gc-sections)

if(WIN32)
    target_link_options(hagent_hardening INTERFACE -fstack-protector-strong) # mingw keeps its part in a library
    target_link_options(hagent_hardening INTERFACE -Wl,--nxcompat,--dynamicbase)
    if(CMAKE_SIZEOF_VOID_P EQUAL 8)
        target_link_options(hagent_hardening INTERFACE -Wl,--high-entropy-va)
    endif()
else()
    target_link_options(hagent_hardening INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
    if(NOT HAGENT_SANITIZE)
        target_compile_options(hagent_hardening INTERFACE -fstack-clash-protection)
        if(NOT HAGENT_TARGET MATCHES "musl") # musl has no checked variants of the string functions
            target_compile_options(hagent_hardening INTERFACE $<${_optimised}:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=2>)
        endif()
    endif()
endif()
