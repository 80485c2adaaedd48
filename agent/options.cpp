// SPDX-License-Identifier: Apache-2.0
// Owns the tables of verbs and options, and the reading of the command line with getopt_long.
#include "agent/options.h"

#include <getopt.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent {
namespace {

struct Verb {
    std::string_view name, usage, does;
};

struct Option {
    const char* name;
    char letter;             // 0: none
    const char* value;       // name of its value for the help; null: it has none
    std::string_view verbs;  // who takes it, between blanks; "*": all
    std::string_view does;
    // puts the value into the struct; false when it is malformed
    bool (*take)(Options&, const std::string&);
};

template <auto Member>
bool text_value(Options& o, const std::string& value) {
    o.*Member = value;
    return true;
}

template <auto Member>
bool flag(Options& o, const std::string&) {
    o.*Member = true;
    return true;
}

template <auto Member>
bool list_value(Options& o, const std::string& value) {
    (o.*Member).push_back(value);
    return true;
}

/// 0 is refused: somebody who writes it may mean "none" or "no limit".
bool rate(Options& o, const std::string& value) {
    const auto bytes = parse_size(value);
    o.limit_rate = bytes.value_or(0);
    return bytes && *bytes > 0;
}

bool attempts(Options& o, const std::string& value) {
    const auto number = parse_u64(value, 1000);
    o.attempts = static_cast<unsigned>(number.value_or(0));
    return number && *number > 0;
}

bool chunk_bytes(Options& o, const std::string& value) {
    const auto bytes = parse_size(value);
    o.chunk_bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes.value_or(0), UINT32_MAX));
    return bytes && *bytes > 0;
}

bool level(Options& o, const std::string& value) {
    const auto number = parse_u64(value, 99);
    o.level = static_cast<unsigned>(number.value_or(0));
    return number && *number > 0;
}

bool serial(Options& o, const std::string& value) {
    const auto number = parse_u64(value);
    o.serial = number.value_or(0);
    return number.has_value();
}

bool digest(Options& o, const std::string& value) {
    o.sha256 = to_lower(value);
    const auto bytes = from_hex(value);
    return bytes && bytes->size() == 32;
}

// clang-format off
constexpr std::array k_verbs = {
    Verb{"run",      "run [--check-config]",             "the daemon, in the foreground"},
    Verb{"check-in", "check-in [--once]",                "ask the manager for work now"},
    Verb{"status",   "status",                           "what the agent is doing"},
    Verb{"sessions", "sessions [ID]",                    "past and present sessions, or one with its steps"},
    Verb{"log",      "log",                              "the last lines of the log"},
    Verb{"explain",  "explain CODE...",                  "what a code means and what to do; by number or name"},
    Verb{"fetch",    "fetch URL... [-o FILE]",           "download a file; several URLs are sources of the same file"},
    Verb{"script",   "script check|run FILE",            "show the plan of a script; run it"},
    Verb{"sign",     "sign DIR --key FILE --kind KIND --package NAME --version V --serial N",
                                                         "make a folder a signed package; sign FOLDER/jobs.json --key FILE signs that"},
    Verb{"verify",   "verify DIR [--keys DIR]",          "check a signed package, or a signed jobs.json"},
    Verb{"enrol",    "enrol [--key FILE] [--replace]",   "make this device's key and a request for its certificate"},
    Verb{"image",    "image status|write SOURCE [--slot NAME]|confirm|rollback|pack RAW -o DIR",
                                                         "system images: what is in the slots, write one, keep or end a trial; pack: make the files of a package"},
    Verb{"upgrade",  "upgrade status|stage SOURCE|confirm|rollback|release PARKED",
                                                         "the agent itself: what is here, put a signed package on trial, end a trial, go back"},
    Verb{"self-test", "self-test",                       "does this program work on this machine?"},
    Verb{"version",  "version",                          "version of the agent and its libraries"},
};

constexpr std::array k_options = {
    // the order is that of the help
    Option{"config",         'c', "FILE",  "*", "configuration (default: HAGENT_CONFIG, then the system's place)", text_value<&Options::config_file>},
    Option{"state",          0,   "DIR",   "*", "state directory, instead of the configured one",                   text_value<&Options::state_dir>},
    Option{"json",           0,   nullptr, "*", "one JSON document on standard output",                             flag<&Options::json>},
    Option{"help",           'h', nullptr, "*", "this text",                                                        flag<&Options::help>},
    Option{"verbose",        'v', nullptr, " fetch script image check-in run ", "say more on standard error",             flag<&Options::verbose>},
    Option{"check-config",   0,   nullptr, " run ", "check the configuration and end",                              flag<&Options::check_config>},
    Option{"once",           0,   nullptr, " check-in ", "do it in this process, not through the daemon",           flag<&Options::once>},
    Option{"output",         'o', "FILE",  " fetch image ", "where to put it (fetch: by its name in the URL; image pack: a folder)", text_value<&Options::output>},
    Option{"sha256",         0,   "HEX",   " fetch ", "digest that the file must have",                             digest},
    Option{"limit-rate",     0,   "BYTES", " fetch ", "bytes a second at most; K, M and G are understood",          rate},
    Option{"attempts",       0,   "N",     " fetch ", "tries in a row without progress that each source gets",      attempts},
    Option{"source",         0,   "PLACE", " script ", "folder or URL that <regroot> stands for",                   text_value<&Options::source>},
    Option{"root",           0,   "DIR",   " script ", "every device path lies below DIR",                          text_value<&Options::root>},
    Option{"allow-unsigned", 0,   nullptr, " script ", "take a package from a URL without a signature",             flag<&Options::allow_unsigned>},
    Option{"slot",           0,   "NAME",  " image ", "write: into this slot (default: the one that does not run)", text_value<&Options::slot>},
    Option{"part",           0,   "NAME",  " image ", "pack: part of the slot (default: root); each one is packed by itself",       text_value<&Options::part>},
    Option{"compression",    0,   "FORMAT", " image ", "pack: none, gzip, xz or zstd (default), by the program of that name",      text_value<&Options::compression>},
    Option{"chunk-bytes",    0,   "N",     " image ", "pack: 4K to 1M (default: 256K)",                          chunk_bytes},
    Option{"level",          0,   "N",     " image ", "pack: how hard to try (default: 6 for gzip and xz, 9 for zstd)", level},
    Option{"after-write",    0,   "FILE",  " image ", "pack: program in DIR that runs when the slot is written",  text_value<&Options::after_write>},
    Option{"min-version",    0,   "V",     " image ", "pack: only over this version or a newer one",             text_value<&Options::min_version>},
    Option{"platform",       0,   "NAME",  " image ", "pack: only for this hardware; may be repeated",           list_value<&Options::platforms>},
    Option{"key",            0,   "FILE",  " sign enrol ", "private key (PEM: EC P-256 or RSA)",                    text_value<&Options::key>},
    Option{"replace",        0,   nullptr, " enrol ", "a new key although there is one; the old one is kept beside it", flag<&Options::replace>},
    Option{"kind",           0,   "KIND",  " sign ", "script, software, image or agent",                            text_value<&Options::kind>},
    Option{"entry",          0,   "FILE",  " sign ", "the file to begin with (a script package's *.rsp)",           text_value<&Options::entry>},
    Option{"package",        0,   "NAME",  " sign ", "the package's name",                                          text_value<&Options::package>},
    Option{"version",        0,   "V",     " sign image ", "the package's version; pack: the image's, where it is another",                                       text_value<&Options::version>},
    Option{"serial",         0,   "N",     " sign ", "grows with each release: an older one is refused",            serial},
    Option{"repository",     0,   "URL",   " sign ", "where the files can be fetched; may be repeated",             list_value<&Options::repositories>},
    Option{"file-source",    0,   "PATH=URL", " sign ", "where one file can be fetched; may be repeated",        list_value<&Options::file_sources>},
    Option{"os",             0,   "CODE",  " sign ", "only for devices with this OS code; may be repeated",         list_value<&Options::os>},
    Option{"device",         0,   "ID",    " sign ", "only for this device; may be repeated",                       list_value<&Options::devices>},
    Option{"expires",        0,   "TIME",  " sign ", "not to be used after this time (RFC 3339)",                   text_value<&Options::expires>},
    Option{"allow-downgrade", 0,  nullptr, " sign image ", "agents, and images when they are packed: also over a newer version", flag<&Options::allow_downgrade>},
    Option{"keys",           0,   "DIR",   " verify ", "trusted keys (default: the configured ones)",               text_value<&Options::keys>},
};
// clang-format on

constexpr int k_first_long = 256;

bool takes(const Option& option, std::string_view verb) {
    return option.verbs == "*" || option.verbs.find(concat({" ", verb, " "})) != std::string_view::npos;
}

std::string spelled(const Option& option) {
    std::string out =
        option.letter != 0 ? concat({"-", std::string_view(&option.letter, 1), ", --"}) : std::string("    --");
    out += option.name;
    return option.value == nullptr ? out : concat({out, " ", option.value});
}

const Verb* find_verb(std::string_view name) {
    const auto found = std::find_if(k_verbs.begin(), k_verbs.end(), [&](const Verb& v) { return v.name == name; });
    return found == k_verbs.end() ? nullptr : &*found;
}

std::string options_help(std::string_view verb) {
    std::string out;
    for (const auto& option : k_options) {
        if (verb.empty() ? option.verbs == "*" : takes(option, verb)) {
            std::string left = "  " + spelled(option);
            left.resize(std::max<std::size_t>(left.size() + 2, 26), ' ');
            out.append(left).append(option.does).append("\n");
        }
    }
    return out;
}

/// Which option getopt_long has met; null for '?' and ':'.
const Option* met(int code) {
    for (std::size_t i = 0; i < k_options.size(); ++i) {
        if (code == k_first_long + static_cast<int>(i) || (k_options[i].letter != 0 && code == k_options[i].letter)) {
            return &k_options[i];
        }
    }
    return nullptr;
}

/// Where a value is missing, musl has moved the null behind the last word in front of it: the option's number tells
/// which.
std::string bad_option(int argc, char* const* argv, int code) {
    if (code == ':') {
        const Option* option = met(optopt);
        return concat(
            {"option '", (option == nullptr ? std::string("?") : "--" + std::string(option->name)), "' needs a value"});
    }
    const char* word = argv[std::min(optind, argc) - 1];
    return concat({"unknown option '", word == nullptr ? "" : word, "'"});
}

/// What was asked for counts even where the rest of the command line is wrong.
bool asks_for_json(int argc, char* const* argv) {
    for (int i = 1; i < argc && argv[i] != nullptr && std::string_view(argv[i]) != "--"; ++i) {
        if (std::string_view(argv[i]) == "--json") {
            return true;
        }
    }
    return false;
}

/// Options may stand before and behind the verb, so whether the verb takes them is known at the end only. An option
/// that does nothing for its verb is a mistake and not ignored: --sha256 in the wrong place would look like a check.
std::variant<Options, UsageError> read_words(int argc, char* const* argv) {
    std::string letters = ":";
    std::vector<option> long_options;
    for (std::size_t i = 0; i < k_options.size(); ++i) {
        const auto& o = k_options[i];
        long_options.push_back({o.name, o.value == nullptr ? no_argument : required_argument, nullptr,
                                k_first_long + static_cast<int>(i)});
        if (o.letter != 0) {
            letters.append(1, o.letter).append(o.value == nullptr ? "" : ":");
        }
    }
    long_options.push_back({nullptr, 0, nullptr, 0});

    Options options;
    std::vector<const Option*> used;
    optind = 0;  // begin anew, also after a command line that was given up in the middle
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, letters.c_str(), long_options.data(), nullptr)) != -1;) {
        const Option* option = met(code);
        if (option == nullptr) {
            return UsageError{bad_option(argc, argv, code), false};
        }
        const std::string value = optarg == nullptr ? "" : optarg;
        if (!option->take(options, value)) {
            return UsageError{concat({"--", option->name, ": '", value, "' is not a proper ", option->value}), false};
        }
        used.push_back(option);
    }
    options.arguments.assign(argv + optind, argv + argc);
    if (options.arguments.empty()) {
        return options.help ? std::variant<Options, UsageError>(options)
                            : UsageError{"no verb given; see hagent --help", false};
    }
    options.verb = options.arguments.front();
    options.arguments.erase(options.arguments.begin());
    if (find_verb(options.verb) == nullptr) {
        return UsageError{concat({"this hagent has no verb '", options.verb, "'; see hagent --help"}), false};
    }
    for (const auto* option : used) {
        if (!takes(*option, options.verb)) {
            return UsageError{concat({options.verb, " has no option --", option->name}), false};
        }
    }
    return options;
}

}  // namespace

std::variant<Options, UsageError> parse_options(int argc, char* const* argv) {
    const bool json = asks_for_json(argc, argv);  // before getopt changes the order of the words
    auto read = read_words(argc, argv);
    if (auto* wrong = std::get_if<UsageError>(&read)) {
        wrong->json = json;
    }
    return read;
}

std::string help_text(std::string_view verb) {
    if (const Verb* known = find_verb(verb)) {
        return concat({"Usage: hagent [--config FILE] [--state DIR] ", known->usage, "\n", known->does, "\n\n",
                       options_help(verb)});
    }
    std::string out = "Usage: hagent [--config FILE] [--state DIR] VERB ...\n\n";
    for (const auto& v : k_verbs) {
        std::string left = "  " + std::string(v.name);
        left.resize(12, ' ');
        out.append(left).append(v.does).append("\n");
    }
    return concat(
        {out, "\n", options_help(""),
         "\nhagent VERB --help tells more. Exit codes: 0 done, 1 the work failed, 2 usage, 3 refused, 4 not found or\n"
         "daemon not running, 75 try again later.\n"});
}

}  // namespace hagent
