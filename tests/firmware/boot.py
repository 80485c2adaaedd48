# SPDX-License-Identifier: Apache-2.0
"""The device starts: from power on to its first check-in with the lab manager."""


def play(station, findings, full=True):
    path = station.make_disk()
    with station.power_on(path) as device:
        seconds = station.wait_check_in()
        device.wait(lambda: station.manager.attributes("firmware-1"), 60, "its attributes at the manager")
    findings.fact("seconds_to_check_in", round(seconds, 1))
    findings.check("the device started and checked in", True, f"{seconds:.1f} s from power on to the first check-in")
    findings.check("it told which image runs", "1.0" in str(station.manager.attributes("firmware-1")))
