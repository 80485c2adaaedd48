// SPDX-License-Identifier: Apache-2.0
// Owns the editing of text files: AL and DL. Line ends, encoding and permissions stay as they are.
#include "agent/base/limits.h"
#include "agent/script/acting.h"
#include "agent/script/edited_text.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::FileKind;

constexpr std::uint32_t k_new_file_mode = 0644;

struct Text {
    std::string path;
    EditedText content;
    std::uint32_t mode = k_new_file_mode;
    bool exists = false;
};

/// A file that is not there is an empty text: AL makes it, and DL finds nothing to do.
Result<Text> open_text(Acting& acting) {
    Text text;
    text.path = TRY(acting.real_path(acting.step.arguments[0], PathUse::edit));
    const auto info = TRY(acting.device_files().info(text.path));
    if (!info) {
        return text;
    }
    if (info->kind == FileKind::directory) {
        return error(AgentCode::is_a_directory, text.path);
    }
    text.exists = true;
    text.mode = info->mode & 0777U;
    text.content = TRY(
        read_text(TRY(acting.device_files().read(text.path, limits::k_edited_file_bytes)), acting.step.arguments[1]));
    return text;
}

Status write(Acting& acting, const Text& text) {
    return acting.device_files().write_durable(text.path, written_text(text.content), text.mode);
}

/// The first line of `rest` with its end; it is taken away from `rest`.
std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end == std::string_view::npos ? rest.size() : end + 1);
    rest.remove_prefix(line.size());
    return line;
}

/// What is compared with the line in the script, so that a file with CRLF has it too.
std::string_view without_end(std::string_view line) {
    if (line.ends_with('\n')) {
        line.remove_suffix(1);
    }
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

/// The file's own line end, judged by its first line.
std::string_view line_end(std::string_view content) {
    const auto end = content.find('\n');
    return end != std::string_view::npos && end > 0 && content[end - 1] == '\r' ? "\r\n" : "\n";
}

}  // namespace

/// Looks first, so that a step that is done again after a power cut does not add the line twice. A last line without an
/// end gets one, or the new line would become part of it.
Status act_add_line(Acting& acting) {
    Text text = TRY(open_text(acting));
    const std::string& wanted = acting.step.arguments[1];
    std::string& content = text.content.text;
    for (std::string_view rest = content; !rest.empty();) {
        if (without_end(take_line(rest)) == wanted) {
            return acting.settle(text.path);
        }
    }
    const auto end = line_end(content);
    if (!content.empty() && !content.ends_with('\n')) {
        content += end;
    }
    content.append(wanted).append(end);
    return write(acting, text);
}

/// Takes every line that is the same away. The other lines are copied with their ends, so that a file in which both
/// kinds of line ends are mixed stays as mixed as it was.
Status act_delete_line(Acting& acting) {
    Text text = TRY(open_text(acting));
    std::string kept;
    for (std::string_view rest = text.content.text; !rest.empty();) {
        const auto line = take_line(rest);
        if (without_end(line) != acting.step.arguments[1]) {
            kept += line;
        }
    }
    if (!text.exists || kept.size() == text.content.text.size()) {
        return text.exists ? acting.settle(text.path) : Status();
    }
    text.content.text = std::move(kept);
    return write(acting, text);
}

}  // namespace hagent::script
