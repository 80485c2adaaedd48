// SPDX-License-Identifier: Apache-2.0
// Owns the listener as a whole: address, TLS, who may do what, the paths, and the endpoint file for the verbs of this
// device.
#pragma once

#include <memory>
#include <string>

#include "agent/config/settings.h"
#include "agent/loop/loop.h"
#include "agent/machine.h"
#include "agent/status/api.h"

namespace hagent {

/// Lives as long as one configuration. On the loop's thread; `machine`, `settings` and `loop` are borrowed. Source:
/// spec 11 "HTTP listener".
class Listener {
public:
    /// Nothing where listen.status and listen.trigger are empty. Errors: an address in use, certificates, keys or an
    /// operators file that cannot be used.
    [[nodiscard]] static Result<std::unique_ptr<Listener>> open(Machine& machine, const config::Settings& settings,
                                                                loop::Loop& loop, status::ApiServices services);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// "http://127.0.0.1:8420" or "https://..."; empty without listen.status.
    [[nodiscard]] const std::string& url() const;

private:
    struct Impl;
    explicit Listener(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace hagent
