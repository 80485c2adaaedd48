// SPDX-License-Identifier: Apache-2.0
// Owns Reader: takes members out of one JSON object, and complains about what does not fit. Private to this folder.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/json.h"
#include "agent/config/config.h"

namespace hagent::config {

/// Every take function leaves `out` alone when the member is absent or wrong. A member that none asked for is an
/// unknown key: finish() complains.
class Reader {
public:
    /// An object, or none: then every member is absent.
    Reader(JsonView object, std::string path, std::vector<Complaint>& complaints)
        : object_(object), path_(std::move(path)), complaints_(complaints) {}

    // What a take function complains of is config_bad_value: another type, more than the given bytes or items, control
    // characters, a number that does not lie between `min` and `max`, both included.
    void text(const char* key, std::string& out, std::size_t max_bytes = 1024);
    void flag(const char* key, bool& out);
    void texts(const char* key, std::vector<std::string>& out, std::size_t max_items);
    /// Programs with their arguments, each a list of texts, or one text that blanks part.
    void commands(const char* key, std::vector<std::vector<std::string>>& out, std::size_t max_items);
    void map(const char* key, std::map<std::string, std::string>& out, std::size_t max_items);

    template <class T>
    void number(const char* key, T& out, std::uint64_t min, std::uint64_t max) {
        std::uint64_t value = 0;
        if (whole(key, value, min, max)) {
            out = static_cast<T>(value);
        }
    }

    template <class Rep, class Period>
    void duration(const char* key, std::chrono::duration<Rep, Period>& out, std::uint64_t min, std::uint64_t max) {
        std::uint64_t value = 0;
        if (whole(key, value, min, max)) {
            out = std::chrono::duration<Rep, Period>(static_cast<Rep>(value));
        }
    }

    /// Which of `names` the text is, as their number; empty when the member is absent or wrong.
    [[nodiscard]] std::optional<std::size_t> one_of(const char* key, std::span<const std::string_view> names);

    /// One of `values`, by to_string.
    template <class Enum, std::size_t N>
    void choice(const char* key, Enum& out, const std::array<Enum, N>& values) {
        std::array<std::string_view, N> names;
        for (std::size_t i = 0; i < N; ++i) {
            names[i] = to_string(values[i]);
        }
        if (const auto number = one_of(key, names)) {
            out = values[*number];
        }
    }

    /// The object of that name, or one without members.
    [[nodiscard]] Reader object(const char* key);
    /// The objects of the list of that name, each with its own reader; empty when it is absent or no list.
    [[nodiscard]] std::optional<std::vector<Reader>> objects(const char* key, std::size_t max_items);

    /// A complaint about the member of that name; `key` may be an item of it ("urls[1]").
    void complain(std::string_view key, std::string_view message,
                  errors::AgentCode code = errors::AgentCode::config_bad_value);
    /// "manager.urls", safe to be shown: keys come from a file that may hold anything.
    [[nodiscard]] std::string path_of(std::string_view key) const;
    /// Once, after the last take function: complains with config_unknown_key of what nobody asked for.
    void finish();

private:
    [[nodiscard]] JsonView find(const char* key);
    [[nodiscard]] JsonView list(const char* key, std::size_t max_items);
    bool whole(const char* key, std::uint64_t& out, std::uint64_t min, std::uint64_t max);
    [[nodiscard]] bool is_empty_text(const char* key) const;

    JsonView object_;
    std::string path_;
    std::vector<Complaint>& complaints_;
    std::vector<std::string> known_;
};

}  // namespace hagent::config
