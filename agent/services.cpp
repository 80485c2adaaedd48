// SPDX-License-Identifier: Apache-2.0
// Owns the making of AgentServices.
#include "agent/services.h"

#include <mutex>
#include <utility>

#include "agent/config/store.h"
#include "agent/daemon_client.h"
#include "agent/device_state.h"
#include "agent/manager/discovery.h"
#include "agent/manager/identity.h"
#include "agent/transfer/file_fetcher.h"
#include "agent/transfer/url.h"
#include "agent/upgrade/launcher.h"
#include "platform/paths.h"

namespace hagent {
namespace {

constexpr int k_lock_tries = 5;
constexpr Millis k_lock_wait{20};

/// One generator for both threads.
transfer::Random shared_random(trust::Random seed) {
    struct Shared {
        explicit Shared(trust::Random r) : random(std::move(r)) {}
        std::mutex mutex;
        trust::Random random;
    };
    auto shared = std::make_shared<Shared>(std::move(seed));
    return [shared] {
        const std::lock_guard lock(shared->mutex);
        return shared->random.u64().value_or(0);  // without entropy there is no jitter, which only costs politeness
    };
}

/// The places on which the agent's own safety rests are protected, whatever `script.roots` allows: a script that could
/// write the configuration or a key could do anything with the next job.
session::Settings session_settings_of(Machine& machine, const config::Settings& settings,
                                      const std::string& config_file) {
    const auto host = machine.host->facts();
    session::Settings out;
    out.state = settings.state();
    out.keys_directory = settings.trust.keys_dir;
    out.os_codes = {settings.device.os_code};
    if (auto id = find_identity(machine, settings, host); id.ok()) {
        out.device_ids.push_back(std::move(id->id));
    }
    out.device_ids.insert(out.device_ids.end(), host.macs.begin(), host.macs.end());
    out.image_version = host.image_version;
    out.roots = settings.script.roots;
    out.protected_paths = config::own_files(settings, config_file, platform::own_program());
    out.hooks_dir = settings.script.hooks_dir;
    out.run_as = settings.script.run_as;
    out.time_limit = settings.script.time_limit;
    out.image = settings.image;
    out.has_manager = settings.has_manager();
    out.program = platform::own_program();
    out.agents_dir = settings.agents();
    out.protected_paths.push_back(out.agents_dir);
    if (const auto launcher = upgrade::launcher_of(platform::environment(upgrade::k_launched))) {
        out.protected_paths.push_back(launcher->path);
    }
    out.agent_trial_starts = settings.upgrade.trial_starts;
    out.agent_trial_deadline = settings.upgrade.confirm_deadline;
    return out;
}

/// Where the administrator's own link stands for the folder, it is what it leads to that counts.
void keep_own_state(platform::Files& files, config::Settings& settings) {
    const auto info = files.info(settings.state_dir);
    if (info.ok() && *info && (*info)->kind == platform::FileKind::symlink && !(*info)->foreign) {
        settings.state_dir = files.resolve(settings.state_dir).value_or(settings.state_dir);
    }
    files.keep_own(settings.state_dir);
}

}  // namespace

/// Absolute, because scripts are kept away from this very file by its path.
std::string config_path(const Options& options) {
    if (!options.config_file.empty()) {
        return platform::absolute(options.config_file);
    }
    const auto named = platform::environment("HAGENT_CONFIG");
    return platform::absolute(named.empty() ? platform::default_config_file() : named);
}

/// A found manager never takes the place of one that is configured. What the name servers said counts for one reading:
/// the next search asks them again.
config::Outcome load_config(Machine& machine, const Options& options, config::ManagerRule manager) {
    const auto absent = manager == config::ManagerRule::required || !options.config_file.empty()
                            ? config::Absent::refused
                            : config::Absent::defaults;
    auto outcome = config::load(*machine.files, config_path(options), manager, absent);
    if (auto* settings = std::get_if<config::Settings>(&outcome)) {
        settings->state_dir = platform::absolute(options.state_dir.empty() ? settings->state_dir : options.state_dir);
        keep_own_state(*machine.files, *settings);
    }
    if (auto* settings = std::get_if<config::Settings>(&outcome);
        settings != nullptr && settings->manager.may_discover()) {
        settings->manager.discovered = true;
        const auto named = std::exchange(machine.named_managers, {});
        const auto found = manager::discover(*machine.files, settings->manager, settings->state_dir);
        if (found.ok()) {  // after an error the agent looks again
            settings->manager.urls = found->empty() ? named : *found;
        }
    }
    return outcome;
}

transfer::Options transfer_options(const Machine& machine, const config::Settings& settings, trust::TrustedTime* time) {
    transfer::Options out;
    out.attempts = settings.transfer.attempts;
    out.backoff_base = settings.transfer.backoff_base;
    out.backoff_cap = settings.transfer.backoff_cap;
    out.limit_bytes_per_s = settings.transfer.limit_bytes_per_s;
    out.connect_timeout = settings.transfer.connect_timeout;
    out.stall_timeout = settings.transfer.stall_timeout;
    out.netrc_file = settings.transfer.netrc_file;
    out.ca_file = settings.manager.ca_file;
    out.pins = settings.manager.pins;
    out.client_cert_file = settings.manager.client_cert_file;
    out.client_key_file = settings.manager.client_key_file;
    out.boot_id = machine.host->facts().boot_id;
    out.time = time;
    return out;
}

/// Asked for each request: a download from another server, and a redirect to one, must not carry the manager's token
/// there.
Result<transfer::HeaderProvider> manager_headers(Machine& machine, const config::Settings& settings) {
    const auto& m = settings.manager;
    std::string value;
    if (!m.target_token_file.empty()) {
        value = "TargetToken " + TRY(config::read_secret(*machine.files, m.target_token_file));
    } else if (!m.gateway_token_file.empty()) {
        value = "GatewayToken " + TRY(config::read_secret(*machine.files, m.gateway_token_file));
    }
    std::vector<transfer::Url> origins;
    for (const auto& url : m.urls) {
        if (transfer::is_file_url(url)) {
            continue;
        }
        origins.push_back(TRY(transfer::parse_url(url)));
    }
    return transfer::HeaderProvider([value, origins](const transfer::Url& url) {
        transfer::Headers headers;
        for (const auto& origin : origins) {
            if (!value.empty() && headers.empty() && transfer::same_origin(origin, url)) {
                headers.emplace_back("Authorization", value);
            }
        }
        return headers;
    });
}

AgentServices::AgentServices(Machine& machine_in, config::Settings settings_in, trust::Random seed,
                             const std::string& config_file)
    : machine(machine_in),
      settings(std::move(settings_in)),
      log(machine.clock, settings.log.level),
      transfer(transfer_options(machine, settings, &time)),
      random(shared_random(std::move(seed))),
      session_settings(session_settings_of(machine, settings, config_file)),
      time(*machine.files, settings.state().trusted_time()) {
    log.add(console_);
    log.add(ring);
    if (!settings.log.file.empty()) {
        file_ = std::make_unique<log::RotatedFile>(*machine.files, settings.log.file);
        log.add(*file_);
    }
}

Result<std::unique_ptr<AgentServices>> AgentServices::open(Machine& machine, config::Settings settings,
                                                           const std::string& config_file) {
    auto seed = TRY(trust::Random::create());
    return std::unique_ptr<AgentServices>(
        new AgentServices(machine, std::move(settings), std::move(seed), config_file));
}

/// Where nobody can write there what the lock is for cannot happen; once there is room it is tried again.
Status AgentServices::lock_state() {
    using errors::AgentCode;
    auto taken = lock_ ? Status() : take_state();
    if (!taken.ok() && taken.error().is(AgentCode::disk_full) &&
        machine.files->remove(settings.state().reserve()).ok()) {
        taken = take_state();
    }
    state_problem.reset();
    if (taken.ok()) {
        return {};
    }
    if (taken.error().is(AgentCode::busy)) {
        return Error(taken.error()).with("another hagent works on this state directory");
    }
    for (const auto code :
         {AgentCode::read_only, AgentCode::disk_full, AgentCode::quota_exceeded, AgentCode::io_error}) {
        if (taken.error().is(code)) {
            state_problem = taken.error();
            return {};
        }
    }
    return Error(taken.error()).with("the state directory cannot be used");
}

/// The directories are made here, not when they are first used: a verb that only looks must leave nothing behind.
Status AgentServices::take_state() {
    const auto paths = settings.state();
    for (const auto& directory : {paths.state_dir(), paths.sessions(), paths.downloads()}) {
        TRY(machine.files->make_directories(directory, 0700));
    }
    TRY(config::check_closed(*machine.files, paths.state_dir()));  // it may have been made by somebody else just now
    auto lock = machine.files->lock(paths.lock());
    for (int i = 0; i < k_lock_tries && !lock.ok() && lock.error().is(errors::AgentCode::busy); ++i) {
        (void)machine.clock.wait(k_lock_wait, CancelToken());  // a verb that only looked has it for a moment
        lock = machine.files->lock(paths.lock());
    }
    lock_ = TRY(std::move(lock));
    remove_endpoint(*machine.files, settings);
    return {};
}

Status AgentServices::lock_state_after(AgentServices& before) {
    if (settings.state_dir == before.settings.state_dir) {
        lock_ = std::move(before.lock_);
    }
    return lock_state();
}

}  // namespace hagent
