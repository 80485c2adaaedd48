// SPDX-License-Identifier: Apache-2.0
// Owns the cutting and cleaning of texts for hawkBit.
#include "agent/manager/hawkbit_feedback.h"

#include <algorithm>
#include <map>

#include "agent/base/json_writer.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace hagent::manager {
namespace {

constexpr std::size_t k_attributes = 100;
constexpr std::size_t k_attribute_bytes = 128;

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

/// The last ones are kept: how it ended matters more than how it began.
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
    JsonWriter json;
    json.begin_object();
    json.member("id",
                feedback.action_id);  // newer servers ignore this old key; some older ones compare it with the address
    json.begin_object("status");
    json.member("execution", feedback.execution);
    json.begin_object("result");
    json.member("finished", feedback.finished);
    if (feedback.of > 0) {
        json.begin_object("progress");
        json.member("cnt", feedback.done);
        json.member("of", feedback.of);
        json.end_object();
    }
    json.end_object();
    json.member("details", clean_messages(feedback.messages));
    json.end_object();
    json.end_object();
    return json.take();
}

/// A name that is cut or cleaned may meet another one; the map keeps one of them, because JSON with a name
/// twice is read in different ways. "merge" leaves attributes alone that somebody else has set.
std::string config_data_body(const Identity& identity) {
    std::map<std::string, std::string> data;
    for (const auto& [name, value] : identity.attributes) {
        std::string key = ascii(name);
        if (!key.empty() && data.size() < k_attributes) {
            data[std::move(key)] = ascii(value);
        }
    }
    JsonWriter json;
    json.begin_object();
    json.member("mode", "merge");
    json.begin_object("data");
    for (const auto& [name, value] : data) {
        json.member(name, value);
    }
    json.end_object();
    json.end_object();
    return json.take();
}

std::string confirmation_body() { return R"({"confirmation":"confirmed","details":["confirmed by the device"]})"; }

}  // namespace hagent::manager
