// SPDX-License-Identifier: Apache-2.0
// Owns `image`: which of its verbs was meant.
#include <algorithm>
#include <array>

#include "agent/verbs/verbs.h"

namespace hagent::verbs {
namespace {

struct ImageVerb {
    std::string_view name;
    int (*run)(Machine&, const Options&);
};
constexpr std::array k_verbs = {ImageVerb{"status", image_status}, ImageVerb{"write", image_write},
                                ImageVerb{"confirm", image_confirm}, ImageVerb{"rollback", image_rollback},
                                ImageVerb{"pack", image_pack}};

}  // namespace

int image(Machine& machine, const Options& options) {
    const auto verb = std::find_if(k_verbs.begin(), k_verbs.end(), [&](const ImageVerb& known) {
        return !options.arguments.empty() && options.arguments.front() == known.name;
    });
    return verb == k_verbs.end()
               ? usage(machine, options,
                       "say what to do with images: status, write SOURCE, confirm, rollback, pack RAW")
               : verb->run(machine, options);
}

}  // namespace hagent::verbs
