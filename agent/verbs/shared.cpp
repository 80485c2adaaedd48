// SPDX-License-Identifier: Apache-2.0
// Owns what the verbs share: the words for failures, exit codes, making the services, and the way from a command line
// to its verb.
#include <variant>

#include "agent/agent.h"
#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/config/store.h"
#include "agent/errors/catalogue.h"
#include "agent/session/json.h"
#include "agent/verbs/verbs.h"
#include "platform/paths.h"

namespace hagent::verbs {

/// By the areas of the catalogue and its retry column, so that a new row seldom needs a change here.
int exit_code(const Error& error) {
    using errors::AgentCode;
    if (error.id.protocol == errors::Protocol::agent) {
        const auto number = error.id.number;
        if (error.is(AgentCode::usage)) {
            return k_usage;
        }
        if (error.is(AgentCode::busy)) {
            return k_try_later;
        }
        if (error.is(AgentCode::session_not_found) || error.is(AgentCode::not_parked) ||
            error.is(AgentCode::file_not_found)) {
            return k_not_found;
        }
        // The areas of agent.def: 1100s configuration, 1400s trust.
        const bool config = number >= 1100 && number < 1200, trust = number >= 1400 && number < 1500;
        if (config || trust || error.is(AgentCode::access_denied) || error.is(AgentCode::permission_denied)) {
            return k_refused;
        }
    }
    return errors::describe(error.id).retry == errors::Retry::transient ? k_try_later : k_failed;
}

// Three lines for people: what went wrong with what, its code, what to do. The catalogue has the words.
int failed(Machine& machine, const Options& options, const Error& error) {
    const auto row = errors::describe(error.id);
    if (options.json) {
        machine.output->print(concat({"{\"error\":", session::error_json(error), "}\n"}));
    }
    machine.output->complain(
        concat({"hagent ", options.verb, ": ", row.cause.text(),
                (error.context.empty() ? "" : concat({" [", printable(error.context), "]"})), "\n  ",
                errors::id_text(error.id), " ", row.name, "\n  what to do: ", row.next.text(), "\n"}));
    return exit_code(error);
}

namespace {

void print_usage_json(Machine& machine, std::string_view message) {
    machine.output->print(
        concat({"{\"error\":", session::error_json(error(errors::AgentCode::usage, std::string(message))), "}\n"}));
}

}  // namespace

/// The context of the error is the same sentence, so that a program that reads the document learns as much as a person.
int usage(Machine& machine, const Options& options, std::string_view message) {
    if (options.json) {
        print_usage_json(machine, message);
    }
    machine.output->complain(concat({"hagent ", options.verb, ": ", message, "\n\n", help_text(options.verb)}));
    return k_usage;
}

int refused(Machine& machine, const Options& options, std::string_view what,
            std::span<const config::Complaint> complaints) {
    if (options.json) {
        std::string all;
        for (const auto& complaint : complaints) {
            all += concat({(all.empty() ? "" : ","), "{\"path\":", session::quoted(complaint.path),
                           ",\"message\":", session::quoted(complaint.message), "}"});
        }
        machine.output->print(concat(
            {"{\"error\":", session::error_json(config::to_error(complaints)), ",\"complaints\":[", all, "]}\n"}));
    }
    machine.output->complain(concat({"hagent: ", what, ":\n", config::render(complaints)}));
    return k_refused;
}

/// All complaints about the configuration are told at once, so that it can be mended in one go.
Opened open_services(Machine& machine, const Options& options, config::ManagerRule manager) {
    auto outcome = load_config(machine, options, manager);
    if (const auto* complaints = std::get_if<std::vector<config::Complaint>>(&outcome)) {
        return {nullptr, refused(machine, options, "the configuration cannot be used", *complaints)};
    }
    const auto& settings = std::get<config::Settings>(outcome);
    auto complaints = config::check_places(*machine.files, settings, platform::own_program());
    // what is missing, and does not let others in, is for those who need it to say
    std::erase_if(complaints, [&](const config::Complaint& complaint) {
        return complaint.bearable ||
               (manager == config::ManagerRule::optional && complaint.code == errors::AgentCode::file_not_found);
    });
    if (!complaints.empty()) {
        return {nullptr, refused(machine, options,
                                 concat({"refusing to ", (options.verb == "run" ? "start" : "work"),
                                         ", others could change what the agent relies on"}),
                                 complaints)};
    }
    auto services = AgentServices::open(machine, std::get<config::Settings>(std::move(outcome)), config_path(options));
    if (!services.ok()) {
        return {nullptr, failed(machine, options, services.error())};
    }
    if (options.verbose) {
        (*services)->log.set_level(log::Level::debug);
    }
    return {std::move(*services), k_done};
}

namespace {

/// A command line that could not be read; no verb has seen it.
int wrong_words(Machine& machine, const UsageError& wrong) {
    if (wrong.json) {
        print_usage_json(machine, wrong.message);
    }
    machine.output->complain(concat({"hagent: ", printable(wrong.message), "\n"}));
    return k_usage;
}

/// The same names as in the table of options.cpp, which has let the verb pass.
int dispatch(Machine& machine, const Options& options) {
    using Do = int (*)(Machine&, const Options&);
    struct Entry {
        std::string_view name;
        Do verb;
    };
    constexpr Entry k_table[] = {{"run", run},
                                 {"check-in", check_in},
                                 {"status", status},
                                 {"sessions", sessions},
                                 {"log", log},
                                 {"explain", explain},
                                 {"fetch", fetch},
                                 {"script", script},
                                 {"sign", sign},
                                 {"enrol", enrol},
                                 {"verify", verify},
                                 {"version", version},
                                 {"self-test", self_test},
                                 {"upgrade", upgrade},
                                 {"image", image}};
    for (const auto& entry : k_table) {
        if (entry.name == options.verb) {
            return entry.verb(machine, options);
        }
    }
    return usage(machine, options, "unknown verb");
}

/// Help comes before the verb is looked at, so that it needs neither configuration nor state.
int answer(Machine& machine, const std::variant<Options, UsageError>& parsed) {
    if (const auto* wrong = std::get_if<UsageError>(&parsed)) {
        return wrong_words(machine, *wrong);
    }
    const auto& options = std::get<Options>(parsed);
    if (options.help) {
        machine.output->print(help_text(options.verb));
        return k_done;
    }
    return dispatch(machine, options);
}

}  // namespace

/// A full disk under standard output must not pass for success: a script would go on with half a document.
int run_command_line(Machine& machine, int argc, char* const* argv) {
    const int code = answer(machine, parse_options(argc, argv));
    if (machine.output->flush() || code != k_done) {
        return code;
    }
    machine.output->complain("hagent: the result could not be written to standard output\n");
    return k_failed;
}

}  // namespace hagent::verbs
