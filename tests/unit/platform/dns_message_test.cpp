// SPDX-License-Identifier: Apache-2.0
// Owns the tests of reading a name server's answers and of completing names.
#include "platform/dns_message.h"

#include <doctest/doctest.h>

#include <utility>

namespace hagent::platform {
namespace {

using Places = std::vector<ServicePlace>;
using Strings = std::vector<std::string>;

/// Puts an answer together, byte by byte.
struct Message {
    std::string bytes;

    explicit Message(unsigned answers, unsigned questions = 1) {
        u16(0x1234).u16(0x8180).u16(questions).u16(answers).u16(0).u16(0);
        for (; questions > 0; --questions) {
            name("_hagent._tcp.example").u16(33).u16(1);
        }
    }
    Message& u8(unsigned value) { return bytes += static_cast<char>(value), *this; }
    Message& u16(unsigned value) { return u8(value >> 8U & 0xFFU).u8(value & 0xFFU); }
    Message& raw(const std::string& more) { return bytes += more, *this; }
    static std::string coded(const std::string& text) {
        std::string out;
        for (std::size_t at = 0; at < text.size();) {
            const auto end = std::min(text.find('.', at), text.size());
            out += static_cast<char>(end - at);
            out += text.substr(at, end - at);
            at = end + 1;
        }
        return out + '\0';
    }
    Message& name(const std::string& text) { return raw(coded(text)); }
    /// A record about the question's name, by a pointer to it.
    Message& record(unsigned type, const std::string& data, unsigned network = 1) {
        return u16(0xC00C).u16(type).u16(network).u16(0).u16(60).u16(static_cast<unsigned>(data.size())).raw(data);
    }
    Message& service(unsigned priority, unsigned weight, unsigned port, const std::string& host) {
        return record(33, Message(0, 0).cleared().u16(priority).u16(weight).u16(port).raw(host).bytes);
    }
    Message& cleared() { return bytes.clear(), *this; }

    Places read() const { return read(bytes.size()); }
    Places read(std::size_t size) const {
        const std::vector<std::uint8_t> exact(
            bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));  // so that sanitizers see its end
        return services_of_answer(exact);
    }
};

std::string pointer(unsigned to) { return {static_cast<char>(0xC0U | to >> 8U), static_cast<char>(to & 0xFFU)}; }

TEST_CASE("records are read with their hosts, written out or by a pointer") {
    Message answer(2);
    answer.service(10, 60, 8443, Message::coded("one.example"));
    answer.service(20, 0, 443, std::string("\3two", 4) + pointer(12 + 13));  // two + "example" of the question
    CHECK(answer.read() == Places{{10, 60, 8443, "one.example"}, {20, 0, 443, "two.example"}});
}

TEST_CASE("other records and other networks are passed over") {
    Message answer(4);
    answer.record(5, Message::coded("alias.example")).record(33, std::string(7, 'x'), 3).record(16, "text");
    answer.service(1, 2, 3, Message::coded("m.example"));
    CHECK(answer.read() == Places{{1, 2, 3, "m.example"}});
    CHECK(Message(0).read().empty());
    Message unasked(1, 0);  // without the question
    unasked.name("m").u16(33).u16(1).u16(0).u16(60).u16(9).u16(1).u16(2).u16(3).name("m");
    CHECK(unasked.read() == Places{{1, 2, 3, "m"}});
}

TEST_CASE("an answer that is cut off gives what came before the cut, whatever its place") {
    Message answer(2);
    answer.service(1, 2, 3, Message::coded("a.example"));
    const auto first = answer.bytes.size();
    answer.service(4, 5, 6, Message::coded("b.example"));
    for (std::size_t size = 0; size < answer.bytes.size(); ++size) {
        CAPTURE(size);
        CHECK(answer.read(size).size() == (size < first ? 0 : 1));
    }
    CHECK(answer.read().size() == 2);
    CHECK(Message(65535).read().empty());
    CHECK(Message(0, 65535).read(12).empty());
}

TEST_CASE("hosts that are no names are left out, the next record is read") {
    const std::vector<std::string> odd = {std::string(1, '\0'),  // "decidedly not here"
                                          Message::coded("m.example") + "more",
                                          std::string("\1x", 2),
                                          std::string("\100", 1) + std::string(64, 'x') + '\0',
                                          "",
                                          std::string("\xC0", 1)};
    for (const auto& host : odd) {
        CAPTURE(host);
        CHECK(Message(2).service(1, 1, 1, host).service(2, 2, 2, Message::coded("good")).read() ==
              Places{{2, 2, 2, "good"}});
    }
    CHECK(Message(2).record(33, "short").service(2, 2, 2, Message::coded("good")).read() == Places{{2, 2, 2, "good"}});
}

TEST_CASE("pointers that lead nowhere or in a circle end") {
    // where the host of the first record begins
    const auto here = static_cast<unsigned>(Message(1).bytes.size() + 12 + 6);
    for (const unsigned target : {here, here + 1, here + 2, 0x3FFFU}) {
        CAPTURE(target);
        CHECK(Message(1).service(1, 1, 1, pointer(target)).read().empty());
    }
    Message two(2);
    two.service(1, 1, 1, pointer(here + 24));
    two.service(2, 2, 2, pointer(here));
    CHECK(two.read().empty());
    CHECK(Message(1).service(1, 1, 1, pointer(12)).read() == Places{{1, 1, 1, "_hagent._tcp.example"}});
}

TEST_CASE("a name ends at 253 characters and a list at 16 records") {
    const std::string label = std::string(61, 'a') + ".";
    const std::string long_name = label + label + label + std::string(63, 'b');  // 249
    CHECK(Message(1).service(0, 0, 1, Message::coded("ccc." + long_name)).read().size() == 1);
    CHECK(Message(1).service(0, 0, 1, Message::coded("cccc." + long_name)).read().empty());
    Message many(100);
    for (unsigned i = 0; i < 100; ++i) {
        many.service(0, 0, i + 1, Message::coded("m"));
    }
    CHECK(many.read().size() == 16);
}

TEST_CASE("the last line of resolv.conf that names domains counts, and a name without a domain is asked for in each") {
    const std::string service = "_hagent._tcp";
    for (const char* none : {"", "nameserver 192.0.2.1\n# search no\n;domain no\nsearch\nsearching x\n"}) {
        CAPTURE(none);
        CHECK(names_to_ask(service, none) == Strings{service});
    }
    CHECK(names_to_ask(service, "domain one.example\nsearch\ta.example  b.example \r\n") ==
          Strings{service + ".a.example", service + ".b.example"});
    CHECK(names_to_ask(service, "search a\ndomain b.example") == Strings{service + ".b.example"});
    CHECK(names_to_ask(service, "search 1 2 3 4 5 6 7").size() == 6);
    CHECK(names_to_ask(service + ".c.example", "search a.example") == Strings{service + ".c.example"});
}

}  // namespace
}  // namespace hagent::platform
