// SPDX-License-Identifier: Apache-2.0
// Owns the appending to the file and its rotation.
#include "agent/log/rotated_file.h"

#include <utility>

namespace hagent::log {

RotatedFile::RotatedFile(platform::Files& files, std::string path, std::uint64_t limit)
    : files_(files), path_(std::move(path)), limit_(limit) {}

void RotatedFile::write(const Record& record) {
    if (!append(to_line(record) + '\n').ok()) {
        file_.reset();  // the next line opens it anew: the volume may be back by then
    }
}

Status RotatedFile::append(const std::string& line) {
    if (!file_) {
        TRY(open());
    }
    if (end_ != 0 && end_ + line.size() > limit_) {
        TRY(rotate());
    }
    TRY(file_->write_at(end_, line));
    end_ += line.size();
    return {};
}

Status RotatedFile::open() {
    file_ = TRY(files_.open(path_, platform::OpenMode::read_write));
    end_ = TRY(file_->size());
    return {};
}

Status RotatedFile::rotate() {
    file_.reset();  // an open file cannot be renamed on Windows
    TRY(files_.rename(path_, path_ + ".1"));
    return open();
}

}  // namespace hagent::log
