# SPDX-License-Identifier: Apache-2.0
# hagent_warnings: the warnings every file of the project compiles with; a warning stops the build.
option(HAGENT_WERROR "Treat warnings as errors" ON)

add_library(hagent_warnings INTERFACE)
target_compile_options(hagent_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
    $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast$<SEMICOLON>-Wsuggest-override>
    $<$<BOOL:${HAGENT_WERROR}>:-Werror>
    # Clang's pedantic mode reports the statement expression in TRY even behind __extension__ in templates.
    $<$<CXX_COMPILER_ID:Clang>:-Wno-gnu-statement-expression>
    # __COUNTER__, which gives each TRY a variable of its own, became a C2y feature that newer Clangs mention.
    $<$<AND:$<CXX_COMPILER_ID:Clang>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,20>>:-Wno-c2y-extensions>)
