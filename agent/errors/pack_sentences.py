#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packs the sentences of the tables: pack_sentences.py OUTPUT TABLE.def... writes what sentence.cpp and rows.h include.

The two symbols that stand most often beside each other become one new symbol, again and again (byte pair encoding, P. Gage 1994).
So a sentence can be unpacked by itself, with a table of pairs and no memory. Symbols: 0 ends a sentence, then the letters, then the
pairs, the frequent ones first. A symbol below FIRST_LONG is one byte; of another the first byte says which 256 the second is of.
"""
import collections
import re
import sys

TEXT = r'"((?:[^"\\]|\\.)*)"'
ROW = re.compile(rf"^HAGENT_\w+\(.*?, (?:transient|permanent), {TEXT}, {TEXT}")
SENTENCE = re.compile(rf"^HAGENT_SENTENCE\(\w+, {TEXT}\)")
FIRST_LONG = 252                                          # four bytes begin long symbols
MOST_PAIRS = FIRST_LONG + (256 - FIRST_LONG) * 256 - 128  # the letters have room beside them
RARE = 10                                                 # a pair that occurs less often saves less than its four bytes in the table


def sentences_of(lines):
    """Every sentence in the order of the tables: cause and next of a row, and those that stand by themselves."""
    found = []
    for line in lines:
        if line.startswith("HAGENT_"):
            match = ROW.match(line) or SENTENCE.match(line)
            if not match or not all(match.groups()):
                sys.exit(f"pack_sentences.py: no sentences in: {line.rstrip()}")
            found += [re.sub(r"\\(.)", r"\1", text) for text in match.groups()]
    return found


def joined(symbols, pair, new):
    """The symbols with each occurrence of the pair replaced."""
    out, at = [], 0
    while at < len(symbols):
        if symbols[at:at + 2] == pair:
            out.append(new)
            at += 2
        else:
            out.append(symbols[at])
            at += 1
    return out


def grammar(texts):
    """(texts as symbols, {symbol: its pair}); a letter is its own symbol, a pair is a number."""
    packed, pairs = [list(text) for text in texts], {}
    count = collections.Counter(pair for symbols in packed for pair in zip(symbols, symbols[1:]))
    while True:
        pair, times = max(count.items(), key=lambda item: (item[1], str(item[0])))
        if times < RARE or len(pairs) >= MOST_PAIRS:
            return packed, pairs
        new = len(pairs)
        pairs[new] = list(pair)
        for place, symbols in enumerate(packed):
            if pair in zip(symbols, symbols[1:]):
                packed[place] = joined(symbols, list(pair), new)
                count.subtract(zip(symbols, symbols[1:]))
                count.update(zip(packed[place], packed[place][1:]))


def numbered(packed, pairs):
    """{symbol: number}, letters first, then pairs by how often they are written."""
    used = collections.Counter(symbol for symbols in [*packed, *pairs.values()] for symbol in symbols)
    letters = sorted(symbol for symbol in used if isinstance(symbol, str))
    ordered = letters + sorted(pairs, key=lambda pair: (-used[pair], pair))
    return "".join(letters), {symbol: number for number, symbol in enumerate(ordered, 1)}


def written(number):
    """The bytes of a symbol."""
    if number < FIRST_LONG:
        return [number]
    return [FIRST_LONG + (number - FIRST_LONG) // 256, (number - FIRST_LONG) % 256]


def listed(values):
    """Numbers as C++ writes them."""
    return "".join("    " + ", ".join(str(value) for value in values[at:at + 32]) + ",\n" for at in range(0, len(values), 32))


def main(output, tables):
    lines = []
    for table in tables:
        with open(table, encoding="ascii") as file:
            lines += file
    sentences = sentences_of(lines)
    texts = sorted(set(sentences))
    packed, pairs = grammar(texts)
    letters, numbers = numbered(packed, pairs)
    stream = [byte for symbols in packed for byte in [*(part for symbol in symbols for part in written(numbers[symbol])), 0]]
    halves = [numbers[half] for pair in sorted(pairs, key=numbers.get) for half in pairs[pair]]
    place = {text: number for number, text in enumerate(texts)}
    escaped = letters.replace("\\", "\\\\").replace('"', '\\"')
    with open(output, "w", encoding="ascii") as file:
        file.write("// Made by pack_sentences.py, which says how to read it.\n"
                   f"inline constexpr unsigned k_first_long = {FIRST_LONG};\n"
                   f'inline constexpr char k_letters[] = "{escaped}";\n'
                   f"inline constexpr std::uint16_t k_pairs[] = {{\n{listed(halves)}}};\n"
                   f"inline constexpr unsigned char k_packed[] = {{\n{listed(stream)}}};\n"
                   f"inline constexpr std::uint16_t k_sentences[] = {{\n{listed([place[text] for text in sentences])}}};\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
