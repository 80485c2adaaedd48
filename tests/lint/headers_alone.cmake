# SPDX-License-Identifier: Apache-2.0
# Compiles each header of the agent, the platform and the fakes alone: it has to bring what it uses.
if(WIN32)
    set(other_system posix)
else()
    set(other_system win32)
endif()
file(GLOB_RECURSE headers RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/agent/*.h ${PROJECT_SOURCE_DIR}/platform/*.h ${PROJECT_SOURCE_DIR}/tests/fakes/*.h)
list(FILTER headers EXCLUDE REGEX "^platform/${other_system}/")

# hagent_alone(TARGET name...): objects, one for each file that includes just that name.
function(hagent_alone target)
    set(sources "")
    foreach(header ${ARGN})
        string(REGEX REPLACE "[^A-Za-z0-9]" "_" source ${header})
        set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}/${source}.cpp)
        file(GENERATE OUTPUT ${source} CONTENT "#include \"${header}\"\n")
        list(APPEND sources ${source})
    endforeach()
    add_library(${target} OBJECT EXCLUDE_FROM_ALL ${sources})
    target_link_libraries(${target} PRIVATE hagent_options)
    add_test(NAME lint_${target} COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target ${target} -- -k 0)
    set_tests_properties(lint_${target} PROPERTIES LABELS lint TIMEOUT 900 RESOURCE_LOCK build PROCESSORS 2)
endfunction()

hagent_alone(headers_alone ${headers})
set_tests_properties(lint_headers_alone PROPERTIES LABELS "lint;slow") # compiles each of them: two minutes

# The same on a header that leans on its includer: it has to be found.
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/leaning.h "#pragma once\ninline std::string leaning() { return {}; }\n")
hagent_alone(headers_alone_self leaning.h)
target_include_directories(headers_alone_self PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
set_tests_properties(lint_headers_alone_self PROPERTIES PASS_REGULAR_EXPRESSION "leaning\\.h:2:.*std")
