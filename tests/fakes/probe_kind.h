// SPDX-License-Identifier: Apache-2.0
// Owns a kind of work that exists in the tests only: it does everything that a kind may do, at will. Its entry is text,
// one step a line:
//   look               settled in analysis
//   write PATH TEXT    writes a file (may be done again)
//   once PATH TEXT     the same, but nobody may do it twice
//   fetch FILE PATH    places a file of the package
//   stream FILE PATH   the same, but it is read part by part
//   early FILE         settled in analysis, which reads the file: a package's files below "early/" are there for it
//   restart            asks the machine to restart
//   restart-half       the same, but half-way: it is done in another start of the machine
//   suspend            rests, and goes on when it is run again
//   trial              is done after a restart of the machine and a check-in
//   trial-life         is done in another life of the agent, after a check-in
//   ...-fails          the same as either, but then it fails
//   deadline           is done after a check-in; without one it fails after ten minutes
//   deadline-restarts  the same, but it restarts the machine before it fails, and forces that
//   ask                has check-ins until one says that the job may be executed
//   wait               until it is cancelled
//   wait-once          the same, but a later life of the agent finds it done
//   fail               fails; "fail?" is optional
#pragma once

#include "agent/work/kind.h"

namespace hagent::fakes {

class ProbeKind final : public work::Kind {
public:
    [[nodiscard]] std::unique_ptr<work::Work> analyse(const work::Request& request) const override;
    [[nodiscard]] std::vector<std::string> files_for_analysis(const trust::Manifest& manifest) const override;
};

}  // namespace hagent::fakes
