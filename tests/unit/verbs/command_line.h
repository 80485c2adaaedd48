// SPDX-License-Identifier: Apache-2.0
// Owns the program as the verb tests see it: a command line goes in, exit code and output come out. Everything outside
// is a fake but the clock and the network, and nothing of this machine is read or changed.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agent/script/script_kind.h"
#include "agent/verbs/verbs.h"
#include "tests/fakes/fake_dialogs.h"
#include "tests/fakes/fake_disks.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_processes.h"
#include "tests/fakes/rooted.h"
#include "tests/unit/trust/keys.h"

namespace hagent::verbs {

using fakes::rooted;
using nlohmann::json;
using Words = std::vector<std::string>;

inline const std::string k_config = "/etc/hagent/hagent.json", k_state = "/var/lib/hagent";

/// Keeps what was written.
class KeptOutput final : public Output {
public:
    void print(std::string_view text) override { out += text; }
    void complain(std::string_view text) override { err += text; }
    [[nodiscard]] bool on_terminal() const override { return terminal; }
    [[nodiscard]] bool flush() override { return !full; }

    std::string out, err;
    bool terminal = false, full = false;
};

/// No byte that moves a cursor or changes a colour.
inline bool is_tame(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
    });
}

class CommandLine {
public:
    CommandLine() {
        configure(json::object());
        files.put("/etc/hagent/keys/release.pem", trust::keys::k_ec_a_public);
        files.put_directory(k_state);
    }

    /// Replaces the configuration by one with these members beside the places of the test.
    void configure(const json& members) {
        json config = {{"device", {{"id", "device-1"}}},
                       {"trust", {{"keys_dir", rooted("/etc/hagent/keys")}}},
                       {"script", {{"hooks_dir", rooted("/etc/hagent/hooks")}}},
                       {"transfer", {{"attempts", 1}, {"backoff_base_ms", 1}, {"backoff_cap_ms", 1}}},
                       {"listen", {{"status", ""}}},
                       {"state_dir", rooted(k_state)}};
        config.merge_patch(members);
        files.put(k_config, config.dump());
    }

    /// One run of the program with --config in front; the words are rooted where they begin with '/'.
    int run(const Words& words) {
        Words all = {"--config", rooted(k_config)};
        for (const auto& word : words) {
            all.push_back(rooted(word));
        }
        return run_as_given(all);
    }
    int run_as_given(Words words) {
        output.out.clear();
        output.err.clear();
        words.insert(words.begin(), "hagent");
        std::vector<char*> argv;
        for (auto& word : words) {
            argv.push_back(word.data());
        }
        argv.push_back(nullptr);
        return run_command_line(machine, static_cast<int>(words.size()), argv.data());
    }

    /// The one document on standard output.
    [[nodiscard]] json document() const {
        INFO(output.out);
        auto parsed = json::parse(output.out, nullptr, false);
        REQUIRE_FALSE(parsed.is_discarded());
        CHECK(output.out.back() == '\n');
        return parsed;
    }
    /// The name of the error that the document tells.
    [[nodiscard]] std::string error_name() const { return document().at("error").at("name"); }
    [[nodiscard]] bool said(std::string_view text) const { return output.out.find(text) != std::string::npos; }
    [[nodiscard]] bool complained(std::string_view text) const { return output.err.find(text) != std::string::npos; }

    script::ScriptKind scripts;
    Machine machine = with_kinds(scripts);
    fakes::FakeFiles& files = replace<fakes::FakeFiles>(machine.files);
    fakes::FakeProcesses& processes = replace<fakes::FakeProcesses>(machine.processes);
    fakes::FakeDisks& disks = replace<fakes::FakeDisks>(machine.disks);
    fakes::FakeHost& host = replace<fakes::FakeHost>(machine.host);
    fakes::FakeDialogs& dialogs = replace<fakes::FakeDialogs>(machine.dialogs);
    KeptOutput& output = replace<KeptOutput>(machine.output);

private:
    static Machine with_kinds(const script::ScriptKind& scripts) {
        Machine machine;
        machine.kinds.add(JobKind::script, scripts);
        return machine;
    }
    template <class Fake, class Interface>
    static Fake& replace(std::unique_ptr<Interface>& place) {
        auto fake = std::make_unique<Fake>();
        auto& kept = *fake;
        place = std::move(fake);
        return kept;
    }
};

}  // namespace hagent::verbs
