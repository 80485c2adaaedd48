// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what other boot loaders say: variables of EFI, answers of bcdedit and of the hook `boot`.
#include <doctest/doctest.h>

#include "agent/boot/bcd_text.h"
#include "agent/boot/efi_entry.h"
#include "agent/boot/hook_answer.h"

using namespace hagent;
using namespace hagent::boot;
using errors::AgentCode;

namespace {

std::string utf16(const std::string& text) {
    std::string out;
    for (const char c : text + '\0') {
        out += c;
        out += '\0';
    }
    return out;
}

const std::string k_path("\x04\x01\x2a\0\x7f\xff\x04\0", 8);

std::string entry(const std::string& name, const std::string& options, char active = 1) {
    return std::string("\x07\0\0\0", 4) + active + std::string("\0\0\0\x08\0", 5) + utf16(name) + k_path + options;
}

void unreadable(const std::string& answer) {
    CAPTURE(answer);
    const auto state = parse_hook_answer(answer);
    REQUIRE_FALSE(state.ok());
    CHECK(state.error().is(AgentCode::boot_program_failed));
}

}  // namespace

TEST_CASE("an entry of the EFI boot manager has a name, options in either form, and a switch") {
    const auto wide = parse_efi_entry(entry("hagent A", utf16("root=/dev/sda2 hagent.slot=A")));
    REQUIRE(wide);
    CHECK(wide->active);
    CHECK(wide->description == "hagent A");
    CHECK(wide->options == "root=/dev/sda2 hagent.slot=A");
    CHECK(parse_efi_entry(entry("x", "hagent.slot=B"))->options == "hagent.slot=B");
    CHECK(parse_efi_entry(entry("x", ""))->options.empty());
    CHECK_FALSE(parse_efi_entry(entry("x", "", 0))->active);
    const std::string off = efi_entry_switched(entry("x", "y"), false);
    CHECK(off == entry("x", "y", 0));
    CHECK(efi_entry_switched(off, true) == entry("x", "y"));
    std::string hidden = entry("x", "y");
    hidden[4] = 9;  // active and hidden
    CHECK(efi_entry_switched(hidden, false)[4] == 8);
}

TEST_CASE("what is no entry of the EFI boot manager is none") {
    const std::string good = entry("hagent A", "");
    for (std::size_t bytes = 0; bytes < good.size(); ++bytes) {
        CHECK_FALSE(parse_efi_entry(good.substr(0, bytes)));
    }
    CHECK_FALSE(parse_efi_entry(std::string(k_efi_variable_bytes + 1, '\0')));
}

TEST_CASE("numbers of EFI entries") {
    CHECK(efi_entry_name(0x1a) == "Boot001A-8be4df61-93ca-11d2-aa0d-00e098032b8c");
    CHECK(efi_entry_number(efi_entry_name(0xfffe)) == 0xfffe);
    for (const char* other :
         {"BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c", "Boot000A", "BootXYZW-8be4df61-93ca-11d2-aa0d-00e098032b8c",
          "Boot000A-00000000-93ca-11d2-aa0d-00e098032b8c"}) {
        CHECK_FALSE(efi_entry_number(other));
    }
    CHECK(parse_efi_numbers(efi_numbers({1, 0x1234})) == std::vector<std::uint16_t>{1, 0x1234});
    CHECK(parse_efi_numbers("") == std::vector<std::uint16_t>{});
    CHECK_FALSE(parse_efi_numbers("\x07"));
    CHECK_FALSE(parse_efi_numbers(std::string(5, '\0')));
}

TEST_CASE("an entry is of the slot that it passes, else of the one it is called after") {
    CHECK(entry_is_of_slot("anything", "quiet hagent.slot=B", "B"));
    CHECK_FALSE(entry_is_of_slot("B", "hagent.slot=A", "B"));
    CHECK(entry_is_of_slot("B", "quiet", "B"));
    CHECK(entry_is_of_slot("hagent B", "", "B"));
    CHECK_FALSE(entry_is_of_slot("hagent BB", "", "B"));
    CHECK_FALSE(entry_is_of_slot("", "", "B"));
}

TEST_CASE("the printed store of Windows, in any language") {
    const auto entries = parse_bcd(
        "\r\nGestionnaire de d?marrage\r\n-----------------\r\n"
        "identificateur          {9DEA862C-5cdd-4e70-acc1-f32b344d4795}\r\n"
        "default                 {aa}\r\n"
        "bootsequence            {bb}\r\n"
        "                        {aa}\r\n"
        "displayorder            {aa}\r\n"
        "                        {cc}\r\n"
        "\r\nChargeur\r\n--------\r\n"
        "identificateur          {bb}\r\n"
        "description             hagent B\r\n"
        "loadoptions             X hagent.slot=B\r\n");
    REQUIRE(entries.ok());
    REQUIRE(entries->size() == 2);
    CHECK((*entries)[0] == BcdEntry{std::string(k_bcd_manager), "", "", "{aa}", {"{bb}", "{aa}"}});
    CHECK((*entries)[1] == BcdEntry{"{bb}", "hagent B", "X hagent.slot=B", "", {}});
    for (const char* bad :
         {"", "The boot configuration data store could not be opened.\r\nAccess is denied.\r\n", "T\r\n---\r\n",
          "T\r\n---\r\nidentifier   none\r\n", "T\r\n---\r\n\r\nU\r\n---\r\nidentifier {aa}\r\n"}) {
        CAPTURE(bad);
        const auto none = parse_bcd(bad);
        REQUIRE_FALSE(none.ok());
        CHECK(none.error().is(AgentCode::boot_program_failed));
    }
}

TEST_CASE("the hook's answer is read strictly") {
    const auto all = parse_hook_answer("running=B\r\nchosen=A\ntrial=B\ntries=2\nover=0\nunfit=A\nunfit=C\n");
    REQUIRE(all.ok());
    CHECK(all->running == "B");
    CHECK(all->chosen == "A");
    CHECK(all->trial == Trial{"B", 2, false});
    CHECK(all->unfit == std::vector<std::string>{"A", "C"});
    const auto none = parse_hook_answer("");
    REQUIRE(none.ok());
    CHECK(none->running.empty());
    CHECK_FALSE(none->trial);
    CHECK_FALSE(parse_hook_answer("trial=\ntries=\n")->trial);
    CHECK(parse_hook_answer("trial=B\nover=1\n")->trial == Trial{"B", 0, true});
    for (const char* bad : {"hello", "running=A\nrunning=A\n", "trial=B\ntries=4\n", "trial=B\ntries=x\n",
                            "trial=B\nover=2\n", "unfit=\n", "unfit=A\nunfit=A\n", "Running=A\n", "=A\n"}) {
        unreadable(bad);
    }
    unreadable("running=" + std::string(33, 'x'));
}
