// SPDX-License-Identifier: Apache-2.0
// Owns the fan-out to the sinks.
#include "agent/log/log.h"

#include <algorithm>
#include <utility>

namespace hagent::log {

Log::Log(platform::Clock& clock, Level level) : clock_(clock), level_(level) {}

void Log::add(Sink& sink) {
    const std::lock_guard lock(mutex_);
    sinks_.push_back(&sink);
}

void Log::remove(Sink& sink) {
    const std::lock_guard lock(mutex_);
    std::erase(sinks_, &sink);
}

void Log::set_level(Level level) { level_ = level; }

void Log::write(Level level, std::string_view area, std::string_view message, std::vector<Field> fields) {
    if (!enabled(level)) {
        return;
    }
    const Record record = cleaned({level, clock_.wall(), std::string(area), std::string(message), std::move(fields)});
    const std::lock_guard lock(mutex_);
    for (Sink* sink : sinks_) {
        sink->write(record);
    }
}

void Log::debug(std::string_view area, std::string_view message, std::vector<Field> fields) {
    write(Level::debug, area, message, std::move(fields));
}
void Log::info(std::string_view area, std::string_view message, std::vector<Field> fields) {
    write(Level::info, area, message, std::move(fields));
}
void Log::warning(std::string_view area, std::string_view message, std::vector<Field> fields) {
    write(Level::warning, area, message, std::move(fields));
}
void Log::error(std::string_view area, std::string_view message, std::vector<Field> fields) {
    write(Level::error, area, message, std::move(fields));
}

}  // namespace hagent::log
