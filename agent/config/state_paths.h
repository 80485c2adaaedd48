// SPDX-License-Identifier: Apache-2.0
// Owns the layout of the state directory: the path of every file and directory in it. Nobody else puts one together.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace hagent::config {

/// Made from `state_dir` of the configuration, an absolute path without a separator at its end. Names only: nothing is
/// looked at, made or checked, so nothing can fail. `id` is a session's ("000012"); whoever takes one from outside
/// checks it first. What a file holds is said by those who write it.
class StatePaths {
public:
    explicit StatePaths(std::string state_dir) : state_dir_(std::move(state_dir)) {}

    [[nodiscard]] const std::string& state_dir() const { return state_dir_; }

    // of the program
    [[nodiscard]] std::string lock() const;             // held by the one hagent that works here
    [[nodiscard]] std::string daemon_endpoint() const;  // where the running daemon listens, for the verbs
    [[nodiscard]] std::string device_id() const;        // what the device calls itself, made once
    [[nodiscard]] std::string device_key() const;       // private key made by `enrol`, unless another place is named

    // of the manager
    [[nodiscard]] std::string reports() const;       // journal of manager::ReportQueue
    [[nodiscard]] std::string jobs_serials() const;  // highest serial of each jobs.json
    [[nodiscard]] std::string manager_met() const;   // address of the manager that was discovered first

    [[nodiscard]] std::string trusted_time() const;  // newest time at which the clock was trusted
    [[nodiscard]] std::string reserve() const;       // room that is given up when there is none left

    [[nodiscard]] std::string agent_record() const;       // which agent is started: agent/upgrade/FORMAT.md
    [[nodiscard]] std::string agent_record_lock() const;  // held by whoever changes it, for a moment
    [[nodiscard]] std::string agents() const;             // directory: agents of other versions

    [[nodiscard]] std::string images() const;      // what is known of the slots, their trial and the last image
    [[nodiscard]] std::string trial_note() const;  // what the initramfs of a slot on trial has to say
    [[nodiscard]] std::string boot_lock() const;   // held by who writes for the boot loader

    // of sessions
    [[nodiscard]] std::string serials() const;   // highest serial of each package
    [[nodiscard]] std::string registry() const;  // key store of scripts where the machine has no registry
    [[nodiscard]] std::string rounds() const;    // journal of session::Parking
    [[nodiscard]] std::string sessions() const;  // directory: one directory a session in it
    [[nodiscard]] std::string session(std::string_view id) const;
    [[nodiscard]] std::string journal(std::string_view id) const;
    [[nodiscard]] std::string package(std::string_view id) const;  // directory: what is kept of the package
    [[nodiscard]] std::string package_file(std::string_view id, std::string_view name) const;
    [[nodiscard]] std::string downloads() const;                                        // directory
    [[nodiscard]] std::string download(std::string_view id, std::size_t number) const;  // directory of one file

private:
    [[nodiscard]] std::string below(std::string_view name) const;

    std::string state_dir_;
};

}  // namespace hagent::config
