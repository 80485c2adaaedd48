// SPDX-License-Identifier: Apache-2.0
// Owns the scan: nlohmann's event interface, because its tree keeps only the last of repeated members and no positions.
#include "agent/base/json_check.h"

#include <algorithm>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/base/check.h"

namespace hagent {
namespace {

using Json = nlohmann::json;

class Scan final : public nlohmann::json_sax<Json> {
public:
    Scan(std::string_view text, std::size_t max_depth) : text_(text), max_depth_(max_depth) {}

    [[nodiscard]] std::optional<JsonFault> fault() const { return fault_; }

    bool null() override { return value(); }
    bool boolean(bool) override { return value(); }
    bool number_integer(number_integer_t) override { return value(); }
    bool number_unsigned(number_unsigned_t) override { return value(); }
    bool number_float(number_float_t, const string_t&) override { return value(); }
    bool string(string_t&) override { return value(); }
    bool binary(binary_t&) override { return value(); }
    bool start_object(std::size_t) override { return open(Level{}); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(Level{.array = true, .name = {}, .names = {}}); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        Level& level = levels_.back();
        level.name = name;
        return level.names.insert(name).second || refuse(JsonFault::Kind::repeated_member);
    }

    bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
        const auto before = text_.substr(0, position == 0 ? 0 : position - 1);
        const auto line_start = before.rfind('\n');
        fault_ = JsonFault{JsonFault::Kind::syntax,
                           static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
                           before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1) + 1,
                           {}};
        return false;
    }

private:
    struct Level {
        bool array = false;
        std::size_t index = 0;
        std::string name;
        std::set<std::string> names;
    };

    bool value() {
        if (!levels_.empty() && levels_.back().array) {
            ++levels_.back().index;
        }
        return true;
    }

    bool open(Level level) {
        if (levels_.size() >= max_depth_) {
            return refuse(JsonFault::Kind::too_deep);
        }
        levels_.push_back(std::move(level));
        return true;
    }

    bool close() {
        levels_.pop_back();
        return value();
    }

    bool refuse(JsonFault::Kind kind) {
        fault_ = JsonFault{kind, 0, 0, path()};
        return false;
    }

    [[nodiscard]] std::string path() const {
        std::string out;
        for (const Level& level : levels_) {
            if (level.array) {
                out += "[" + std::to_string(level.index) + "]";
            } else {
                out += (out.empty() ? "" : ".") + level.name;
            }
        }
        return out;
    }

    std::string_view text_;
    std::size_t max_depth_;
    std::vector<Level> levels_;
    std::optional<JsonFault> fault_;
};

}  // namespace

std::optional<JsonFault> find_json_fault(std::string_view text, JsonComments comments, std::size_t max_depth) {
    Scan scan(text, max_depth);
    nlohmann::json_sax<Json>* events = &scan;
    const bool clean =
        Json::sax_parse(text, events, nlohmann::detail::input_format_t::json, true, comments == JsonComments::allowed);
    check(clean == !scan.fault().has_value());
    return scan.fault();
}

}  // namespace hagent
