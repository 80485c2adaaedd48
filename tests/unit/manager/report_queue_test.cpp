// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the report queue.
#include "agent/manager/report_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/limits.h"
#include "tests/fakes/fake_files.h"

using namespace hagent;
using namespace hagent::manager;
using fakes::FakeFiles;
using fakes::Unsynced;
using session::Report;
using session::ReportStage;

namespace {

constexpr auto k_path = "/state/reports";

struct Fixture {
    Fixture() {
        files.put_directory("/state");
        reopen();
    }
    void reopen() {
        queue.reset();
        queue = ReportQueue::open(files, k_path).value();
    }
    /// Delivers everything, in order.
    std::vector<Report> drain() {
        std::vector<Report> out;
        while (const auto waiting = queue->begin_delivery()) {
            out.push_back(waiting->report);
            REQUIRE(queue->acknowledge(waiting->number).ok());
        }
        return out;
    }
    FakeFiles files;
    std::unique_ptr<ReportQueue> queue;
};

Report progress(const std::string& job, const std::string& message) {
    return {job, ReportStage::executing, {message}, 1, 3};
}
Report success(const std::string& job, const std::string& message) {
    return {job, ReportStage::success, {message}, 3, 3};
}

}  // namespace

TEST_CASE("Reports of different jobs are delivered in the order they came, also by the next process") {
    Fixture f;
    REQUIRE(f.queue->add(progress("1", "one")).ok());
    REQUIRE(f.queue->add(success("2", "two")).ok());
    f.reopen();
    CHECK(f.queue->size() == 2);
    const auto all = f.drain();
    REQUIRE(all.size() == 2);
    CHECK(all[0].job_id == "1");
    CHECK(all[0].stage == ReportStage::executing);
    CHECK(all[0].messages == std::vector<std::string>{"one"});
    CHECK(all[0].done == 1);
    CHECK(all[0].of == 3);
    CHECK(all[1].job_id == "2");
    CHECK(all[1].stage == ReportStage::success);
    f.reopen();
    CHECK(f.queue->size() == 0);
}

TEST_CASE("Progress that waits is told together with the news, in one report") {
    Fixture f;
    REQUIRE(f.queue->add(progress("1", "a")).ok());
    REQUIRE(f.queue->add(progress("1", "b")).ok());
    REQUIRE(f.queue->add(success("1", "c")).ok());
    CHECK(f.queue->size() == 1);
    const auto all = f.drain();
    REQUIRE(all.size() == 1);
    CHECK(all[0].stage == ReportStage::success);
    CHECK(all[0].messages == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("Nothing joins a report that is on its way, so no message is told twice") {
    Fixture f;
    REQUIRE(f.queue->add(progress("1", "a")).ok());
    const auto on_its_way = f.queue->begin_delivery().value();
    REQUIRE(f.queue->add(progress("1", "b")).ok());
    REQUIRE(f.queue->add(success("1", "c")).ok());
    REQUIRE(f.queue->acknowledge(on_its_way.number).ok());
    const auto all = f.drain();
    REQUIRE(all.size() == 1);
    CHECK(all[0].messages == std::vector<std::string>{"b", "c"});
}

TEST_CASE("A report that could not be delivered keeps its place") {
    Fixture f;
    REQUIRE(f.queue->add(progress("1", "a")).ok());
    REQUIRE(f.queue->add(success("2", "x")).ok());
    (void)f.queue->begin_delivery();
    f.queue->put_back();
    REQUIRE(f.queue->add(progress("1", "b")).ok());
    CHECK(f.queue->begin_delivery().value().report.job_id == "2");
    CHECK(f.drain().back().messages == std::vector<std::string>{"a", "b"});
}

TEST_CASE(
    "Progress that could not be delivered joins the news of its job that came meanwhile, so it holds no result back") {
    Fixture f;
    REQUIRE(f.queue->add(progress("1", "a")).ok());
    (void)f.queue->begin_delivery();
    REQUIRE(f.queue->add(success("1", "b")).ok());
    f.files.set_read_only(true);
    f.queue->put_back();
    CHECK(f.queue->size() == 2);  // not written, not done
    f.files.set_read_only(false);
    (void)f.queue->begin_delivery();
    f.queue->put_back();
    CHECK(f.queue->size() == 1);
    f.reopen();
    const auto all = f.drain();
    REQUIRE(all.size() == 1);
    CHECK(all[0].stage == ReportStage::success);
    CHECK(all[0].messages == std::vector<std::string>{"a", "b"});
}

TEST_CASE("A job has one final report: a second one and progress behind it change nothing") {
    Fixture f;
    REQUIRE(f.queue->add(success("1", "first")).ok());
    REQUIRE(f.queue->add({"1", ReportStage::failure, {"second"}, 0, 0}).ok());
    REQUIRE(f.queue->add(progress("1", "late")).ok());
    CHECK(f.drain().size() == 1);
    REQUIRE(f.queue->add({"1", ReportStage::failure, {"third"}, 0, 0}).ok());
    CHECK(f.queue->size() == 0);
    f.reopen();
    REQUIRE(f.queue->add(success("1", "after a restart")).ok());
    CHECK(f.queue->size() == 0);
    CHECK(f.queue->finished("1").value().stage == ReportStage::success);
}

TEST_CASE("A finished job is remembered and its result can be sent once more, one at a time") {
    Fixture f;
    REQUIRE(f.queue->add(success("12", "done")).ok());
    REQUIRE(f.queue->repeat("12").ok());
    CHECK(f.queue->size() == 1);  // the first one still waits
    (void)f.drain();
    f.reopen();
    CHECK_FALSE(f.queue->finished("1").has_value());  // ids are whole texts
    CHECK_FALSE(f.queue->finished("120").has_value());
    REQUIRE(f.queue->repeat("12").ok());
    REQUIRE(f.queue->repeat("12").ok());
    REQUIRE(f.queue->repeat("unknown").ok());
    const auto all = f.drain();
    REQUIRE(all.size() == 1);
    CHECK(all[0].stage == ReportStage::success);
    CHECK(all[0].messages == std::vector<std::string>{"done"});
}

TEST_CASE("The newest messages are kept, each within its limit and never cut inside a character") {
    Fixture f;
    for (int i = 0; i < 100; ++i) {
        REQUIRE(f.queue->add(progress("1", std::to_string(i) + std::string(1000, 'x'))).ok());
    }
    std::string umlauts = "a";
    for (int i = 0; i < 1000; ++i) {
        umlauts += "\xc3\xbc";
    }
    REQUIRE(f.queue->add(progress("1", umlauts)).ok());
    const auto all = f.drain();
    REQUIRE(all.size() == 1);
    REQUIRE(all[0].messages.size() == limits::k_report_messages);
    CHECK(all[0].messages[0].starts_with("61x"));
    for (const auto& message : all[0].messages) {
        CHECK(message.size() <= limits::k_report_message_bytes);
        CHECK(message.size() >= limits::k_report_message_bytes - 1);
    }
    CHECK(all[0].messages.back().size() == 479);  // 480 would end inside a character
}

TEST_CASE("Finished jobs are forgotten one by one, the oldest first, and waiting finals never") {
    Fixture f;
    for (std::size_t i = 0; i < limits::k_finished_jobs + 20; ++i) {
        REQUIRE(f.queue->add(success(std::to_string(i), "m")).ok());
    }
    CHECK_FALSE(f.queue->finished("19").has_value());
    CHECK(f.queue->finished("20").has_value());
    f.reopen();
    CHECK(f.queue->size() == limits::k_finished_jobs + 20);
    CHECK_FALSE(f.queue->finished("19").has_value());
    CHECK(f.queue->finished("20").has_value());
}

TEST_CASE("The file stays small however many reports pass through it, and nothing is lost when it is rewritten") {
    Fixture f;
    REQUIRE(f.queue->add(success("first", "kept")).ok());
    const std::string long_text(400, 'y');
    std::size_t largest = 0;
    for (int i = 0; i < 3000; ++i) {
        REQUIRE(f.queue->add(progress("busy", long_text)).ok());
        if (i % 5 == 0) {
            const auto waiting = f.queue->begin_delivery();  // "first" stays in front until it is taken out below
            f.queue->put_back();
            REQUIRE(waiting->report.job_id == "first");
        }
        largest = std::max(largest, f.files.content(k_path)->size());
    }
    CHECK(largest < 600'000);
    f.reopen();
    const auto all = f.drain();
    REQUIRE(all.size() == 2);
    CHECK(all[0].job_id == "first");
    CHECK(all[1].messages.size() == limits::k_report_messages);
}

TEST_CASE("Report numbers go on growing when the queue was empty while the file was rewritten") {
    Fixture f;
    std::uint64_t last = 0;
    for (int i = 0; i < 2000; ++i) {
        REQUIRE(f.queue->add(progress("1", std::string(400, 'z'))).ok());
        const auto waiting = f.queue->begin_delivery().value();
        REQUIRE(waiting.number > last);
        last = waiting.number;
        REQUIRE(f.queue->acknowledge(last).ok());
        if (i % 100 == 0) {
            f.reopen();
        }
    }
}

TEST_CASE("An offered job that ended here is known by its id and its content") {
    Fixture f;
    CHECK_FALSE(f.queue->offered("7", "aaaa").value());
    REQUIRE(f.queue->add(success("7", "done")).ok());
    (void)f.drain();
    f.reopen();
    CHECK(f.queue->offered("7", "aaaa").value());
    CHECK_FALSE(f.queue->offered("77", "aaaa").value());
}

TEST_CASE("The same id with another content is another job: a manager that was set up anew counts from 1 again") {
    Fixture f;
    CHECK_FALSE(f.queue->offered("1", "old package").value());
    REQUIRE(f.queue->add(success("1", "the old one")).ok());
    REQUIRE(f.queue->add(success("2", "other")).ok());
    CHECK_FALSE(f.queue->offered("1", "new package").value());
    CHECK(f.queue->size() == 1);  // the old result is nobody's any more
    f.reopen();
    CHECK_FALSE(f.queue->offered("1", "new package").value());
    REQUIRE(f.queue->add({"1", ReportStage::failure, {"the new one"}, 0, 0}).ok());
    CHECK(f.queue->finished("1").value().stage == ReportStage::failure);
    CHECK(f.drain().size() == 2);
}

TEST_CASE("Damaged and unknown records are left out") {
    Fixture f;
    f.queue.reset();
    {
        constexpr std::array<std::uint16_t, 5> k_types = {1, 2, 3, 4, 99};
        auto journal = journal::Journal::open(f.files, k_path).value();
        for (const auto* payload : {"", "[]", "{}", "{\"job\":7}", "{\"job\":\"1\",\"stage\":99}",
                                    "{\"job\":\"2\",\"number\":-1,\"messages\":[1]}",
                                    "{\"job\":\"3\",\"number\":\"x\",\"stage\":1.5,\"done\":4294967296}"}) {
            for (const auto type : k_types) {
                REQUIRE(journal.append(type, payload).ok());
            }
        }
    }
    f.reopen();
    REQUIRE(f.queue->add(success("9", "well")).ok());
    const auto all = f.drain();
    REQUIRE(all.size() >= 1);
    CHECK(all.back().job_id == "9");
    for (const auto& report : all) {
        CHECK((report.job_id == "2" || report.job_id == "3" || report.job_id == "9"));
        CHECK((report.job_id == "9" || report.done == 0));
    }
}

namespace {

session::Store::Memory memory_of(const std::vector<std::string>& ended, bool complete) {
    session::Store::Memory memory;
    for (const auto& id : ended) {
        session::Job job;
        job.id = id;
        job.name = "job " + id;
        memory.jobs.push_back({job, success(id, "from its session")});
    }
    memory.complete = complete;
    return memory;
}

/// One byte of the record that holds this text, in both copies.
void damage(FakeFiles& files, const std::string& text) {
    std::string bytes = files.content(k_path).value();
    bytes[bytes.find(text)] ^= 1;
    files.put(k_path, bytes);
    files.put(std::string(k_path) + ".copy", bytes);
}

}  // namespace

TEST_CASE("Records behind a damaged one are kept, and what the damage took comes back from the sessions") {
    Fixture f;
    REQUIRE(f.queue->add(success("1", "first")).ok());
    REQUIRE(f.queue->add(success("2", "second")).ok());
    REQUIRE(f.queue->add(success("3", "third")).ok());
    f.queue.reset();
    damage(f.files, "second");
    f.reopen();
    CHECK(f.queue->damage().size() == 1);
    CHECK(f.queue->size() == 2);
    CHECK(f.queue->finished("3").has_value());
    CHECK_FALSE(f.queue->finished("2").has_value());
    REQUIRE(f.queue->recover(memory_of({"1", "2", "3"}, true), false).ok());
    CHECK(f.queue->damage().size() == 2);
    const auto all = f.drain();
    REQUIRE(all.size() == 3);
    CHECK(all[2].job_id == "2");
    CHECK(all[2].stage == ReportStage::success);
    f.reopen();
    REQUIRE(f.queue->recover(memory_of({"1", "2", "3"}, true), false).ok());
    CHECK(f.queue->damage().empty());
    CHECK(f.queue->size() == 0);
    CHECK(f.queue->offered("4", "x").value() == false);  // the sessions know every job, so this one is new
}

TEST_CASE("A job of which nobody knows whether it was done is told as failed and not done, until all were offered") {
    for (const bool restarted : {false, true}) {
        Fixture f;
        REQUIRE(f.queue->add(success("1", "first")).ok());
        REQUIRE(f.queue->add(success("2", "second")).ok());
        REQUIRE(f.queue->add(success("3", "third")).ok());
        (void)f.drain();
        f.queue.reset();
        damage(f.files, "second");
        f.reopen();
        REQUIRE(f.queue->recover(memory_of({"3"}, false), false).ok());
        if (restarted) {
            f.reopen();
            REQUIRE(f.queue->recover(memory_of({"3"}, false), false).ok());
        }
        CHECK(f.queue->offered("1", "x").value());
        CHECK(f.queue->offered("3", "x").value());
        CHECK(f.queue->size() == 0);
        CHECK(f.queue->offered("2", "x").value());
        const auto all = f.drain();
        REQUIRE(all.size() == 1);
        CHECK(all[0].job_id == "2");
        CHECK(all[0].stage == ReportStage::failure);
        CHECK(all[0].messages.front().find("not known whether this one was done") != std::string::npos);
        REQUIRE(f.queue->all_offered().ok());
        CHECK_FALSE(f.queue->offered("4", "x").value());
        f.reopen();
        REQUIRE(f.queue->recover(memory_of({"3"}, false), false).ok());
        CHECK_FALSE(f.queue->offered("5", "x").value());
    }
}

TEST_CASE("Such a job is not begun either while nothing can be written, and is told later") {
    Fixture f;
    REQUIRE(f.queue->add(success("2", "second")).ok());
    REQUIRE(f.queue->add(success("3", "third")).ok());
    f.queue.reset();
    damage(f.files, "second");
    f.reopen();
    REQUIRE(f.queue->recover(memory_of({}, false), false).ok());
    f.files.set_read_only(true);
    const auto offered = f.queue->offered("2", "x");
    CHECK((!offered.ok() || *offered));
    CHECK(f.queue->all_offered().ok());
    f.files.set_read_only(false);
    CHECK(f.queue->offered("2", "x").value());
    CHECK(f.queue->finished("2").value().stage == ReportStage::failure);
}

TEST_CASE("A queue that is gone is made anew from the sessions; an id that names another job by now is left out") {
    Fixture f;
    f.queue.reset();
    for (const std::string& name : {std::string(k_path), std::string(k_path) + ".copy"}) {
        REQUIRE(f.files.remove(name).ok());
    }
    f.reopen();
    REQUIRE(f.queue->recover(memory_of({"1", "local:1"}, true), false).ok());
    CHECK(f.queue->size() == 1);
    CHECK_FALSE(f.queue->damage().empty());
    CHECK(f.queue->offered("1", "another content").value() == false);
    f.reopen();
    REQUIRE(f.queue->recover(memory_of({"1"}, true), false).ok());
    CHECK_FALSE(f.queue->finished("1").has_value());
}

TEST_CASE("When the journal cannot be written nothing is promised, and the queue goes on later") {
    Fixture f;
    REQUIRE(f.queue->add(progress("1", "a")).ok());
    f.files.set_read_only(true);
    CHECK_FALSE(f.queue->add(success("1", "b")).ok());
    CHECK_FALSE(f.queue->finished("1").has_value());
    f.files.set_read_only(false);
    REQUIRE(f.queue->add(success("1", "b")).ok());
    CHECK(f.drain().back().messages == std::vector<std::string>{"a", "b"});
}

namespace {

/// How far a process came before the power went.
struct Promised {
    bool progress = false, final = false, other = false, acknowledged = false, later = false;
};

Promised promise_all(FakeFiles& files) {
    Promised p;
    auto opened = ReportQueue::open(files, k_path);
    if (!opened.ok()) {
        return p;
    }
    auto& queue = **opened;
    p.progress = queue.add(progress("1", "a")).ok();
    p.final = p.progress && queue.add(success("1", "b")).ok();
    p.other = p.final && queue.add(progress("2", "c")).ok();
    p.acknowledged = p.other && queue.acknowledge(queue.begin_delivery()->number).ok();
    p.later = p.acknowledged && queue.add(progress("2", "d")).ok();
    return p;
}

}  // namespace

TEST_CASE("No power cut loses a report that was added or brings back one that was acknowledged") {
    for (const auto unsynced : {Unsynced::lost, Unsynced::kept, Unsynced::torn}) {
        std::uint64_t cuts = 0;
        for (std::uint64_t call = 1;; ++call) {
            FakeFiles files;
            files.put_directory("/state");
            files.forget_calls();
            files.cut_power_at(call);
            const auto promised = promise_all(files);
            if (!files.power_is_off()) {
                CHECK(promised.later);
                break;
            }
            ++cuts;
            INFO("cut at call " << call);
            files.restart(unsynced);
            auto queue = ReportQueue::open(files, k_path).value();
            std::string told;
            std::size_t finals = 0;
            while (const auto waiting = queue->begin_delivery()) {
                for (const auto& message : waiting->report.messages) {
                    told += message;
                }
                finals += waiting->report.final() ? 1U : 0U;
                REQUIRE(queue->acknowledge(waiting->number).ok());
            }
            const auto has = [&](char message) { return told.find(message) != std::string::npos; };
            CHECK(finals <= 1);
            if (promised.acknowledged) {
                CHECK(finals == 0);
            } else if (promised.progress) {
                CHECK((has('a') || promised.other));  // an acknowledgement that was under way may count already
            }
            if (promised.final) {
                CHECK(queue->finished("1").has_value());
            }
            if (promised.final && !promised.other) {
                CHECK(finals == 1);
            }
            CHECK((!promised.other || has('c')));
            CHECK((!promised.later || has('d')));
        }
        CHECK(cuts > 10);
    }
}

TEST_CASE("A worker may add while the loop delivers") {
    Fixture f;
    std::thread worker([&] {
        for (int i = 0; i < 200; ++i) {
            CHECK(f.queue->add(progress(std::to_string(i % 3), "m")).ok());
        }
        for (int i = 0; i < 3; ++i) {
            CHECK(f.queue->add(success(std::to_string(i), "end")).ok());
        }
    });
    int finals = 0;
    while (finals < 3) {
        if (const auto waiting = f.queue->begin_delivery()) {
            finals += waiting->report.final() ? 1 : 0;
            REQUIRE(f.queue->acknowledge(waiting->number).ok());
        } else {
            std::this_thread::yield();
        }
    }
    worker.join();
    CHECK(f.queue->size() == 0);
}
