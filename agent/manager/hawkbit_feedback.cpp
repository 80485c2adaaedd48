// SPDX-License-Identifier: Apache-2.0
// Owns the cutting and cleaning of texts for hawkBit.
#include "agent/manager/hawkbit_feedback.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace hagent::manager {
namespace {

using nlohmann::json;

constexpr std::size_t k_attributes = 100;
constexpr std::size_t k_attribute_bytes = 128;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

char clean(char c) {
    switch (c) {
        case '<': return '(';
        case '>': return ')';
        case '&': return '+';
    }
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f ? ' ' : c;
}

/// One '?' for each character that is not printable ASCII.
std::string ascii(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) {
            out += c;
        } else if ((byte & 0xC0U) != 0x80U) {  // not the second and later bytes of a UTF-8 sequence
            out += '?';
        }
    }
    out.resize(std::min(out.size(), k_attribute_bytes));
    return out;
}

}  // namespace

std::vector<std::string> clean_messages(const std::vector<std::string>& messages) {
    const std::size_t count = std::min(messages.size(), limits::k_report_messages);
    std::vector<std::string> out;
    for (auto message = messages.end() - static_cast<std::ptrdiff_t>(count); message != messages.end(); ++message) {
        const std::string utf8 = is_utf8(*message) ? *message : utf8_from_latin1(*message);
        std::string text(clip(utf8, limits::k_report_message_bytes));
        std::transform(text.begin(), text.end(), text.begin(), clean);
        if (!trim(text).empty()) {
            out.push_back(std::move(text));
        }
    }
    return out;
}

std::string feedback_body(const Feedback& feedback) {
    json result = {{"finished", feedback.finished}};
    if (feedback.of > 0) {
        result["progress"] = {{"cnt", feedback.done}, {"of", feedback.of}};
    }
    // "id" is an old key that newer servers ignore; some older ones compare it with the address.
    return dump(
        {{"id", feedback.action_id},
         {"status",
          {{"execution", feedback.execution}, {"result", result}, {"details", clean_messages(feedback.messages)}}}});
}

std::string config_data_body(const Identity& identity) {
    json data = json::object();
    for (const auto& [name, value] : identity.attributes) {
        std::string key = ascii(name);
        if (!key.empty() && data.size() < k_attributes) {
            data[std::move(key)] = ascii(value);
        }
    }
    return dump({{"mode", "merge"}, {"data", data}});
}

std::string confirmation_body() {
    return dump({{"confirmation", "confirmed"}, {"details", {"confirmed by the device"}}});
}

}  // namespace hagent::manager
