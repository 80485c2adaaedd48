// SPDX-License-Identifier: Apache-2.0
// Owns the cuts: for every method the power goes at every call that changes something, and again in the repair.
#include <doctest/doctest.h>

#include <algorithm>

#include "agent/boot/grub_env.h"
#include "tests/contract/boot/boot_world.h"

using namespace hagent;
using fakes::Unsynced;

namespace {

void is_good(const Status& status) { REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().context)); }

/// What the agent does, after what, and which slots may run when the power went in the middle of it.
struct Story {
    const char* what;
    void (*before)(BootWorld&);
    Status (*step)(boot::Boot&);
    std::string may_run;
    std::string runs_after;  // once the step was repeated to its end; empty: what ran before
};

void nothing(BootWorld&) {}
void trial_written(BootWorld& world) { is_good(world.boot()->try_once("B", 3)); }
void trial_runs(BootWorld& world) {
    trial_written(world);
    CHECK(world.start() == "B");
}
void marked(BootWorld& world) {
    trial_written(world);
    is_good(world.boot()->mark_unfit("B"));
    world.put_mark("B");
}
void b_is_chosen(BootWorld& world) {
    trial_runs(world);
    is_good(world.boot()->confirm("B"));
}
void b_has_failed(BootWorld& world) {
    trial_runs(world);
    while (world.start() == "B") {
    }
}

const std::vector<Story>& stories() {
    static const std::vector<Story> all = {
        {"a trial is written", nothing, [](boot::Boot& boot) { return boot.try_once("B", 3); }, "AB", "B"},
        {"a trial is confirmed", trial_runs, [](boot::Boot& boot) { return boot.confirm("B"); }, "AB", "B"},
        {"a trial is taken back before it runs", trial_written, [](boot::Boot& boot) { return boot.fall_back(); }, "AB",
         "A"},
        {"a trial falls back", trial_runs, [](boot::Boot& boot) { return boot.fall_back(); }, "AB", "A"},
        {"a slot is marked whose trial was written", trial_written,
         [](boot::Boot& boot) { return boot.mark_unfit("B"); }, "AB", "A"},
        {"a slot is marked", nothing, [](boot::Boot& boot) { return boot.mark_unfit("B"); }, "A", "A"},
        {"the first slot is marked", b_is_chosen, [](boot::Boot& boot) { return boot.mark_unfit("A"); }, "B", "B"},
        {"a try is given back", trial_runs, [](boot::Boot& boot) { return boot.give_back_try(3); }, "AB", ""},
        {"what is left of a trial is cleaned up", b_has_failed, [](boot::Boot& boot) { return boot.fall_back(); }, "A",
         "A"},
        {"nothing is on trial beside a marked slot", marked, [](boot::Boot& boot) { return boot.fall_back(); }, "A",
         "A"},
        {"the running slot is confirmed beside a marked one", marked,
         [](boot::Boot& boot) { return boot.confirm("A"); }, "A", "A"},
    };
    return all;
}

/// How much of what was not synced the disk has kept: all of it, nothing, one sector of the block or the other.
enum class Kept : std::uint8_t { nothing, all, first_sector, second_sector };
constexpr Kept k_kept[] = {Kept::nothing, Kept::all, Kept::first_sector, Kept::second_sector};

using Make = std::unique_ptr<BootWorld> (*)();

std::unique_ptr<BootWorld> world_at_cut(Make make, const Story& story, std::uint64_t call, Unsynced unsynced,
                                        bool& cut) {
    auto world = make();
    story.before(*world);
    world->files.forget_calls();
    world->files.cut_power_at(call);
    const bool done = story.step(*world->boot()).ok();
    cut = world->files.power_is_off();
    CHECK((done || cut));
    world->files.power_cut();
    world->files.restart(unsynced);
    return world;
}

/// Null when the step takes fewer calls.
std::unique_ptr<BootWorld> after_cut(Make make, const Story& story, std::uint64_t call, Kept kept) {
    bool cut = false;
    auto world = world_at_cut(make, story, call, kept == Kept::nothing ? Unsynced::lost : Unsynced::kept, cut);
    if (cut && (kept == Kept::first_sector || kept == Kept::second_sector)) {
        const auto lost = world_at_cut(make, story, call, Unsynced::lost, cut);
        const std::string after = world->files.content(k_grub_env).value_or("");
        const std::string before = lost->files.content(k_grub_env).value_or("");
        const auto& first = kept == Kept::first_sector ? after : before;
        const auto& second = kept == Kept::first_sector ? before : after;
        if (!before.empty()) {
            world->files.put(k_grub_env, first.substr(0, boot::k_env_sector) + second.substr(boot::k_env_sector), 0600);
        }
    }
    return cut ? std::move(world) : nullptr;
}

std::vector<NamedWorld> all_worlds() {
    auto worlds = boot_worlds();
    worlds.push_back({"grub, full", full_grub_world});
    return worlds;
}

std::string sorted_lines(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
        lines.push_back(text.substr(at, end - at));
    }
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const auto& line : lines) {
        out += line + "\n";
    }
    return out;
}

}  // namespace

TEST_CASE("a cut leaves what was or what is wanted, and the same step again leads to what is wanted") {
    std::uint64_t cuts = 0;
    for (const auto& each : all_worlds()) {
        const std::string method = each.name;
        for (const auto& story : stories()) {
            const std::string what = story.what;
            CAPTURE(method);
            CAPTURE(what);
            for (const Kept kept : k_kept) {
                for (std::uint64_t call = 1;; ++call) {
                    CAPTURE(call);
                    const auto world = after_cut(each.make, story, call, kept);
                    if (!world) {
                        break;
                    }
                    ++cuts;
                    const std::string runs = world->start();
                    REQUIRE(story.may_run.find(runs) != std::string::npos);
                    const auto state = world->look();
                    CHECK(state.running == runs);
                    if (story.step(*world->boot())
                            .ok()) {  // refused where another slot runs by now: it came to its end
                        CHECK(world->start() == (story.runs_after.empty() ? runs : story.runs_after));
                    }
                    CHECK_FALSE(world->look().running.empty());
                }
            }
        }
    }
    CHECK(cuts > 100);
}

TEST_CASE("a second cut in the repair of the first leaves a machine that starts") {
    std::uint64_t cuts = 0;
    for (const auto& each : all_worlds()) {
        const std::string method = each.name;
        CAPTURE(method);
        for (const auto& story : stories()) {
            const std::string what = story.what;
            CAPTURE(what);
            for (const Kept kept : {Kept::nothing, Kept::all}) {
                for (std::uint64_t call = 1;; ++call) {
                    if (!after_cut(each.make, story, call, kept)) {
                        break;
                    }
                    for (std::uint64_t second = 1;; ++second) {
                        const auto world = after_cut(each.make, story, call, kept);
                        world->start();
                        world->files.forget_calls();
                        world->files.cut_power_at(second);
                        (void)story.step(*world->boot());
                        if (!world->files.power_is_off()) {
                            break;
                        }
                        ++cuts;
                        const std::string runs =
                            world->start_after_cut(kept == Kept::all ? Unsynced::kept : Unsynced::lost);
                        REQUIRE(story.may_run.find(runs) != std::string::npos);
                        CHECK(world->look().running == runs);
                    }
                }
            }
        }
    }
    CHECK(cuts > 100);
}

TEST_CASE("variables of others survive every cut") {
    for (const auto make : {grub_world, full_grub_world}) {
        const auto fresh = make();
        const auto of_others = [](BootWorld& world) {
            const auto env = boot::parse_grub_env(world.files.content(k_grub_env).value_or(""));
            REQUIRE(env.ok());
            return sorted_lines(env->foreign);
        };
        const std::string wanted = of_others(*fresh);
        for (const auto& story : stories()) {
            for (const Kept kept : {Kept::nothing, Kept::all}) {
                for (std::uint64_t call = 1;; ++call) {
                    const auto world = after_cut(make, story, call, kept);
                    if (!world) {
                        break;
                    }
                    if (kept == Kept::all) {
                        continue;
                    }
                    (void)story.step(*world->boot());
                    CHECK(world->look().running.size() == 1);
                }
            }
            const auto whole = make();
            story.before(*whole);
            is_good(story.step(*whole->boot()));
            CHECK(of_others(*whole) == wanted);
        }
    }
}

TEST_CASE("a change that fails without a cut leaves the state as it was or as it is wanted") {
    for (const auto& each : all_worlds()) {
        const std::string method = each.name;
        CAPTURE(method);
        for (const auto& story : stories()) {
            for (std::uint64_t call = 1;; ++call) {
                const auto world = each.make();
                story.before(*world);
                world->files.forget_calls();
                world->files.fail_call(call, error(errors::AgentCode::io_error, "on purpose").error());
                const bool done = story.step(*world->boot()).ok();
                if (world->files.calls().size() < call) {
                    CHECK(done);
                    break;
                }
                CHECK(story.may_run.find(world->start()) != std::string::npos);
                CHECK_FALSE(world->look().running.empty());
            }
        }
    }
}
