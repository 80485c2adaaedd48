// SPDX-License-Identifier: Apache-2.0
// Owns the unpacking of a sentence; pack_sentences.py has the form.
#include <iterator>

#include "agent/errors/catalogue.h"
#include "agent/errors/packed.h"

namespace hagent::errors {
namespace {

// The number of a symbol, whose bytes are passed over.
unsigned next_symbol(const unsigned char*& at) {
    const unsigned first = *at++;
    return first < k_first_long ? first : k_first_long + (first - k_first_long) * 256 + *at++;
}

// A pair is of symbols that were there before it, so this comes to an end.
void append(std::string& out, unsigned symbol) {
    constexpr unsigned k_first_pair = std::size(k_letters);
    if (symbol < k_first_pair) {
        out += k_letters[symbol - 1];
        return;
    }
    const std::uint16_t* pair = k_pairs + std::size_t{2} * (symbol - k_first_pair);
    append(out, pair[0]);
    append(out, pair[1]);
}

}  // namespace

std::string Sentence::text() const {
    const unsigned char* at = k_packed;
    for (unsigned left = number_; left > 0; --left) {
        while (next_symbol(at) != 0) {
        }
    }
    std::string out;
    while (const unsigned symbol = next_symbol(at))
        append(out, symbol);
    return out;
}

}  // namespace hagent::errors
