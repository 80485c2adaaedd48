// SPDX-License-Identifier: Apache-2.0
// Owns the table from the dialect that the configuration names to the class that speaks it.
#pragma once

#include <memory>

#include "agent/config/settings.h"
#include "agent/log/log.h"
#include "agent/manager/dialect.h"
#include "agent/manager/report_queue.h"
#include "agent/trust/trusted_time.h"
#include "platform/clock.h"
#include "platform/files.h"

namespace hagent {

/// What a dialect may borrow from the program; everything outlives it.
struct DialectServices {
    platform::Files& files;
    platform::Clock& clock;
    log::Log& log;
    const config::Settings& settings;
    const manager::ReportQueue& reports;  // its memory of finished jobs
    trust::TrustedTime* time = nullptr;   // shared with the sessions
};

/// The dialect of settings.manager.dialect. Nothing is opened or asked yet, so it cannot fail.
[[nodiscard]] std::unique_ptr<manager::Dialect> make_dialect(const DialectServices& services);

}  // namespace hagent
