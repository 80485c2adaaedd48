// SPDX-License-Identifier: Apache-2.0
// Owns `enrol`: a device gets a key of its own, and a request for the certificate that goes with it.
#include "agent/trust/enrol.h"
#include "agent/base/concat.h"
#include "agent/base/json_writer.h"
#include "agent/base/limits.h"
#include "agent/config/store.h"
#include "agent/device_state.h"
#include "agent/manager/identity.h"
#include "agent/verbs/verbs.h"
#include "platform/paths.h"

namespace hagent::verbs {
namespace {

constexpr std::uint32_t k_secret_mode = 0600, k_public_mode = 0644;

/// The key that is there; a new one where there is none, or where it shall be replaced: then the old one is kept beside
/// it, so that the device can go back as long as the manager still knows it.
Result<std::string> device_key(platform::Files& files, const std::string& path, bool replace) {
    const bool there = TRY(files.info(path)).has_value();
    if (there && !replace) {
        TRY(config::check_secret(files, path));
        return files.read(path, limits::k_key_bytes);
    }
    if (there) {
        TRY(files.write_durable(path + ".previous", TRY(files.read(path, limits::k_key_bytes)), k_secret_mode));
    }
    const auto key = TRY(trust::make_device_key());
    TRY(files.write_durable(path, key, k_secret_mode));
    return key;
}

/// What was made, and where it lies.
struct Enrolled {
    std::string key_file, request_file;
    trust::Enrolment enrolment;
};

/// The key's place is the first of: --key, manager.client_key_file, the state directory.
/// The key is on the disk before the request is made: a request for a key that is lost would get a certificate that
/// nobody can use.
Result<Enrolled> enrol_device(Machine& machine, const config::Settings& settings, const Options& options) {
    Enrolled out;
    const auto& configured = settings.manager.client_key_file;
    out.key_file = !options.key.empty()  ? platform::absolute(options.key)
                   : !configured.empty() ? configured
                                         : settings.state().device_key();
    out.request_file = out.key_file + ".csr";
    // Kept at once: the certificate holds it.
    const auto id = TRY(find_identity(machine, settings, machine.host->facts()));
    TRY(manager::keep_device_id(*machine.files, settings.state(), id));
    const auto key = TRY(device_key(*machine.files, out.key_file, options.replace));
    out.enrolment = TRY(trust::request_certificate(key, id.id));
    TRY(machine.files->write_durable(out.request_file, out.enrolment.request, k_public_mode));
    return out;
}

std::string as_json(const Enrolled& enrolled) {
    JsonWriter json;
    json.begin_object();
    json.member("fingerprint", enrolled.enrolment.fingerprint);
    json.member("key_file", enrolled.key_file);
    json.member("request_file", enrolled.request_file);
    json.member("request", enrolled.enrolment.request);
    json.null("error");
    json.end_object();
    return json.take() + "\n";
}

/// The fingerprint is what people compare before they sign: the request has come over a network that nobody trusts yet.
std::string as_text(const Enrolled& enrolled) {
    return concat({"key          ", enrolled.key_file, " (stays on this device)\nrequest      ", enrolled.request_file,
                   "\nfingerprint  ", enrolled.enrolment.fingerprint,
                   "\nLet the manager's authority sign the request after comparing the fingerprint, put the "
                   "certificate on this device, and name\n"
                   "both files in the configuration: manager.client_cert_file and manager.client_key_file.\n"});
}

}  // namespace

int enrol(Machine& machine, const Options& options) {
    if (!options.arguments.empty()) {
        return usage(machine, options, "takes no argument");
    }
    auto [services, code] = open_services(machine, options, config::ManagerRule::optional);
    if (!services) {
        return code;
    }
    // Only the agent's own directory is made; whoever names another place has it.
    if (options.key.empty() && services->settings.manager.client_key_file.empty()) {
        if (const auto made = machine.files->make_directories(services->settings.state_dir, 0700); !made.ok()) {
            return failed(machine, options, made.error());
        }
    }
    const auto enrolled = enrol_device(machine, services->settings, options);
    if (!enrolled.ok()) {
        return failed(machine, options, enrolled.error());
    }
    machine.output->print(options.json ? as_json(*enrolled) : as_text(*enrolled));
    return k_done;
}

}  // namespace hagent::verbs
