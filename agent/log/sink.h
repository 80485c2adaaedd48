// SPDX-License-Identifier: Apache-2.0
// Owns Sink: where log records go.
#pragma once

#include "agent/log/record.h"

namespace hagent::log {

class Sink {
public:
    virtual ~Sink() = default;
    /// Called by one thread at a time. A sink that cannot write drops the record: logging never stops the work.
    virtual void write(const Record& record) = 0;
};

}  // namespace hagent::log
