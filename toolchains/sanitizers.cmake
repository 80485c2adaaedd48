# SPDX-License-Identifier: Apache-2.0
# hagent_sanitizers: what HAGENT_SANITIZE asks for; empty means nothing.
# hagent_libfuzzer: links libFuzzer's main into a fuzz target; HAGENT_FUZZING tells whether it is there.
set(HAGENT_SANITIZE "" CACHE STRING "address-undefined, thread or empty")
set_property(CACHE HAGENT_SANITIZE PROPERTY STRINGS "" address-undefined thread)

add_library(hagent_sanitizers INTERFACE)
add_library(hagent_libfuzzer INTERFACE)
set(HAGENT_FUZZING OFF)

if(HAGENT_SANITIZE STREQUAL "address-undefined")
    # Compiled for libFuzzer throughout, so that one build has the tests, the corpora and the hunts.
    set(HAGENT_FUZZING ON)
    set(_kinds -fsanitize=fuzzer-no-link,address,undefined)
    target_link_options(hagent_libfuzzer INTERFACE -fsanitize=fuzzer)
elseif(HAGENT_SANITIZE STREQUAL "thread")
    set(_kinds -fsanitize=thread)
elseif(HAGENT_SANITIZE)
    message(FATAL_ERROR "HAGENT_SANITIZE=${HAGENT_SANITIZE} is not known; use address-undefined, thread or nothing.")
endif()

if(HAGENT_FUZZING AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "HAGENT_SANITIZE=${HAGENT_SANITIZE} needs clang, which brings libFuzzer: use a preset.")
endif()
if(HAGENT_SANITIZE)
    target_compile_options(hagent_sanitizers INTERFACE ${_kinds} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(hagent_sanitizers INTERFACE ${_kinds})
endif()
