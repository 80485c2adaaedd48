// SPDX-License-Identifier: Apache-2.0
// Owns short words for the source of a job in tests. One that is not of the wanted sort becomes so.
#pragma once

#include "agent/session/job.h"

namespace hagent::session {

template <class Wanted>
Wanted& source_as(Job& job) {
    auto* found = std::get_if<Wanted>(&job.source);
    return found != nullptr ? *found : job.source.emplace<Wanted>();
}
inline SignedPackage& signed_package(Job& job) { return source_as<SignedPackage>(job); }
inline WireScript& wire_script(Job& job) { return source_as<WireScript>(job); }
/// Of a job that is only looked at: a copy.
inline SignedPackage signed_package(const Job& job) {
    const auto* found = std::get_if<SignedPackage>(&job.source);
    return found != nullptr ? *found : SignedPackage();
}
inline WireScript wire_script(const Job& job) {
    const auto* found = std::get_if<WireScript>(&job.source);
    return found != nullptr ? *found : WireScript();
}

}  // namespace hagent::session
