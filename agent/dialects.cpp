// SPDX-License-Identifier: Apache-2.0
// Owns the makers, one for each row of config/dialects.cpp.
#include "agent/dialects.h"

#include <algorithm>
#include <array>
#include <string>

#include "agent/base/check.h"
#include "agent/manager/folder.h"
#include "agent/manager/hawkbit.h"
#include "agent/manager/hserver.h"

namespace hagent {
namespace {

using Made = std::unique_ptr<manager::Dialect>;

manager::Finished finished_of(const DialectServices& services) {
    return [&reports = services.reports](const std::string& job_id) { return reports.finished(job_id); };
}

Made make_hawkbit(const DialectServices& services) {
    return std::make_unique<manager::HawkbitDialect>(services.settings.manager.tenant);
}

Made make_folder(const DialectServices& services) {
    return std::make_unique<manager::FolderDialect>(
        manager::FolderServices{services.files, services.clock, services.log, services.settings.trust.keys_dir,
                                services.settings.state().jobs_serials(), finished_of(services), services.time});
}

Made make_hserver(const DialectServices& services) {
    const auto& m = services.settings.manager;
    return std::make_unique<manager::HserverDialect>(
        manager::HserverServices{services.log, m.opcodes, m.allow_clear_text, finished_of(services)});
}

struct Maker {
    config::Dialect dialect;
    Made (*make)(const DialectServices&);
};

constexpr std::array k_makers = {
    Maker{config::Dialect::hawkbit, make_hawkbit},
    Maker{config::Dialect::folder, make_folder},
    Maker{config::Dialect::hserver, make_hserver},
};

}  // namespace

/// A dialect without a row is a mistake of the program: the configuration takes only those of its own table.
std::unique_ptr<manager::Dialect> make_dialect(const DialectServices& services) {
    const auto maker = std::find_if(k_makers.begin(), k_makers.end(),
                                    [&](const Maker& row) { return row.dialect == services.settings.manager.dialect; });
    check(maker != k_makers.end());
    return maker->make(services);
}

}  // namespace hagent
