# SPDX-License-Identifier: Apache-2.0
# The static dependencies as targets: hagent::curl, hagent::mbedtls, hagent::json, hagent::doctest (and hagent::archive when
# it was built). They are looked up in the builder's cache; -DHAGENT_DEPS=prefix names another place.
set(HAGENT_TARGET native CACHE STRING "Target that the dependencies are built for")
set(HAGENT_DEPS "" CACHE PATH "Prefix of the static dependencies; empty: the one that toolchains/build made")
set(HAGENT_ARCHIVE_DEPS "" CACHE PATH "Prefix of libarchive and its decoders; empty: the one that toolchains/build made, if it did")

# Asks the builder where a group of dependencies is; empty when it is not built.
function(hagent_find_prefix result)
    execute_process(COMMAND ${PROJECT_SOURCE_DIR}/toolchains/build --print-prefix --target ${HAGENT_TARGET} ${ARGN}
        OUTPUT_VARIABLE _found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE _code)
    if(_code)
        set(_found "")
    endif()
    set(${result} "${_found}" PARENT_SCOPE)
endfunction()

function(hagent_static_library name)
    add_library(hagent::${name} INTERFACE IMPORTED GLOBAL)
    cmake_parse_arguments(ARG "" "PREFIX" "ARCHIVES;DEPENDS;DEFINES" ${ARGN})
    list(TRANSFORM ARG_ARCHIVES PREPEND "${ARG_PREFIX}/${name}/lib/")
    target_include_directories(hagent::${name} INTERFACE "${ARG_PREFIX}/${name}/include")
    target_compile_definitions(hagent::${name} INTERFACE ${ARG_DEFINES})
    target_link_libraries(hagent::${name} INTERFACE ${ARG_ARCHIVES} ${ARG_DEPENDS})
endfunction()

set(_prefix "${HAGENT_DEPS}")
if(NOT _prefix)
    hagent_find_prefix(_prefix)
endif()
if(NOT EXISTS "${_prefix}/versions.json")
    message(FATAL_ERROR "The static dependencies for ${HAGENT_TARGET} are not there. Run ./toolchains/build PRESET "
        "(for example ./toolchains/build dev), or name their folder with -DHAGENT_DEPS=prefix.")
endif()
message(STATUS "Dependencies: ${_prefix}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${CMAKE_CURRENT_LIST_DIR}/versions ${CMAKE_CURRENT_LIST_DIR}/mbedtls_config.h ${CMAKE_CURRENT_LIST_DIR}/builder/recipes.py)

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
set(_tls_system Threads::Threads $<$<BOOL:${WIN32}>:bcrypt>)
set(_curl_system $<$<BOOL:${WIN32}>:iphlpapi> $<$<BOOL:${WIN32}>:ws2_32> $<$<BOOL:${WIN32}>:crypt32>)

hagent_static_library(mbedtls PREFIX ${_prefix} ARCHIVES libmbedtls.a libmbedx509.a libmbedcrypto.a DEPENDS ${_tls_system})
hagent_static_library(curl PREFIX ${_prefix} ARCHIVES libcurl.a DEPENDS hagent::mbedtls ${_curl_system} DEFINES CURL_STATICLIB)
hagent_static_library(json PREFIX ${_prefix})
hagent_static_library(doctest PREFIX ${_prefix})

set(_archive "${HAGENT_ARCHIVE_DEPS}")
if(NOT _archive)
    hagent_find_prefix(_archive --group archive)
endif()
if(EXISTS "${_archive}/versions.json")
    hagent_static_library(zlib PREFIX ${_archive} ARCHIVES libz.a)
    hagent_static_library(lzma PREFIX ${_archive} ARCHIVES liblzma.a DEFINES LZMA_API_STATIC)
    hagent_static_library(zstd PREFIX ${_archive} ARCHIVES libzstd.a)
    hagent_static_library(archive PREFIX ${_archive} ARCHIVES libarchive.a DEFINES LIBARCHIVE_STATIC
        DEPENDS hagent::zlib hagent::lzma hagent::zstd $<$<BOOL:${WIN32}>:bcrypt>)
endif()
