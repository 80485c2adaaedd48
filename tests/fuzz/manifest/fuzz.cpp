// SPDX-License-Identifier: Apache-2.0
// Owns the fuzz target of manifests: untrusted text must be refused or survive a round trip, and is never verified by
// no key.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/trust/digest.h"
#include "agent/trust/key_ring.h"
#include "agent/trust/manifest.h"

using namespace hagent;
using namespace hagent::trust;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (open_manifest(KeyRing(), text, text).ok()) {
        std::abort();
    }
    if (const auto state = Sha256::restore(text); state && state->save() != text) {
        std::abort();
    }
    const auto manifest = parse_manifest(text);
    if (!manifest.ok()) {
        return 0;
    }
    if (manifest->files.empty() || manifest->files.size() > limits::k_manifest_files) {
        std::abort();
    }
    for (const ManifestFile& file : manifest->files) {
        const std::string inside = "/" + file.path + "/";
        if (!valid_path(file.path) || inside.find("/../") != std::string::npos ||
            inside.find("//") != std::string::npos) {
            std::abort();
        }
    }
    const std::string written = write_manifest(*manifest);
    const auto again = parse_manifest(written);
    if (written.size() <= limits::k_manifest_bytes && (!again.ok() || !(*again == *manifest))) {
        std::abort();
    }
    return 0;
}
