// SPDX-License-Identifier: Apache-2.0
#include "agent/image/notes.h"

#include <array>

#include "agent/base/json.h"
#include "agent/base/json_writer.h"
#include "agent/base/kept.h"
#include "agent/base/limits.h"

namespace hagent::image {

using errors::AgentCode;

namespace {

constexpr std::uint64_t k_format = 1;

template <class Owner>
struct Text {
    std::string_view name;
    std::string Owner::*member;
};

constexpr std::array k_writing_texts = {
    Text<WritingNote>{"package", &WritingNote::package},
    Text<WritingNote>{"from", &WritingNote::from},
    Text<WritingNote>{"to", &WritingNote::to},
};
constexpr std::array k_trial_texts = {
    Text<TrialNote>{"job", &TrialNote::job},           Text<TrialNote>{"version", &TrialNote::version},
    Text<TrialNote>{"from", &TrialNote::from},         Text<TrialNote>{"to", &TrialNote::to},
    Text<TrialNote>{"since", &TrialNote::since},       Text<TrialNote>{"switched_in", &TrialNote::switched_in},
    Text<TrialNote>{"mac", &TrialNote::mac},           Text<TrialNote>{"serial", &TrialNote::serial},
    Text<TrialNote>{"asked_in", &TrialNote::asked_in}, Text<TrialNote>{"seen_in", &TrialNote::seen_in},
    Text<TrialNote>{"ill", &TrialNote::ill},           Text<TrialNote>{"why", &TrialNote::why},
    Text<TrialNote>{"step", &TrialNote::step},         Text<TrialNote>{"log", &TrialNote::log},
};
constexpr std::array k_last_texts = {
    Text<LastImage>{"job", &LastImage::job},       Text<LastImage>{"version", &LastImage::version},
    Text<LastImage>{"result", &LastImage::result}, Text<LastImage>{"reason", &LastImage::reason},
    Text<LastImage>{"at", &LastImage::at},
};

template <class Owner, std::size_t N>
void write_texts(JsonWriter& json, const Owner& owner, const std::array<Text<Owner>, N>& texts) {
    for (const auto& text : texts) {
        json.member(text.name, owner.*text.member);
    }
}

template <class Owner, std::size_t N>
bool read_texts(JsonView view, Owner& owner, const std::array<Text<Owner>, N>& texts) {
    for (const auto& text : texts) {
        const auto value = view.find(text.name).text();
        if (!value) {
            return false;
        }
        owner.*text.member = *value;
    }
    return true;
}

std::optional<TrialNote> trial_from(JsonView view) {
    TrialNote trial;
    const auto tries = view.find("tries").whole(UINT32_MAX);
    const auto starts = view.find("starts").whole(UINT32_MAX);
    const auto asked = view.find("asked_ms").whole();
    const auto seen = view.find("seen_ms").whole();
    const auto network = view.find("network_ms");
    if (!read_texts(view, trial, k_trial_texts) || !tries || !starts || !asked || !seen ||
        (!network.is_null() && !network.whole())) {
        return std::nullopt;
    }
    trial.tries = static_cast<unsigned>(*tries);
    trial.starts = static_cast<unsigned>(*starts);
    trial.asked_ms = *asked;
    trial.seen_ms = *seen;
    trial.network_ms = network.whole();
    trial.program = view.find("program").text().value_or("");
    return trial;
}

std::optional<LastImage> last_from(JsonView view) {
    LastImage last;
    const auto code = view.find("code").whole(UINT16_MAX);
    if (!read_texts(view, last, k_last_texts) || !code) {
        return std::nullopt;
    }
    last.code = static_cast<std::uint16_t>(*code);
    return last;
}

}  // namespace

std::string notes_json(const ImageNotes& notes) {
    JsonWriter json;
    json.begin_object();
    json.member("format", k_format);
    json.begin_object("versions");
    for (const auto& [slot, version] : notes.versions) {
        json.member(slot, version);
    }
    json.end_object();
    if (notes.writing) {
        json.begin_object("writing");
        write_texts(json, *notes.writing, k_writing_texts);
        json.end_object();
    }
    if (notes.trial) {
        const auto& trial = *notes.trial;
        json.begin_object("trial");
        write_texts(json, trial, k_trial_texts);
        json.member("tries", trial.tries);
        json.member("starts", trial.starts);
        json.member("asked_ms", trial.asked_ms);
        json.member("seen_ms", trial.seen_ms);
        json.member("program", trial.program);
        if (trial.network_ms) {
            json.member("network_ms", *trial.network_ms);
        } else {
            json.null("network_ms");
        }
        json.end_object();
    }
    if (notes.last) {
        json.begin_object("last");
        write_texts(json, *notes.last, k_last_texts);
        json.member("code", notes.last->code);
        json.end_object();
    }
    json.member("chunks", notes.chunks);
    json.end_object();
    return json.take();
}

std::optional<ImageNotes> notes_from(std::string_view text) {
    const JsonDocument document(text);
    const JsonView root = document.root();
    const auto chunks = root.find("chunks").text();
    if (root.find("format").whole() != k_format || !root.find("versions").is_object() || !chunks) {
        return std::nullopt;
    }
    ImageNotes notes;
    notes.chunks = *chunks;
    for (const auto slot : root.find("versions")) {
        notes.versions[std::string(slot.name())] = slot.text().value_or("");
    }
    if (const auto writing = root.find("writing"); writing.exists()) {
        if (!read_texts(writing, notes.writing.emplace(), k_writing_texts)) {
            return std::nullopt;
        }
    }
    if (const auto trial = root.find("trial"); trial.exists()) {
        notes.trial = trial_from(trial);
        if (!notes.trial) {
            return std::nullopt;
        }
    }
    if (const auto last = root.find("last"); last.exists()) {
        notes.last = last_from(last);
        if (!notes.last) {
            return std::nullopt;
        }
    }
    return notes;
}

bool notes_damaged(platform::Files& files, const std::string& path) {
    const auto text = files.read(path, limits::k_image_record_bytes);
    return text.ok() && !notes_from(*text);
}

Result<ImageNotes> load_notes(platform::Files& files, const std::string& path) {
    const auto text = files.read(path, limits::k_image_record_bytes);
    if (!text.ok()) {
        return text.error().is(AgentCode::file_not_found) ? Result<ImageNotes>(ImageNotes())
                                                          : Result<ImageNotes>(text.error());
    }
    return notes_from(*text).value_or(ImageNotes());
}

Status save_notes(platform::Files& files, const std::string& path, const ImageNotes& notes) {
    if (notes_damaged(files, path)) {
        TRY(files.rename(path, damaged_path(path)));
    }
    return files.write_durable(path, notes_json(notes), 0600);
}

}  // namespace hagent::image
