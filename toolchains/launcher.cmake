# SPDX-License-Identifier: Apache-2.0
# Compiles through ccache where the machine has it; nothing depends on it. Paths below the checkout count as relative, so
# that a second clone finds what the first one compiled.
find_program(HAGENT_CCACHE ccache)
if(HAGENT_CCACHE)
    foreach(language C CXX)
        if(NOT CMAKE_${language}_COMPILER_LAUNCHER)
            set(CMAKE_${language}_COMPILER_LAUNCHER
                ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
                CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${HAGENT_CCACHE})
        endif()
    endforeach()
endif()
