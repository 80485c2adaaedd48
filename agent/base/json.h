// SPDX-License-Identifier: Apache-2.0
// Owns the reading of JSON (RFC 8259, UTF-8 only): a checked document, and views of the values in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hagent {

class JsonWriter;

/// Both kinds of C++. Allowed in what people write (spec 11 "Config"), refused in what programs send.
enum class JsonComments : std::uint8_t { refused, allowed };

/// Why a text was not taken.
struct JsonFault {
    enum class Kind : std::uint8_t { syntax, repeated_member, too_deep };
    Kind kind = Kind::syntax;
    std::size_t line = 0;    // from 1; 0 when the place is known by `path` only
    std::size_t column = 0;  // from 1, in bytes
    std::string path;        // "manager.urls[2]": of the member that is repeated or too deep
    friend bool operator==(const JsonFault&, const JsonFault&) = default;
};

/// One value of a document; a container stands right before what is in it. For the views and the parser only.
struct JsonNode {
    enum class Kind : std::uint8_t { null, boolean, whole, negative, fraction, text, array, object };
    Kind kind = Kind::null;
    std::size_t extent = 1;  // nodes from this one to the next that is not in it
    // boolean: 0 or 1; negative: its two's complement; containers: how many values are in them
    std::uint64_t number = 0;
    std::string_view content;  // text: decoded; fraction: as written
    std::string_view name;     // decoded; of a member of an object
};

/// One value of a JsonDocument, which must outlive it, or none. Asking a value of another type, or none, is allowed:
/// there is nothing in it.
class JsonView {
public:
    JsonView() = default;

    [[nodiscard]] bool exists() const { return node_ != nullptr; }
    [[nodiscard]] bool is_null() const { return is(JsonNode::Kind::null); }
    [[nodiscard]] bool is_object() const { return is(JsonNode::Kind::object); }
    [[nodiscard]] bool is_array() const { return is(JsonNode::Kind::array); }
    [[nodiscard]] bool is_integer() const { return is(JsonNode::Kind::whole) || is(JsonNode::Kind::negative); }

    [[nodiscard]] std::optional<std::string_view> text() const;
    [[nodiscard]] std::optional<bool> boolean() const;
    /// An integer from 0 to `max`; -0 is none.
    [[nodiscard]] std::optional<std::uint64_t> whole(std::uint64_t max = UINT64_MAX) const;
    [[nodiscard]] std::optional<std::int64_t> integer() const;

    /// The object's member of that name.
    [[nodiscard]] JsonView find(std::string_view name) const;
    /// Of a member of an object; else empty.
    [[nodiscard]] std::string_view name() const { return exists() ? node_->name : std::string_view(); }
    /// How many items or members there are.
    [[nodiscard]] std::size_t size() const;

    /// Over the items of an array or the members of an object.
    class Iterator;
    [[nodiscard]] Iterator begin() const;
    [[nodiscard]] Iterator end() const;

    /// The value as the next one of `json`, a fraction as it was spelt. It must exist.
    void write(JsonWriter& json) const;

private:
    friend class JsonDocument;
    explicit JsonView(const JsonNode* node) : node_(node) {}
    [[nodiscard]] bool is(JsonNode::Kind kind) const { return exists() && node_->kind == kind; }
    [[nodiscard]] bool is_container() const { return is_array() || is_object(); }

    const JsonNode* node_ = nullptr;
};

class JsonView::Iterator {
public:
    [[nodiscard]] JsonView operator*() const { return JsonView(node_); }
    Iterator& operator++() {
        node_ += node_->extent;
        return *this;
    }
    [[nodiscard]] bool operator==(const Iterator&) const = default;

private:
    friend class JsonView;
    explicit Iterator(const JsonNode* node) : node_(node) {}
    const JsonNode* node_;
};

/// A text that was taken, or the first fault in it. Moving it keeps its views good.
class JsonDocument {
public:
    /// There is a fault for what is no JSON, for more than one value, for a member that an object has twice and for
    /// more than `max_depth` levels: of two members of one name two readers could believe different ones, and depth
    /// costs stack.
    explicit JsonDocument(std::string_view text, JsonComments comments = JsonComments::refused,
                          std::size_t max_depth = 32);
    JsonDocument(JsonDocument&&) noexcept = default;
    JsonDocument& operator=(JsonDocument&&) noexcept = default;

    [[nodiscard]] const std::optional<JsonFault>& fault() const { return fault_; }
    /// The value of the whole text; none when there is a fault.
    [[nodiscard]] JsonView root() const { return fault_ ? JsonView() : JsonView(nodes_.data()); }

private:
    class Builder;

    std::vector<JsonNode> nodes_;
    std::vector<char> texts_;  // what the nodes' views show; never grows beyond what it has room for at first
    std::optional<JsonFault> fault_;
};

}  // namespace hagent
