// SPDX-License-Identifier: Apache-2.0
// Owns Log: takes records from any thread and hands them to the sinks. Passed by reference; there is no global one.
#pragma once

#include <atomic>
#include <initializer_list>
#include <mutex>
#include <vector>

#include "agent/base/text_view.h"
#include "agent/log/record.h"
#include "agent/log/sink.h"
#include "platform/clock.h"

namespace hagent::log {

struct FieldView {
    TextView key;
    TextView value;
};
using Fields = std::initializer_list<FieldView>;

/// `log.info("transfer", "resumed", {{"at", "123"}})`. Text from outside may be passed as it came; secrets may not.
class Log {
public:
    explicit Log(platform::Clock& clock, Level level = Level::info);
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    /// The sink is borrowed until remove() or the log's end, and gets every record from now on.
    void add(Sink& sink);
    void remove(Sink& sink);
    void set_level(Level level);
    [[nodiscard]] bool enabled(Level level) const { return level >= level_.load(); }

    /// Below the level nothing is done, not even the texts are copied. `area` is the folder of who speaks.
    void write(Level level, TextView area, TextView message, Fields fields = {});
    void debug(TextView area, TextView message, Fields fields = {});
    void info(TextView area, TextView message, Fields fields = {});
    void warning(TextView area, TextView message, Fields fields = {});
    void error(TextView area, TextView message, Fields fields = {});

private:
    platform::Clock& clock_;
    std::atomic<Level> level_;
    std::mutex mutex_;  // guards sinks_ and every call of a sink
    std::vector<Sink*> sinks_;
};

}  // namespace hagent::log
