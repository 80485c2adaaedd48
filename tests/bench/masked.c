// SPDX-License-Identifier: Apache-2.0
// Stands in for hagent::trust::has_sha_extensions() in the masked build (variants.py): this processor is said to have none.
#include <stdbool.h>

bool __wrap__ZN6hagent5trust18has_sha_extensionsEv(void);
bool __wrap__ZN6hagent5trust18has_sha_extensionsEv(void) { return false; }
