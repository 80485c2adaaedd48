// SPDX-License-Identifier: Apache-2.0
#include "agent/state_check.h"

#include "agent/base/concat.h"
#include "agent/base/kept.h"
#include "agent/base/limits.h"
#include "agent/image/notes.h"
#include "agent/journal/journal.h"
#include "agent/session/store.h"
#include "agent/trust/kept_text.h"

namespace hagent {
namespace {

class Look {
public:
    explicit Look(platform::Files& files) : files_(files) {}

    void at_journal(const std::string& path) {
        const auto loaded = journal::load(files_, path);
        if (!loaded.ok()) {
            add(loaded.error());
        } else if (loaded->damage) {
            add(*loaded->damage);
        }
        at_kept(path);
    }

    void at_text(const std::string& path) {
        const auto kept = trust::read_kept(files_, path, limits::k_key_store_bytes);
        if (!kept.ok()) {
            add(kept.error());
        } else if (kept->damage) {
            add(*kept->damage);
        }
        at_kept(path);
    }

    void at_image_notes(const std::string& path) {
        if (image::notes_damaged(files_, path)) {
            found.push_back("damaged: " + path);
        }
        at_kept(path);
    }

    std::vector<std::string> found;

private:
    void add(const Error& error) { found.push_back("damaged: " + error.context); }

    void at_kept(const std::string& path) {
        const auto kept = files_.info(damaged_path(path));
        if (kept.ok() && *kept) {
            found.push_back(concat({damaged_path(path), ": was damaged on ", rfc3339((*kept)->modified),
                                    "; remove this file when it has been looked at"}));
        }
    }

    platform::Files& files_;
};

}  // namespace

std::vector<std::string> damage_of(platform::Files& files, const config::StatePaths& paths) {
    Look look(files);
    look.at_journal(paths.reports());
    look.at_journal(paths.rounds());
    for (const auto& path : {paths.serials(), paths.jobs_serials(), paths.trusted_time()}) {
        look.at_text(path);
    }
    if (const auto copy = files.info(copy_path(paths.manager_met()));
        copy.ok() && *copy) {  // earlier releases made none
        look.at_text(paths.manager_met());
    }
    look.at_image_notes(paths.images());
    const auto ids = session::Store(files, paths).list();
    for (const auto& id : ids.ok() ? *ids : std::vector<std::string>{}) {
        look.at_journal(paths.journal(id));
    }
    return std::move(look.found);
}

}  // namespace hagent
