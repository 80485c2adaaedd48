# SPDX-License-Identifier: Apache-2.0
# Compiles through ccache where the machine has it; nothing depends on it.
find_program(HAGENT_CCACHE ccache)
if(HAGENT_CCACHE)
    foreach(language C CXX)
        if(NOT CMAKE_${language}_COMPILER_LAUNCHER)
            set(CMAKE_${language}_COMPILER_LAUNCHER ${HAGENT_CCACHE})
        endif()
    endforeach()
endif()
