# SPDX-License-Identifier: Apache-2.0
# hagent_precompile(TARGET KIND): the standard library's headers are read once for all modules and once for all tests, which takes a
# third off a clean build. Only headers that are not ours, so that a change of ours rebuilds what it did before. An include that is
# missing shows in the presets without them: release, linux-i686, win-i686.
option(HAGENT_PRECOMPILED "Precompile the standard headers" OFF)
set(_standard <algorithm> <array> <atomic> <chrono> <cstdint> <functional> <map> <memory> <mutex> <optional> <set> <span> <string>
    <string_view> <thread> <unordered_map> <utility> <variant> <vector>)

if(HAGENT_PRECOMPILED AND CMAKE_CXX_COMPILER_ID MATCHES "Clang") # the time of the file is not what tells whether it fits
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
endif()

# hagent_precompiled(KIND TARGET [HEADER...]): TARGET is compiled with the options of its kind, and has what the others use.
function(hagent_precompiled kind target)
    if(HAGENT_PRECOMPILED)
        target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/toolchains/precompiled.cpp)
        target_precompile_headers(${target} PRIVATE ${_standard} ${ARGN})
        set_property(GLOBAL PROPERTY hagent_precompiled_${kind} ${target})
    endif()
endfunction()

function(hagent_precompile target kind)
    if(HAGENT_PRECOMPILED)
        get_property(from GLOBAL PROPERTY hagent_precompiled_${kind})
        target_precompile_headers(${target} REUSE_FROM ${from})
    endif()
endfunction()
