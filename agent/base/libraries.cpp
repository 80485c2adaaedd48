// SPDX-License-Identifier: Apache-2.0
// Owns the table of libraries, put together when this file is compiled.
#include "agent/base/libraries.h"

namespace hagent {
namespace {

// A row: name, version, patches, lacks, "true" or "false" for patched, line for people. All are literals, so that the
// compiler joins them: the program holds two texts, and no code that writes them.
#define HAGENT_LIBRARY(name, version, patches, lacks, patched, line) \
    ",{\"name\":\"" name "\",\"version\":\"" version "\",\"patches\":\"" patches "\",\"lacks\":\"" lacks \
    "\",\"patched\":" patched "}"
constexpr std::string_view k_json =
#include <libraries.def>
    ;
#undef HAGENT_LIBRARY

#define HAGENT_LIBRARY(name, version, patches, lacks, patched, line) line
constexpr std::string_view k_missing = ""
#include <libraries.def>
    ;
#undef HAGENT_LIBRARY

constexpr bool k_patched = k_json.find("\"patched\":false") == std::string_view::npos;

}  // namespace

std::string_view libraries_json() { return k_json.substr(1); }
std::string_view missing_patches_text() { return k_missing; }
bool libraries_patched() { return k_patched; }

}  // namespace hagent
