// SPDX-License-Identifier: Apache-2.0
// Owns the packed sentences of all tables, which pack_sentences.py makes; private to this folder.
#pragma once

#include <cstdint>

namespace hagent::errors {
#include <sentences.inc>
}  // namespace hagent::errors
