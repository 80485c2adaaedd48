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

void Log::write(Level level, TextView area, TextView message, Fields fields) {
    if (!enabled(level)) {
        return;
    }
    Record record{level, clock_.wall(), std::string(area.view()), std::string(message.view()), {}};
    for (const FieldView& field : fields) {
        record.fields.push_back({std::string(field.key.view()), std::string(field.value.view())});
    }
    record = cleaned(std::move(record));
    const std::lock_guard lock(mutex_);
    for (Sink* sink : sinks_) {
        sink->write(record);
    }
}

void Log::debug(TextView area, TextView message, Fields fields) { write(Level::debug, area, message, fields); }
void Log::info(TextView area, TextView message, Fields fields) { write(Level::info, area, message, fields); }
void Log::warning(TextView area, TextView message, Fields fields) { write(Level::warning, area, message, fields); }
void Log::error(TextView area, TextView message, Fields fields) { write(Level::error, area, message, fields); }

}  // namespace hagent::log
