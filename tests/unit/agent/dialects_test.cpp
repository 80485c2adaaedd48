// SPDX-License-Identifier: Apache-2.0
// Owns the test that the two tables of dialects, names and makers, are of the same dialects.
#include "agent/dialects.h"

#include <doctest/doctest.h>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_files.h"

namespace hagent {
namespace {

TEST_CASE("each dialect that the configuration can name is spoken by a class of that name") {
    fakes::FakeFiles files;
    fakes::FakeClock clock;
    log::Log log(clock);
    files.put_directory("/state");
    const auto reports = manager::ReportQueue::open(files, "/state/reports").value();
    for (const auto& row : config::dialects()) {
        CAPTURE(row.name);
        auto settings = config::default_settings();
        settings.manager.dialect = row.dialect;
        const auto dialect = make_dialect({files, clock, log, settings, *reports});
        REQUIRE(dialect != nullptr);
        CHECK(dialect->name() == row.name);
    }
}

}  // namespace
}  // namespace hagent
