// SPDX-License-Identifier: Apache-2.0
// Owns the promises of agent/boot/boot.h, for every method over its machine.
#include <doctest/doctest.h>

#include "tests/contract/boot/boot_world.h"

using namespace hagent;
using errors::AgentCode;

namespace {

template <class Body>
void in_each_world(Body body) {
    for (const auto& each : boot_worlds()) {
        const std::string method = each.name;
        CAPTURE(method);
        const auto world = each.make();
        CHECK(world->boot()->name() == each.name);
        body(*world);
    }
}

void is_good(const Status& status) { CHECK_MESSAGE(status.ok(), (status.ok() ? "" : status.error().context)); }

AgentCode refusal(const Status& status) {
    return status.ok() ? AgentCode::internal : AgentCode{status.error().id.number};
}

/// B is the chosen slot and runs.
void move_to_b(BootWorld& world) {
    is_good(world.boot()->try_once("B", 3));
    CHECK(world.start() == "B");
    is_good(world.boot()->confirm("B"));
}

}  // namespace

TEST_CASE("a machine that nobody has touched runs its first slot, and nothing is on trial") {
    in_each_world([](BootWorld& world) {
        is_good(world.boot()->check());
        CHECK(world.look().running == "A");
        CHECK(world.look().chosen == "A");
        CHECK_FALSE(world.look().trial);
        CHECK(world.look().unfit.empty());
        CHECK(world.start() == "A");
        is_good(world.boot()->check());
    });
}

TEST_CASE("a trial starts the other slot, and a confirm makes it the chosen one for good") {
    in_each_world([](BootWorld& world) {
        is_good(world.boot()->try_once("B", 2));
        auto state = world.look();
        CHECK(state.running == "A");
        CHECK(state.chosen == "A");
        CHECK(state.trial == boot::Trial{"B", world.counts ? 2U : 1U, false});
        CHECK_FALSE(state.on_trial());
        CHECK(world.start() == "B");
        state = world.look();
        CHECK(state.running == "B");
        CHECK(state.chosen == "A");
        CHECK(state.on_trial());
        CHECK(state.trial->tries_left == (world.counts ? 1U : 0U));
        is_good(world.boot()->check());
        is_good(world.boot()->confirm("B"));
        for (int again = 0; again < 2; ++again) {
            state = world.look();
            CHECK(state.running == "B");
            CHECK(state.chosen == "B");
            CHECK_FALSE(state.trial);
            is_good(world.boot()->confirm("B"));
            CHECK(world.start() == "B");
        }
    });
}

TEST_CASE("a slot that nobody confirms has its starts and no more") {
    in_each_world([](BootWorld& world) {
        is_good(world.boot()->try_once("B", 3));
        const int starts = world.counts ? 3 : 1;
        for (int i = 0; i < starts; ++i) {
            CHECK(world.start() == "B");
        }
        CHECK(world.start() == "A");
        CHECK((!world.look().trial || world.look().trial->over));
        is_good(world.boot()->fall_back());
        CHECK_FALSE(world.look().trial);
        CHECK(world.start() == "A");
        CHECK(world.look().chosen == "A");
        move_to_b(world);  // the slot is as good as new for the next image
        CHECK(world.start() == "B");
    });
}

TEST_CASE("falling back takes a trial away, before its start and after it, once or twice") {
    in_each_world([](BootWorld& world) {
        is_good(world.boot()->fall_back());
        is_good(world.boot()->try_once("B", 3));
        is_good(world.boot()->fall_back());
        is_good(world.boot()->fall_back());
        CHECK_FALSE(world.look().trial);
        CHECK(world.start() == "A");
        is_good(world.boot()->try_once("B", 3));
        CHECK(world.start() == "B");
        is_good(world.boot()->fall_back());
        is_good(world.boot()->fall_back());
        CHECK(world.start() == "A");
        CHECK_FALSE(world.look().trial);
    });
}

TEST_CASE("a slot that is marked is not started, whatever its trial was, until it is tried anew") {
    in_each_world([](BootWorld& world) {
        is_good(world.boot()->try_once("B", 3));
        is_good(world.boot()->mark_unfit("B"));
        world.put_mark("B");  // as the writer of images does
        CHECK(world.look().unfit == std::vector<std::string>{"B"});
        CHECK_FALSE(world.look().trial);
        is_good(world.boot()->mark_unfit("B"));
        is_good(world.boot()->fall_back());
        is_good(world.boot()->confirm("A"));
        CHECK(world.look().unfit == std::vector<std::string>{"B"});
        CHECK(world.start() == "A");
        CHECK(world.look().unfit == std::vector<std::string>{"B"});
        CHECK(refusal(world.boot()->try_once("B", 3)) == AgentCode::slot_not_whole);
        CHECK(refusal(world.boot()->confirm("B")) == AgentCode::slot_not_whole);
        world.put_image("B");
        move_to_b(world);
        CHECK(world.look().unfit.empty());
        is_good(world.boot()->mark_unfit("A"));  // now the other one is written to
        world.put_mark("A");
        CHECK(world.look().unfit == std::vector<std::string>{"A"});
        CHECK(world.start() == "B");
    });
}

TEST_CASE("what would take the way back away is refused") {
    in_each_world([](BootWorld& world) {
        CHECK(refusal(world.boot()->mark_unfit("A")) == AgentCode::slot_runs);
        CHECK(refusal(world.boot()->try_once("A", 3)) == AgentCode::slot_runs);
        for (const auto& status :
             {world.boot()->mark_unfit("C"), world.boot()->try_once("", 3), world.boot()->confirm("C")}) {
            CHECK(refusal(status) == AgentCode::no_such_slot);
        }
        is_good(world.boot()->try_once("B", 3));
        CHECK(world.start() == "B");
        CHECK(refusal(world.boot()->mark_unfit("A")) == AgentCode::trial_runs);
        CHECK(refusal(world.boot()->try_once("A", 3)) == AgentCode::trial_runs);
        CHECK(world.look().on_trial());
        CHECK(world.look().chosen == "A");
    });
}

TEST_CASE("an agent that came up gives its start back, up to the bound that it is given") {
    in_each_world([](BootWorld& world) {
        is_good(world.boot()->give_back_try(3));  // nothing is on trial
        CHECK_FALSE(world.look().trial);
        is_good(world.boot()->try_once("B", 1));
        is_good(world.boot()->give_back_try(3));  // it does not run yet
        CHECK(world.look().trial == boot::Trial{"B", 1, false});
        CHECK(world.start() == "B");
        CHECK(world.look().trial->tries_left == 0);
        is_good(world.boot()->give_back_try(0));
        CHECK(world.look().trial->tries_left == 0);
        is_good(world.boot()->give_back_try(1));
        is_good(world.boot()->give_back_try(1));
        CHECK(world.look().trial == boot::Trial{"B", 1, false});
        CHECK(world.look().on_trial());
        CHECK(world.start() == "B");  // the orderly restart did not count
        CHECK(world.start() == "A");
    });
}

TEST_CASE("one lock is for all who write, and none for those who look") {
    in_each_world([](BootWorld& world) {
        {
            const auto other = world.other_writer();
            REQUIRE(other.ok());
            const auto boot = world.boot();
            CHECK(boot->look().ok());
            for (const auto& status : {boot->mark_unfit("B"), boot->try_once("B", 3), boot->confirm("A"),
                                       boot->fall_back(), boot->give_back_try(3)}) {
                CHECK(refusal(status) == AgentCode::busy);
            }
        }
        is_good(world.boot()->try_once("B", 3));
    });
}

TEST_CASE("a machine of which nobody knows what runs is not written to") {
    in_each_world([](BootWorld& world) {
        world.image.running = "A";
        world.devices.line = "hagent.slot=B";
        const auto boot = world.boot();
        CHECK_FALSE(boot->check().ok());
        if (boot->name() != "hook") {  // which says it by itself
            for (const auto& status : {boot->mark_unfit("B"), boot->try_once("B", 3), boot->confirm("A"),
                                       boot->fall_back(), boot->give_back_try(3)}) {
                CHECK(refusal(status) == AgentCode::boot_slots_disagree);
            }
        }
        world.devices.line = "";
        CHECK(world.start() == "A");
    });
}

TEST_CASE("without a boot method nothing can be started, and nothing stands in the way") {
    const auto world = grub_world();
    world->image.boot = config::BootMethod::none;
    const auto boot = world->boot();
    CHECK(boot->name() == "none");
    is_good(boot->check());
    is_good(boot->mark_unfit("B"));
    CHECK(refusal(boot->try_once("B", 1)) == AgentCode::boot_method_none);
    is_good(boot->confirm("A"));
    is_good(boot->fall_back());
    is_good(boot->give_back_try(3));
    CHECK(world->look().running == "A");
    world->devices.line = "";
    world->image.slots.clear();
    CHECK(world->look().running.empty());
}
