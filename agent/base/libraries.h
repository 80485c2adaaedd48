// SPDX-License-Identifier: Apache-2.0
// Owns what this program says about the libraries in it: where their sources came from, which security patches are on.
#pragma once

#include <string_view>

namespace hagent {

/// The libraries as elements of a JSON array, separated by commas: {"name","version","patches","lacks","patched"}.
/// `patches` is the distribution's revision whose patches are on ("": none), `lacks` the newest one that was known when
/// the library was built and could not be had ("": nothing is missing); `patched` is false when none of the release's
/// patches are on. Source: the table that toolchains/build writes beside the libraries.
[[nodiscard]] std::string_view libraries_json();

/// A line for people, with its end, for each library that lacks patches; empty when none does.
[[nodiscard]] std::string_view missing_patches_text();

/// Whether each library has at least some revision of the release's patches. `hagent version --json` says it: a build
/// without them must not pass unnoticed.
[[nodiscard]] bool libraries_patched();

}  // namespace hagent
