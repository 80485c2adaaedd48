// SPDX-License-Identifier: Apache-2.0
// Owns the parser: nlohmann's event interface, because its tree keeps only the last of repeated members and no
// positions, and because its tree's templates would cost every user of it tens of kilobytes.
#include "agent/base/json.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include <nlohmann/json.hpp>

#include "agent/base/check.h"
#include "agent/base/concat.h"
#include "agent/base/json_writer.h"
#include "agent/base/number.h"

namespace {
/// The library's type but for its fractions, which are nobody's here: so what is specialised below is ours alone, and a
/// test that reads JSON by the library's own type is not in the way of it.
using Json = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;
using Input = decltype(nlohmann::detail::input_adapter(std::declval<const char*>(), std::declval<const char*>()));
}  // namespace

/// The parser reads a number with a fraction only to see that it is not infinite; what is kept is its spelling. The C
/// library's strtod for that would be 8 KiB of a static program.
template <>
void nlohmann::detail::lexer<Json, Input>::strtof(float& value, const char* text, char** end) noexcept {
    value = hagent::fits_double(text) ? 0 : std::numeric_limits<float>::infinity();
    *end = const_cast<char*>(text) + std::strlen(text);
}

namespace hagent {

using Kind = JsonNode::Kind;

/// Takes what nlohmann's parser finds; false ends the parsing.
class JsonDocument::Builder {
public:
    Builder(JsonDocument& out, std::string_view text, std::size_t max_depth)
        : out_(out), text_(text), max_depth_(max_depth) {
        out.texts_.reserve(text.size());  // no string is longer when decoded
    }

    bool null() { return value(Kind::null); }
    bool boolean(bool value_) { return value(Kind::boolean, value_ ? 1 : 0); }
    bool number_integer(std::int64_t number) { return value(Kind::negative, static_cast<std::uint64_t>(number)); }
    bool number_unsigned(std::uint64_t number) { return value(Kind::whole, number); }
    bool number_float(float, const std::string& spelling) { return value(Kind::fraction, 0, keep(spelling)); }
    bool string(const std::string& content) { return value(Kind::text, 0, keep(content)); }
    bool binary(const Json::binary_t&) { return false; }
    bool start_object(std::size_t) { return open(Kind::object); }
    bool end_object() { return close(); }
    bool start_array(std::size_t) { return open(Kind::array); }
    bool end_array() { return close(); }

    bool key(const std::string& name) {
        name_ = keep(name);
        return levels_.back().names.insert(name_).second || refuse(JsonFault::Kind::repeated_member);
    }

    /// The library counts bytes from 1 and gives no line; people look for a line and a column.
    bool parse_error(std::size_t position, const std::string&, const Json::exception&) {
        const auto before = text_.substr(0, position == 0 ? 0 : position - 1);
        const auto line_start = before.rfind('\n');
        out_.fault_ = JsonFault{JsonFault::Kind::syntax,
                                static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
                                before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1) + 1,
                                {}};
        return false;
    }

private:
    struct Level {
        std::size_t node;
        std::set<std::string_view> names;
    };

    /// The views of the nodes point into texts_, which therefore must never move: the room was reserved in the
    /// beginning.
    std::string_view keep(const std::string& content) {
        const std::size_t at = out_.texts_.size();
        check(content.size() <= out_.texts_.capacity() - at);
        out_.texts_.insert(out_.texts_.end(), content.begin(), content.end());
        return {out_.texts_.data() + at, content.size()};
    }

    bool value(Kind kind, std::uint64_t number = 0, std::string_view content = {}) {
        if (!levels_.empty()) {
            ++out_.nodes_[levels_.back().node].number;
        }
        out_.nodes_.push_back({.kind = kind, .extent = 1, .number = number, .content = content, .name = name_});
        name_ = {};
        return true;
    }

    /// Before the node is made, so that the path of the fault is that of the container that is one too deep.
    bool open(Kind kind) {
        if (levels_.size() >= max_depth_) {
            return refuse(JsonFault::Kind::too_deep);
        }
        value(kind);
        levels_.push_back({out_.nodes_.size() - 1, {}});
        return true;
    }

    bool close() {
        JsonNode& node = out_.nodes_[levels_.back().node];
        node.extent = out_.nodes_.size() - levels_.back().node;
        levels_.pop_back();
        return true;
    }

    bool refuse(JsonFault::Kind kind) {
        out_.fault_ = JsonFault{kind, 0, 0, path()};
        return false;
    }

    /// Of the value that would come next.
    [[nodiscard]] std::string path() const {
        std::string out;
        for (std::size_t i = 0; i < levels_.size(); ++i) {
            const bool last = i + 1 == levels_.size();
            const JsonNode& container = out_.nodes_[levels_[i].node];
            if (container.kind == Kind::array) {
                out += concat({"[", std::to_string(container.number - (last ? 0 : 1)), "]"});
            } else {
                out += out.empty() ? "" : ".";
                out += last ? name_ : out_.nodes_[levels_[i + 1].node].name;
            }
        }
        return out;
    }

    JsonDocument& out_;
    std::string_view text_;
    std::size_t max_depth_;
    std::vector<Level> levels_;
    std::string_view name_;  // of the member whose value comes next
};

JsonDocument::JsonDocument(std::string_view text, JsonComments comments, std::size_t max_depth) {
    Builder builder(*this, text, max_depth);
    // The parser itself: nlohmann::json::sax_parse would also bring the readers of four binary formats, 35 KiB.
    nlohmann::detail::parser<Json, Input> parser(
        nlohmann::detail::input_adapter(text.data(), text.data() + text.size()), nullptr, false,
        comments == JsonComments::allowed);
    check(parser.sax_parse(&builder) == !fault_.has_value());
}

std::optional<std::string_view> JsonView::text() const {
    return is(Kind::text) ? std::optional(node_->content) : std::nullopt;
}

std::optional<bool> JsonView::boolean() const {
    return is(Kind::boolean) ? std::optional(node_->number != 0) : std::nullopt;
}

std::optional<std::uint64_t> JsonView::whole(std::uint64_t max) const {
    return is(Kind::whole) && node_->number <= max ? std::optional(node_->number) : std::nullopt;
}

/// The parser gives a number without a sign as `whole`, so both kinds have to be asked.
std::optional<std::int64_t> JsonView::integer() const {
    const bool fits = is(Kind::negative) || whole(INT64_MAX);
    return fits ? std::optional(static_cast<std::int64_t>(node_->number)) : std::nullopt;
}

/// One member after the other: objects are small, and an index would cost each of them memory.
JsonView JsonView::find(std::string_view name) const {
    if (is_object()) {
        for (const JsonView member : *this) {
            if (member.name() == name) {
                return member;
            }
        }
    }
    return {};
}

std::size_t JsonView::size() const { return is_container() ? static_cast<std::size_t>(node_->number) : 0; }
JsonView::Iterator JsonView::begin() const { return Iterator(is_container() ? node_ + 1 : nullptr); }
JsonView::Iterator JsonView::end() const { return Iterator(is_container() ? node_ + node_->extent : nullptr); }

void JsonView::write(JsonWriter& json) const {
    check(exists());
    switch (node_->kind) {
        case Kind::null: return json.null();
        case Kind::boolean: return json.value(node_->number != 0);
        case Kind::whole: return json.value(node_->number);
        case Kind::negative: return json.value(static_cast<std::int64_t>(node_->number));
        case Kind::fraction: return json.raw(node_->content);
        case Kind::text: return json.value(node_->content);
        case Kind::array:
            json.begin_array();
            for (const JsonView item : *this) {
                item.write(json);
            }
            return json.end_array();
        case Kind::object:
            json.begin_object();
            for (const JsonView member : *this) {
                json.name(member.name());
                member.write(json);
            }
            return json.end_object();
    }
}

}  // namespace hagent
