// SPDX-License-Identifier: Apache-2.0
// Owns the type checks and the guess at what a misspelt key should have been.
#include "agent/config/reader.h"

#include <algorithm>
#include <numeric>

#include "agent/base/concat.h"
#include "agent/base/text.h"

namespace hagent::config {

namespace {

constexpr std::size_t k_shown_bytes = 64;

/// Levenshtein, with two neighbours swapped as one step (Damerau's restricted form): "ulrs" is one step from "urls".
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    std::iota(d[0].begin(), d[0].end(), 0U);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        d[i][0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[a.size()][b.size()];
}

/// The beginning of a key counts as meant ("interval" for interval_s); else up to two slips, fewer in short words,
/// where two slips make any word of any other.
std::string nearest(std::string_view word, const std::vector<std::string>& known) {
    std::string best;
    std::size_t best_distance = std::min<std::size_t>(2, word.size() / 2) + 1;
    for (const std::string& candidate : known) {
        if (word.size() >= 3 && candidate.starts_with(word)) {
            return candidate;
        }
        if (const auto steps = distance(word, candidate); steps < best_distance) {
            best = candidate;
            best_distance = steps;
        }
    }
    return best;
}

/// A text setting ends up in paths, headers and logs: no control bytes. A tab passes printable(), but no setting needs
/// one.
bool is_plain(std::string_view text) { return printable(text) == text && text.find('\t') == std::string_view::npos; }

bool is_plain_text(const std::optional<std::string_view>& text, std::size_t max_bytes) {
    return text && text->size() <= max_bytes && is_plain(*text);
}

}  // namespace

/// The complaint names all that would do, since nobody remembers them. An empty text is a wrong one, not an absent one.
std::optional<std::size_t> Reader::one_of(const char* key, std::span<const std::string_view> names) {
    std::string name, all;
    text(key, name);
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (name == names[i]) {
            return i;
        }
        all.append(all.empty() ? "" : ", ").append(names[i]);
    }
    if (!name.empty() || is_empty_text(key)) {
        complain(key, "must be one of: " + all);
    }
    return std::nullopt;
}

std::string Reader::path_of(std::string_view key) const {
    std::string shown = printable(clip(key, k_shown_bytes));
    return path_.empty() ? shown : concat({path_, ".", shown});
}

void Reader::complain(std::string_view key, std::string_view message, errors::AgentCode code) {
    complaints_.push_back({code, path_of(key), std::string(message)});
}

/// Whoever looks for a key thereby says that it exists; finish() has no list of its own that could be out of step.
JsonView Reader::find(const char* key) {
    known_.emplace_back(key);
    return object_.find(key);
}

bool Reader::is_empty_text(const char* key) const { return object_.find(key).text() == ""; }

void Reader::text(const char* key, std::string& out, std::size_t max_bytes) {
    const JsonView value = find(key);
    if (!value.exists()) {
        return;
    }
    const auto content = value.text();
    if (!content) {
        complain(key, "must be a text in quotation marks");
    } else if (content->size() > max_bytes) {
        complain(key, concat({"must not be longer than ", std::to_string(max_bytes), " bytes"}));
    } else if (!is_plain(*content)) {
        complain(key, "must not hold control characters");
    } else {
        out = *content;
    }
}

void Reader::flag(const char* key, bool& out) {
    if (const JsonView value = find(key); value.exists()) {
        if (const auto content = value.boolean()) {
            out = *content;
        } else {
            complain(key, "must be true or false");
        }
    }
}

/// "must be a whole number" and "must be from 1 to 100" are two mistakes with two cures, so the type is looked at
/// first.
bool Reader::whole(const char* key, std::uint64_t& out, std::uint64_t min, std::uint64_t max) {
    const JsonView value = find(key);
    if (!value.exists()) {
        return false;
    }
    if (!value.is_integer()) {
        complain(key, "must be a whole number");
        return false;
    }
    const auto number = value.whole(max);
    if (!number || *number < min) {
        complain(key, concat({"must be from ", std::to_string(min), " to ", std::to_string(max)}));
        return false;
    }
    out = *number;
    return true;
}

JsonView Reader::list(const char* key, std::size_t max_items) {
    const JsonView value = find(key);
    if (!value.exists()) {
        return {};
    }
    if (!value.is_array()) {
        complain(key, "must be a list in square brackets");
        return {};
    }
    if (value.size() > max_items) {
        complain(key, concat({"must not have more than ", std::to_string(max_items), " items"}));
        return {};
    }
    return value;
}

/// Items that are no objects are complained of and left out; the others are read all the same.
std::optional<std::vector<Reader>> Reader::objects(const char* key, std::size_t max_items) {
    const JsonView items = list(key, max_items);
    if (!items.exists()) {
        return std::nullopt;
    }
    std::vector<Reader> out;
    std::size_t i = 0;
    for (const JsonView item : items) {
        const std::string name = concat({key, "[", std::to_string(i++), "]"});
        if (item.is_object()) {
            out.emplace_back(item, path_of(name), complaints_);
        } else {
            complain(name, "must be an object in curly brackets");
        }
    }
    return out;
}

/// Given means given: the list replaces the default and does not add to it. Empty items are most likely left over from
/// editing, and mean nothing anywhere.
void Reader::texts(const char* key, std::vector<std::string>& out, std::size_t max_items) {
    constexpr std::size_t k_item_bytes = 2048;
    const JsonView items = list(key, max_items);
    if (!items.exists()) {
        return;
    }
    out.clear();
    std::size_t i = 0;
    for (const JsonView item : items) {
        const auto content = item.text();
        if (!is_plain_text(content, k_item_bytes) || content->empty()) {
            complain(concat({key, "[", std::to_string(i), "]"}), "must be a text that is not empty");
        } else {
            out.emplace_back(*content);
        }
        ++i;
    }
}

/// A list that cannot be read leaves an empty program behind, so that the numbers of the others stay right.
void Reader::commands(const char* key, std::vector<std::vector<std::string>>& out, std::size_t max_items) {
    constexpr std::size_t k_argument_bytes = 2048;
    const JsonView items = list(key, max_items);
    if (!items.exists()) {
        return;
    }
    out.clear();
    for (const JsonView item : items) {
        auto& argv = out.emplace_back();
        bool good = item.size() <= max_items;
        if (const auto text = item.text(); is_plain_text(text, k_argument_bytes)) {
            for (const auto word : split(*text, ' ')) {
                word.empty() ? void() : void(argv.emplace_back(word));
            }
        } else if (item.is_array() && good) {
            for (const JsonView argument : item) {
                const auto word = argument.text();
                good = good && is_plain_text(word, k_argument_bytes);
                argv.emplace_back(good ? *word : "");
            }
        }
        if (!good || argv.empty() || argv.front().empty()) {
            complain(concat({key, "[", std::to_string(out.size() - 1), "]"}),
                     "must be a program with its arguments, as [\"/usr/libexec/check\", \"--quick\"]");
        }
    }
}

/// Names are chosen by the user here, so there are no unknown keys; they are checked like texts, since they are sent
/// and shown as well.
void Reader::map(const char* key, std::map<std::string, std::string>& out, std::size_t max_items) {
    constexpr std::size_t k_name_bytes = 64, k_value_bytes = 1024;
    const JsonView value = find(key);
    if (!value.exists()) {
        return;
    }
    if (!value.is_object() || value.size() > max_items) {
        complain(key,
                 concat({"must be an object in curly brackets with at most ", std::to_string(max_items), " members"}));
        return;
    }
    out.clear();
    for (const JsonView member : value) {
        const std::string name(member.name());
        const auto content = member.text();
        if (name.empty() || name.size() > k_name_bytes || !is_plain(name)) {
            complain(concat({key, ".", clip(name, k_shown_bytes)}), "is no usable name");
        } else if (!is_plain_text(content, k_value_bytes)) {
            complain(concat({key, ".", name}), "must be a text in quotation marks");
        } else {
            out[name] = *content;
        }
    }
}

/// A member of another type is read as an object without members: the one complaint is enough.
Reader Reader::object(const char* key) {
    JsonView value = find(key);
    if (value.exists() && !value.is_object()) {
        complain(key, "must be an object in curly brackets");
        value = {};
    }
    return {value, path_of(key), complaints_};
}

/// An unknown key is an error and not a warning: with a misspelt "ca_file" the agent would work, and trust other
/// certificates than its owner believes.
void Reader::finish() {
    for (const JsonView member : object_) {
        const std::string_view key = member.name();
        if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
            const std::string guess = nearest(clip(key, k_shown_bytes), known_);
            complain(key, guess.empty() ? "unknown key" : concat({"unknown key; did you mean ", guess, "?"}),
                     errors::AgentCode::config_unknown_key);
        }
    }
}

}  // namespace hagent::config
