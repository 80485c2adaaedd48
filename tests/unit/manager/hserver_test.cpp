// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the legacy dialect: what is said to hserver.dll, how its answers are read, which jobs come of them.
#include "agent/manager/hserver.h"

#include <doctest/doctest.h>

#include "agent/base/limits.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/job_source.h"

using namespace hagent;
using namespace hagent::manager;
using errors::AgentCode;
using session::Report;
using session::ReportStage;

namespace {

/// '"' stands for the quote of the wire, '~' for its blank in EX.
std::string wire(std::string text) {
    for (char& c : text) {
        c = c == '"' ? '\x0F' : c == '~' ? '\xFC' : c;
    }
    return text;
}

const std::string k_update =
    wire(R"(&UP0|&SI=1|UR=9|CO "SLX"|10|SF "demo/a" "//data//a"|11|EX "/bin/echo~hi" "+"|12|)"
         "FTPS=127.0.0.1|FTPU=rapport|FTPP=s3cret|FTPPortNumber=2100|FTPSecure=0|FTPBw=10240|FTPST=200|"
         "M_FTPS=127.0.0.2|M_FTPU=master|M_FTPP=m:1/2|M_FTPPortNumber=21|M_FTPSecure=1|"
         "&DP=1|&IT=3600|&CID=42|QUB=3|QUT=120|CU=1|");

struct Device {
    Status ask(const std::string& body, int status = 200) {
        dialect.begin(url, identity);
        call = dialect.next().value();
        auto done = dialect.answered(Answer{static_cast<std::uint16_t>(status), body, {}, {}});
        CHECK_FALSE(dialect.next().has_value());
        return done;
    }
    session::Job job(const std::string& body) {
        REQUIRE(ask(body).ok());
        auto events = dialect.take_events();
        REQUIRE(events.size() == 1);
        auto* offered = std::get_if<JobOffered>(&events[0]);
        REQUIRE(offered != nullptr);
        CHECK_FALSE(offered->standing);
        return offered->job;
    }
    Error refusal(const std::string& body) {
        REQUIRE(ask(body).ok());
        auto events = dialect.take_events();
        REQUIRE(events.size() == 1);
        auto* refused = std::get_if<JobRefused>(&events[0]);
        REQUIRE(refused != nullptr);
        return refused->why;
    }

    fakes::FakeClock clock;
    log::Log log{clock};
    HserverServices services{log, {}, false};
    HserverDialect dialect{services};
    std::string url = "http://127.0.0.1:8088";
    Identity identity{"tc-1",
                      {{"mac", "00:80:64:aa:bb:cc 00:80:64:aa:bb:cd"},
                       {"os.code", "SLX"},
                       {"hostname", "a|b&c"},
                       {"Custom1", "lobby"}},
                      "digest 1"};
    Call call;
};

}  // namespace

TEST_CASE("The first check-in tells the inventory, later ones only ask, until the inventory changes") {
    Device d;
    REQUIRE(d.ask("&00|no pending updates|&IT=10|&CID=42|").ok());
    CHECK(d.call.method == transfer::Method::put);
    CHECK(d.call.url == "http://127.0.0.1:8088/hserver.dll?&V01");
    CHECK(d.call.body == "&V01|MAC=008064AABBCC|OS=SLX|CN=a b c|Custom1=lobby|");
    CHECK(d.dialect.interval_hint() == Seconds{10});
    CHECK(std::holds_alternative<NothingOffered>(d.dialect.take_events().at(0)));
    REQUIRE(d.ask("&00|").ok());
    CHECK(d.call.url == "http://127.0.0.1:8088/hserver.dll?&V55");
    CHECK(d.call.body == "&V55|MAC=008064AABBCC|CID=42|");
    CHECK(d.dialect.interval_hint() == Seconds{10});  // not said again: as before
    d.identity.digest = "digest 2";
    d.url = "https://manager.example/";
    REQUIRE(d.ask("&00|").ok());
    CHECK(d.call.method == transfer::Method::post);
    CHECK(d.call.url == "https://manager.example/hserver.dll?&V01");
}

TEST_CASE("An inventory that was not taken is told again") {
    Device d;
    CHECK(d.ask("<html>", 200).error().is(AgentCode::manager_malformed_answer));
    CHECK(d.ask("", 500).error().id == errors::http(500));
    CHECK(d.ask("", 403).error().is(AgentCode::manager_auth_refused));
    CHECK(d.ask("Invalid Command Sent: &V01").error().is(AgentCode::manager_malformed_answer));
    CHECK(d.call.url.ends_with("&V01"));
}

TEST_CASE("An update is a script with the servers of its files") {
    Device d;
    const auto job = d.job(k_update);
    CHECK(job.id == "SI1-UR9");
    CHECK(job.kind == JobKind::script);
    CHECK(session::wire_script(job).commands ==
          "CO \x0FSLX\x0F|10|SF \x0F"
          "demo/a\x0F \x0F//data//a\x0F|11|EX \x0F/bin/echo hi\x0F \x0F+\x0F|12|");
    REQUIRE(session::wire_script(job).repositories.size() == 2);
    CHECK(session::wire_script(job).repositories[0].url == "ftp://127.0.0.1:2100/");
    CHECK(session::wire_script(job).repositories[0].user == "rapport");
    CHECK(session::wire_script(job).repositories[0].password == "s3cret");
    CHECK(session::wire_script(job).repositories[1].url == "ftpes://127.0.0.2:21/");
    CHECK(session::wire_script(job).limit_bytes_per_s == 10240U * 1024);
    CHECK(work::option(job.options, "form") == "wire");
    CHECK(work::option(job.options, "question_s") == "120");
    CHECK(work::option(job.options, "postponements") == "3");
    CHECK(d.dialect.interval_hint() == Seconds{3600});
}

TEST_CASE("Keys come with and without '&', in any order and case, empty or unknown") {
    Device d;
    const auto job = d.job(wire("&UP0|||QUT=30|&NEW=thing|&ftps=127.0.0.1|FTPU=u|EL|1||&UR=7|EMPTY=|EL|2|"));
    CHECK(job.id == "SI-UR7");
    CHECK(work::option(job.options, "question_s") == "30");
    CHECK(session::wire_script(job).commands == "EL|1|EL|2|");
    CHECK(session::wire_script(job).repositories.at(0).url == "ftp://127.0.0.1/");
}

TEST_CASE("Numbers that are none are passed over") {
    Device d;
    const auto job =
        d.job(wire("&UP0|SI=x|UR=-1|EL|1|IT=soon|QUT=9999999|QUB=11|FTPBw=|FTPS=127.0.0.1|FTPU=u|FTPPortNumber=|"));
    CHECK(job.id.starts_with("script-"));
    CHECK_FALSE(work::option(job.options, "question_s"));
    CHECK_FALSE(work::option(job.options, "postponements"));
    CHECK(session::wire_script(job).limit_bytes_per_s == 0);
    CHECK(session::wire_script(job).repositories.at(0).url == "ftp://127.0.0.1/");
    CHECK_FALSE(d.dialect.interval_hint());
}

TEST_CASE("An update without numbers is known by its script") {
    Device d;
    const auto one = d.job("&UP0|EL|1|"), again = d.job("&UP0|EL|1|"), other = d.job("&UP0|EL|2|");
    CHECK(one.id == again.id);
    CHECK(one.id != other.id);
    CHECK(one.id.starts_with("script-"));
}

TEST_CASE("An update without commands, another verb and an idle answer bring nothing") {
    Device d;
    for (const auto* body : {"&UP0|SI=1|UR=2|", "&00", "&00|EL|1|", "&00|words|IT=1", "&ZZ9|EL|1|", "&up0|EL|1|"}) {
        CAPTURE(body);
        REQUIRE(d.ask(body).ok());
        const auto events = d.dialect.take_events();
        REQUIRE(events.size() == 1);
        CHECK(std::holds_alternative<NothingOffered>(events[0]));
    }
}

TEST_CASE("A script that cannot be read, or uses an opcode that is not allowed, is refused whole") {
    Device d;
    CHECK(d.refusal(wire("&UP0|UR=1|EX \"a\"|DF \"b\"|7|")).is(AgentCode::script_syntax));
    CHECK(d.refusal(wire("&UP0|UR=1|EX \"a|7|")).is(AgentCode::script_syntax));
    CHECK(d.refusal("&UP0|UR=1|EL|0|").is(AgentCode::script_syntax));
    d.services.opcodes = {"co", "SF"};
    HserverDialect limited(d.services);
    limited.begin(d.url, d.identity);
    REQUIRE(limited.answered(Answer{200, k_update, {}, {}}).ok());
    const auto events = limited.take_events();
    const auto* refused = std::get_if<JobRefused>(&events.at(0));
    REQUIRE(refused != nullptr);
    CHECK(refused->job_id == "SI1-UR9");
    CHECK(refused->why.is(AgentCode::job_unsupported));
    CHECK(refused->why.context == "EX in step 12 is not in manager.opcodes");
}

TEST_CASE(
    "A file server is refused in clear text from elsewhere, never used without a user, and never an odd address") {
    Device d;
    CHECK(d.refusal("&UP0|UR=1|EL|1|FTPS=192.0.2.1|FTPU=u|FTPP=p|").is(AgentCode::config_clear_text_refused));
    CHECK(session::wire_script(d.job("&UP0|UR=1|EL|1|FTPS=192.0.2.1|FTPU=u|FTPSecure=1|")).repositories.size() == 1);
    CHECK(session::wire_script(d.job("&UP0|UR=1|EL|1|FTPS=127.0.0.1|FTPU=|")).repositories.empty());
    for (const auto* host : {"a/b", "u:p@127.0.0.1", "127.0.0.1:21", "a b", "127.0.0.1?x", "127.0.0.1#"}) {
        CAPTURE(host);
        CHECK(
            d.refusal("&UP0|UR=1|EL|1|FTPS=" + std::string(host) + "|FTPU=u|FTPPortNumber=21|").is(AgentCode::bad_url));
    }
    d.services.allow_clear_text = true;
    HserverDialect open(d.services);
    open.begin(d.url, d.identity);
    REQUIRE(open.answered(Answer{200, "&UP0|UR=1|EL|1|FTPS=192.0.2.1|FTPU=u|", {}, {}}).ok());
    CHECK(std::holds_alternative<JobOffered>(open.take_events().at(0)));
}

TEST_CASE("A report names the update, its state and each step's words, which cannot add a field") {
    Device d;
    const Report report{"SI1-UR9", ReportStage::executing, {"step 1 of 3, CO: done", "step 2|ST=done&x\n"}, 2, 3};
    const auto call = d.dialect.report("http://127.0.0.1/", d.identity, report);
    CHECK(call.url == "http://127.0.0.1/hserver.dll?&V02");
    CHECK(call.body ==
          "&V02|MAC=008064AABBCC|SI=1|UR=9|ST=executing|DN=2|OF=3|MSG=step 1 of 3, CO: done|MSG=step 2 ST=done x?|");
    CHECK(d.dialect.report("http://127.0.0.1/", d.identity, {"script-0011", ReportStage::failure, {}, 0, 0}).body ==
          "&V02|MAC=008064AABBCC|ST=error|DN=0|OF=0|");
    CHECK(d.dialect.delivered(report, Answer{200, "&00|", {}, {}}) == Delivery::acknowledged);
    CHECK(d.dialect.delivered(report, Answer{404, "", {}, {}}) == Delivery::obsolete);
    CHECK(d.dialect.delivered(report, Answer{500, "", {}, {}}) == Delivery::again);
    CHECK(d.dialect.delivered(report, error(errors::winsock(10061))) == Delivery::again);
}

TEST_CASE("An answer of which one field is not understood refuses the whole job and names the field") {
    // CO "XP" is the guard: whatever hides it, EX must not be left alone
    const std::pair<const char*, const char*> cases[] = {
        {"CO \"XP\"|10", "field 5 (10) has no '|' behind it"},
        {"CO XP|EX \"/bin/true\"|11|", "field 4 (CO XP) is neither"},
        {"CO|EX \"/bin/true\"|11|", "field 4 (CO) is neither"},
        {"CO \"XP\"|EX \"/bin/true\"|11|", "field 4 (CO \"XP\"), column 8: expected '|' and a step number"},
        {"CO \"XP\"|1O|EX \"/bin/true\"|11|", "field 5 (1O) is neither"},
        {"\r\nCO \"XP\"|10|EX \"/bin/true\"|11|", "field 4 (?\?CO \"XP\"), column 1"},
        {"CO \"XP\"\r\n|10|EX \"/bin/true\"|11|", "field 4 (CO \"XP\"?\?)"},
        {"\x0b"
         "CO \"XP\"|10|EX \"/bin/true\"|11|",
         "field 4 (?CO"},
        {"\xA0"
         "CO \"XP\"|10|EX \"/bin/true\"|11|",
         "field 4 (\u00A0CO \"XP\"), column 1: expected a command"},
        {"\xEF\xBB\xBF"
         "CO \"XP\"|10|EX \"/bin/true\"|11|",
         "expected a command"},
        {"&CO \"XP\"|10|EX \"/bin/true\"|11|", "field 4 (&CO \"XP\"), column 1: expected a command"},
        {"(CO \"XP\"|10|EX \"/bin/true\"|11|", "expected a command"},
        {"CO=\"XP\"|10|EX \"/bin/true\"|11|", "field 4 (CO=\"XP\"), column 3"},
        {"CO=XP|EX \"/bin/true\"|11|", "field 4 (CO=XP) begins like a command"},
        {"CO: XP|10|EX \"/bin/true\"|11|", "field 4 (CO: XP), column 3"},
        {"NEW=1|10|EX \"/bin/true\"|11|", "field 4 (NEW=1), column 4"},
        {"|10|EX \"/bin/true\"|11|", "field 4 (), column 1: expected a command"},
        {"EL|10|11|EX \"/bin/true\"|11|", "field 6 (11) is neither"},
        {"CO \"XP|10|EX \"/bin/true\"|11|", "has no '|' behind it"},
        {"CO \"XP|10|EX \"/bin/true\" \"+|11|", "expected a blank"},
        {"hello|EX \"/bin/true\"|11|", "field 4 (hello) is neither"},
        {"NEW=a\x01|EX \"/bin/true\"|11|", "field 4 (NEW=a?) holds a control character"},
        {"EX \"/bin/true\"|11|UR=10|", "gives a key another value"},
        {"EX \"/bin/true\"|11", "field 5 (11) has no '|' behind it"},
        {"EX \"/bin/true\"|11|IT=36", "field 6 (IT=36) has no '|' behind it"},
        {"EX \"/bin/true\"|11|EX \"/bin/tr", "field 6 (EX \"/bin/tr) has no '|' behind it"},
    };
    for (const auto& each : cases) {
        const std::string text = each.first, words = each.second;
        CAPTURE(text);
        Device d;
        const auto why = d.refusal("&UP0|&SI=1|UR=9|" + wire(text));
        CHECK(why.is(AgentCode::script_syntax));
        CAPTURE(why.context);
        CHECK(why.context.find(words) != std::string::npos);
    }
    Device d;
    const auto nul = std::string("&UP0|&SI=1|UR=9|\0", 17) + wire("CO \"XP\"|10|EX \"/bin/true\"|11|");
    CHECK(d.refusal(nul).context.find("field 4 (?CO") != std::string::npos);
    CHECK(d.refusal("&UP0|UR=9|EX " + wire("\"" + std::string(5000, 'x') + "\"|1|")).context.find("at most 4096") !=
          std::string::npos);
    CHECK(d.ask("&UP0|&SI=1").error().is(AgentCode::manager_malformed_answer));  // no job that could be named
}

TEST_CASE("Blanks around a command, a number and a key are understood, and opcodes of either case") {
    Device d;
    const auto job = d.job(wire("&UP0|&SI=1|UR=9| CO \"XP\" | 10 |\tex \"/bin/true~a\"|11| IT=3600 |\r\n"));
    CHECK(session::wire_script(job).commands == wire(" CO \"XP\" | 10 |\tex \"/bin/true a\"|11|"));
    CHECK(d.dialect.interval_hint() == Seconds{3600});
}

TEST_CASE("Wherever an answer is cut, no command of it is left without those before it") {
    Device d;
    for (std::size_t bytes = 0; bytes < k_update.size(); ++bytes) {
        CAPTURE(bytes);
        if (!d.ask(k_update.substr(0, bytes)).ok()) {
            continue;
        }
        for (const auto& event : d.dialect.take_events()) {
            if (const auto* offered = std::get_if<JobOffered>(&event)) {
                CHECK(k_update.substr(0, bytes).ends_with('|'));
                CHECK(session::wire_script(offered->job).commands.starts_with("CO \x0FSLX\x0F|10|"));
            }
        }
    }
}

TEST_CASE("A number of a file server that is none refuses the job: it could have meant encryption") {
    for (const auto* key : {"FTPSecure=2", "FTPSecure=yes", "FTPPortNumber=99999", "FTPPortNumber=2l", "FTPBw=fast"}) {
        CAPTURE(key);
        Device d;
        const auto why = d.refusal("&UP0|UR=1|EL|1|FTPS=127.0.0.1|FTPU=u|" + std::string(key) + "|");
        CHECK(why.is(AgentCode::script_syntax));
        CHECK(why.context.find("is no number up to") != std::string::npos);
    }
}

TEST_CASE("The grammar keeps what it does not know of an idle answer, and unknown keys of each") {
    const auto reply = parse_hserver_reply(wire("&UP0|&A=1|a=2|ZZ \"x|y\"|5|Nr=|x-new.key=|")).value();
    CHECK(reply.verb == "UP0");
    CHECK(reply.fault.empty());
    CHECK(reply.keys ==
          std::vector<std::pair<std::string, std::string>>{{"A", "1"}, {"a", "2"}, {"Nr", ""}, {"x-new.key", ""}});
    CHECK(reply.value("a") == "1");
    CHECK(reply.script == "ZZ \x0Fx|y\x0F|5|");
    CHECK(reply.command_fields == std::vector<unsigned>{4});
    CHECK(parse_hserver_reply("&00|hello \x07|more|IT=9").value().text == "hello ?");
    CHECK(parse_hserver_reply("&00|hello|IT=9").value().value("IT") == "9");
    CHECK_FALSE(known_hserver_key("NEW"));
    CHECK(known_hserver_key("m_ftpPORTnumber"));
}

TEST_CASE("What does not begin with '&' and a verb, or has too many keys, is no answer") {
    for (const std::string body : {"", "00|", "&", "&|", "&VERYLONGVERB|", "&0 0|", "<html>", "\x0F&00|"}) {
        CAPTURE(body);
        CHECK(parse_hserver_reply(body).error().is(AgentCode::manager_malformed_answer));
    }
    CHECK(parse_hserver_reply(std::string("&00\r\n\0", 6)).value().verb == "00");
    std::string many = "&00";
    for (std::size_t i = 0; i <= limits::k_hserver_keys; ++i) {
        many += "|A=1";
    }
    CHECK_FALSE(parse_hserver_reply(many).ok());
}
