# SPDX-License-Identifier: Apache-2.0
# The static dependencies as targets: hagent::curl, hagent::mbedtls, hagent::json, hagent::doctest, hagent::inflate,
# hagent::lzma_decoder, hagent::zstd_decoder (and hagent::archive when it was built). They are looked up in the builder's cache; -DHAGENT_DEPS=prefix names another place.
set(HAGENT_TARGET native CACHE STRING "Target that the dependencies are built for")
set(HAGENT_DEPS "" CACHE PATH "Prefix of the static dependencies; empty: the one that toolchains/build made")
set(HAGENT_DECODER_DEPS "" CACHE PATH "Prefix of the decoders of image chunks; empty: the one that toolchains/build made")
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

# hagent_imported(NAME FOLDER ARCHIVE DEPENDS target...): a static library of a prefix; ARCHIVE "" means headers only.
function(hagent_imported name folder archive)
    cmake_parse_arguments(ARG "" "" "DEPENDS;DEFINES" ${ARGN})
    if(archive)
        add_library(hagent::${name} STATIC IMPORTED GLOBAL)
        set_target_properties(hagent::${name} PROPERTIES IMPORTED_LOCATION "${folder}/lib/${archive}")
    else()
        add_library(hagent::${name} INTERFACE IMPORTED GLOBAL)
    endif()
    target_include_directories(hagent::${name} SYSTEM INTERFACE "${folder}/include")
    target_compile_definitions(hagent::${name} INTERFACE ${ARG_DEFINES})
    target_link_libraries(hagent::${name} INTERFACE ${ARG_DEPENDS})
endfunction()

# hagent_prefix(VARIABLE CACHED group): the folder of a group that the agent links, which has to be there.
function(hagent_prefix result cached group)
    set(_found "${${cached}}")
    if(NOT _found)
        hagent_find_prefix(_found --group ${group})
    endif()
    if(NOT EXISTS "${_found}/libraries.def")
        message(FATAL_ERROR "The static dependencies (${group}) for ${HAGENT_TARGET} are not there. Run ./toolchains/build PRESET "
            "(for example ./toolchains/build dev), or name their folder with -D${cached}=prefix.")
    endif()
    message(STATUS "Dependencies (${group}): ${_found}")
    set(${result} "${_found}" PARENT_SCOPE)
endfunction()

hagent_prefix(_prefix HAGENT_DEPS base)
hagent_prefix(_decoders HAGENT_DECODER_DEPS decoders)
set(HAGENT_LIBRARIES_FROM "${_prefix};${_decoders}" CACHE INTERNAL "Each holds libraries.def and versions.json: what its libraries were built from")
# What hagent version says about the libraries: the tables of both as one.
set(_table "")
foreach(_from ${HAGENT_LIBRARIES_FROM})
    file(READ ${_from}/libraries.def _rows)
    string(APPEND _table "${_rows}")
endforeach()
set(HAGENT_LIBRARIES_TABLE_IN ${PROJECT_BINARY_DIR}/libraries)
file(CONFIGURE OUTPUT ${HAGENT_LIBRARIES_TABLE_IN}/libraries.def CONTENT "${_table}" @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${CMAKE_CURRENT_LIST_DIR}/versions ${CMAKE_CURRENT_LIST_DIR}/mbedtls_config.h ${CMAKE_CURRENT_LIST_DIR}/builder/recipes.py)

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
set(_crypto_system Threads::Threads)
set(_curl_system "")
if(WIN32)
    set(_crypto_system Threads::Threads bcrypt -fstack-protector-strong) # mingw keeps the stack protector in a library
    set(_curl_system iphlpapi ws2_32 crypt32)
    set(_x509_system ws2_32)  # addresses in certificates
endif()

hagent_imported(mbedcrypto ${_prefix}/mbedtls libmbedcrypto.a DEPENDS ${_crypto_system})
hagent_imported(mbedx509 ${_prefix}/mbedtls libmbedx509.a DEPENDS hagent::mbedcrypto ${_x509_system})
hagent_imported(mbedtls ${_prefix}/mbedtls libmbedtls.a DEPENDS hagent::mbedx509)
hagent_imported(curl ${_prefix}/curl libcurl.a DEPENDS hagent::mbedtls ${_curl_system} DEFINES CURL_STATICLIB)
hagent_imported(json ${_prefix}/json "")
hagent_imported(doctest ${_prefix}/doctest "")

hagent_imported(inflate ${_decoders}/zlib libinflate.a)
hagent_imported(lzma_decoder ${_decoders}/lzma liblzma_decoder.a DEFINES LZMA_API_STATIC)
hagent_imported(zstd_decoder ${_decoders}/zstd libzstd_decoder.a)

set(_archive "${HAGENT_ARCHIVE_DEPS}")
if(NOT _archive)
    hagent_find_prefix(_archive --group archive)
endif()
if(EXISTS "${_archive}/versions.json")
    hagent_imported(zlib ${_archive}/zlib libz.a)
    hagent_imported(lzma ${_archive}/lzma liblzma.a DEFINES LZMA_API_STATIC)
    hagent_imported(zstd ${_archive}/zstd libzstd.a)
    hagent_imported(archive ${_archive}/archive libarchive.a DEPENDS hagent::zlib hagent::lzma hagent::zstd
        DEFINES LIBARCHIVE_STATIC)
    if(WIN32)
        target_link_libraries(hagent::archive INTERFACE bcrypt)
    endif()
endif()
