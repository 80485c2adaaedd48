// SPDX-License-Identifier: Apache-2.0
// Owns main: the one place where the kinds of work are made and put into their table.
#include "agent/image/image_kind.h"
#include "agent/program.h"
#include "agent/script/script_kind.h"
#include "agent/upgrade/upgrade_kind.h"

int main(int argc, char** argv) {
    const hagent::script::ScriptKind scripts;
    const hagent::upgrade::UpgradeKind upgrades({HAGENT_TARGET_NAME, HAGENT_PRESET_NAME}, HAGENT_PROGRAM_NAME);
    const hagent::image::ImageKind images;
    hagent::work::Kinds kinds;
    kinds.add(hagent::JobKind::script, scripts);
    kinds.add(hagent::JobKind::image, images);
    kinds.add(hagent::JobKind::upgrade, upgrades);
    return hagent::run_program(kinds, argc, argv);
}
