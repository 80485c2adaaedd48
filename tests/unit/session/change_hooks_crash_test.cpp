// SPDX-License-Identifier: Apache-2.0
// Owns the tests that cut the power, and fill the disk, at every change of a session between `before-change` and
// `after-change`: nothing is changed behind a closed write filter, each hook is called at most once in a life of the
// agent, and the manager hears one end.
#include "tests/unit/session/crash_device.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

const std::string k_script = "AL \"/etc/conf\" \"b=2\"\nRB\nAL \"/etc/conf\" \"c=3\"\n";
constexpr const char* k_second_reboot = "wants a reboot, and after the reboot another one";

/// How long a write filter stays open: until somebody closes it, or until the machine starts again.
enum class Open : std::uint8_t { until_closed, until_restart };

struct Filtered : CutDevice {
    explicit Filtered(Open how) : how_(how) {
        // nothing to fetch and no signature: this is about what follows
        offered.source = LocalFolder{rooted("/package"), rooted("/package/demo.rsp")};
        files.put("/package/demo.rsp", "[Version]\nNumber=1\n[Script]\n" + fakes::rooted_script(k_script));
        settings.hooks_dir = rooted("/etc/hagent/hooks");
        files.put("/etc/conf", "a=1\n");
        add_hook("before-change", true);
        add_hook("after-change", false);
        files.forget_calls();
    }

    /// A hook that says that all is done, or has the filter as it wants it after a reboot.
    void add_hook(const std::string& name, bool wants_open) {
        files.put("/etc/hagent/hooks/" + name, "#!/bin/sh\n", 0755);
        processes.on(name,
                     [this, name, wants_open](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
                         TRY(files.outside(name));
                         called.push_back(name);
                         wanted_ = open == wants_open ? wanted_ : std::optional(wants_open);
                         return platform::Exit{open == wants_open ? 0 : 10, false, ""};
                     });
    }

    void restart_machine() {
        host.known.boot_id += "+";
        open = std::exchange(wanted_, std::nullopt).value_or(open && how_ == Open::until_closed);
    }

    /// One life after another until the job is over.
    void live_to_the_end(fakes::Unsynced unsynced, bool is_kill) {
        for (int lives = 0; !over && lives < 12; ++lives) {
            live_once();
            const bool failed = files.power_is_off();
            if (failed) {
                files.restart(unsynced);
                was_cut = true;
                reboot_pending = has_note();
            }
            if ((failed && !is_kill) || (!failed && !over)) {
                restart_machine();
            }
        }
    }

    void live_once() {
        called.clear();
        const auto before = files.content("/etc/conf");
        live();
        behind_the_filter = behind_the_filter || (!open && files.content("/etc/conf") != before);
        CAPTURE(called);
        const auto times = [&](const char* hook) { return std::count(called.begin(), called.end(), hook); };
        CHECK(times("before-change") <= 1);
        CHECK(times("after-change") <= 1);
        CHECK((called.size() < 2 || called.front() == "before-change"));
        calls += called.size();
    }

    [[nodiscard]] bool has_note() const {
        return files.exists("/var/lib/hagent/sessions/000001/before-change") ||
               files.exists("/var/lib/hagent/sessions/000001/after-change");
    }

    bool open = false, was_cut = false, behind_the_filter = false;
    // at the cut: a hook wanted one and had not been content since, as far as anybody could note
    bool reboot_pending = false;
    std::vector<std::string> called;  // in this life
    std::size_t calls = 0;            // in all

private:
    Open how_;
    std::optional<bool> wanted_;  // from the next start of the machine on
};

/// Whether the job went well; if not, it says why.
bool check_end(Filtered& device, const std::string& reason) {
    REQUIRE(device.over);
    device.check_one_final();
    CHECK_FALSE(device.behind_the_filter);
    const bool success = device.last_final.stage == ReportStage::success;
    if (success) {
        CHECK(device.files.content("/etc/conf") == "a=1\nb=2\nc=3\n");
        CHECK_FALSE(device.open);
    } else {
        CAPTURE(device.listener.text());
        CHECK(device.last_final.stage == ReportStage::failure);
        CHECK(device.listener.text().find(reason) != std::string::npos);
    }
    CHECK((!success || !device.has_note()));
    const auto called = device.calls;
    device.live_once();  // once more: nobody is told anything, nothing is called
    CHECK(device.calls == called);
    CHECK(device.final_reports.size() == 1);
    return success;
}

/// All changes of a run in which nothing goes wrong.
std::vector<std::string> changes(Open how) {
    Filtered device(how);
    device.live_to_the_end(fakes::Unsynced::kept, false);
    auto all = device.files.calls();
    CHECK(check_end(device, ""));
    return all;
}

std::ptrdiff_t writes_of_notes(const std::vector<std::string>& all) {
    return std::count_if(all.begin(), all.end(), [](const std::string& call) {
        return call.starts_with("rename ") && call.ends_with("-change");
    });
}

/// Around the notes and the hooks themselves each kind of cut comes at each change, elsewhere in turn; there too where
/// all would take too long.
bool has_its_turn(const std::vector<std::string>& all, std::size_t call, std::uint64_t turn) {
    const auto touches = [&](std::size_t n) {
        return n >= 1 && n <= all.size() && all[n - 1].find("-change") != std::string::npos;
    };
    const bool near = touches(call) || touches(call - 1);
    const std::uint64_t stride = near && k_stride == 1 ? 1 : near ? 3 : 3 * k_stride;
    return call > all.size() || call % stride == turn % stride;
}

void cut_everywhere(Open how, fakes::Unsynced unsynced, bool is_kill) {
    const auto all = changes(how);
    std::size_t cuts = 0, failures = 0;
    bool cut = true;
    for (std::size_t call = 1; cut; ++call) {
        if (!has_its_turn(all, call, static_cast<std::uint64_t>(unsynced))) {
            continue;
        }
        CAPTURE(call);
        Filtered device(how);
        device.files.cut_power_at(call);
        device.live_to_the_end(unsynced, is_kill);
        // The machine started in vain and with a closed filter again: that looks like a reboot that did not help.
        const bool may_fail = how == Open::until_restart && !is_kill && device.reboot_pending;
        const bool success = check_end(device, k_second_reboot);
        CHECK((success || may_fail));
        failures += success ? 0U : 1U;
        cut = device.was_cut;
        ++cuts;
    }
    const auto notes = static_cast<std::size_t>(writes_of_notes(all));
    MESSAGE("cut at " << cuts - 1 << " of " << all.size() << " changes, " << notes
                      << " of which make a note of a reboot durable; " << failures << " jobs failed, with the reason");
    CHECK(cuts > 4 * notes);
    CHECK(notes == (how == Open::until_closed ? 2 : 3));
}

TEST_CASE("a power cut at any change between the hooks, and a filter that stays open until it is closed") {
    for (const auto unsynced : {fakes::Unsynced::lost, fakes::Unsynced::torn, fakes::Unsynced::kept}) {
        cut_everywhere(Open::until_closed, unsynced, false);
    }
}

TEST_CASE("a power cut at any change between the hooks, and a filter that every restart closes") {
    for (const auto unsynced : {fakes::Unsynced::lost, fakes::Unsynced::torn, fakes::Unsynced::kept}) {
        cut_everywhere(Open::until_restart, unsynced, false);
    }
}

TEST_CASE("a kill at any change between the hooks") {
    cut_everywhere(Open::until_closed, fakes::Unsynced::kept, true);
    cut_everywhere(Open::until_restart, fakes::Unsynced::kept, true);
}

bool needs_room(const std::string& call) { return !call.starts_with("outside:") && !call.starts_with("remove "); }

TEST_CASE("one write between the hooks that finds no room: the job goes on later, or fails and says so") {
    const auto all = changes(Open::until_closed);
    std::size_t tries = 0, failures = 0;
    for (std::size_t call = 1; call <= all.size(); ++call) {
        const std::string& what = all[call - 1];
        if (!needs_room(what) || !has_its_turn(all, call, 0)) {
            continue;
        }
        CAPTURE(what);
        Filtered device(Open::until_closed);
        device.disk_is_full = true;
        device.files.fail_call(call, error(AgentCode::disk_full, "planned"));
        device.live_to_the_end(fakes::Unsynced::kept, false);
        failures += check_end(device, "disk") ? 0U : 1U;
        ++tries;
    }
    MESSAGE("at " << tries << " of " << all.size() << " changes; " << failures
                  << " jobs failed for want of room, and said so");
    CHECK(failures < tries);
}

TEST_CASE("a disk that is full from any change between the hooks on: the job waits for room, or fails and says so") {
    const auto all = changes(Open::until_closed);
    std::size_t tries = 0, waited = 0, failures = 0;
    for (std::size_t call = 1; call <= all.size(); ++call) {
        if (!needs_room(all[call - 1]) || !has_its_turn(all, call, 0)) {
            continue;
        }
        CAPTURE(call);
        Filtered device(Open::until_closed);
        device.disk_is_full = true;
        device.files.fill_disk_at(call);
        for (int lives = 0; lives < 4 && !device.over; ++lives) {
            device.live_once();
            device.restart_machine();
        }
        waited += device.over ? 0U : 1U;
        device.files.fill_disk_at(0);
        device.files.set_capacity(UINT64_MAX);
        device.disk_is_full = false;
        device.live_to_the_end(fakes::Unsynced::kept, false);
        failures += check_end(device, "disk") ? 0U : 1U;
        ++tries;
    }
    MESSAGE("at " << tries << " of " << all.size() << " changes; " << waited << " jobs waited for room, " << failures
                  << " failed for want of room, and said so");
    CHECK(waited > tries / 2);  // the others had made all their changes
    CHECK(failures < tries);
}

}  // namespace
}  // namespace hagent::session
