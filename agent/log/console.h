// SPDX-License-Identifier: Apache-2.0
// Owns Console: log lines for people on standard error.
#pragma once

#include "agent/log/sink.h"

namespace hagent::log {

/// Standard output belongs to results. Lines that cannot be written are dropped.
class Console final : public Sink {
public:
    void write(const Record& record) override;
};

}  // namespace hagent::log
