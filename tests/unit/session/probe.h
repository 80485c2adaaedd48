// SPDX-License-Identifier: Apache-2.0
// Owns how the session's tests offer the kind of work that only they know: under the name of a kind that is not there.
#pragma once

#include "tests/fakes/probe_kind.h"
#include "tests/unit/session/device.h"

namespace hagent::session {

inline constexpr JobKind k_probe_kind = JobKind::software;

/// `Base` is a Device whose agent has the probe.
template <class Base>
struct Probed : Base {
    Probed() {
        for (const auto kind : {k_probe_kind, JobKind::image, JobKind::upgrade}) {
            this->kinds.add(kind, probe);
        }
    }

    /// Signs a package of the probe's kind; paths in `lines` are written as POSIX does.
    void publish_probe(const std::string& lines, FileMap content = {}, JobKind kind = k_probe_kind) {
        std::string rooted_lines;
        for (std::string_view rest = lines; !rest.empty();) {
            const auto line = rest.substr(0, rest.find('\n'));
            const auto path = line.find(" /");
            rooted_lines += path == std::string_view::npos
                                ? std::string(line)
                                : std::string(line.substr(0, path + 1)) + rooted(std::string(line.substr(path + 1)));
            rooted_lines += '\n';
            rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        }
        content["probe.txt"] = rooted_lines;
        trust::Manifest manifest;
        manifest.kind = kind;
        manifest.entry = "probe.txt";
        this->publish("", std::move(content), std::move(manifest));
    }

    [[nodiscard]] static Job probe_job(JobKind kind = k_probe_kind, const std::string& id = "job-1") {
        Job job = Device::job(id);
        job.kind = kind;
        return job;
    }

    fakes::ProbeKind probe;
};

}  // namespace hagent::session
