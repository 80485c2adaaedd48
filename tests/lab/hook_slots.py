# SPDX-License-Identifier: Apache-2.0
"""Two slots that are plain files, a boot loader that is a hook, and what a restart of the machine does: image jobs without an emulator."""

import os

# Each change is one rename, as the hook's promise has it.
BOOT_HOOK = """#!/bin/sh
set -e
file={file}
. "$file"
write() {{
  printf 'running=%s\\nchosen=%s\\ntrial=%s\\ntries=%s\\nunfit=%s\\n' "$running" "$chosen" "$trial" "$tries" "$unfit" > "$file.new"
  sync "$file.new"; mv "$file.new" "$file"
}}
case "$1" in
  look)
    echo "running=$running"; echo "chosen=$chosen"
    if [ -n "$trial" ]; then echo "trial=$trial"; echo "tries=$tries"; [ ! -e "$file.over" ] || echo over=1; fi
    [ -z "$unfit" ] || echo "unfit=$unfit" ;;
  check) ;;
  unfit) unfit=$2; trial=; tries=; write; rm -f "$file.over" ;;
  try) trial=$2; tries=$3; unfit=; write; rm -f "$file.over" ;;
  confirm) chosen=$2; trial=; tries=; write; rm -f "$file.over" ;;
  fall-back) trial=; tries=; write; rm -f "$file.over" ;;
esac
"""


class HookSlots:
    """Slots A, which runs, and B below `folder`, the hooks in `hooks_dir`. A restart that is asked for is noted; restart() does it."""

    def __init__(self, folder, hooks_dir, slot_bytes):
        self.slot_bytes = slot_bytes
        self.paths = {name: os.path.join(folder, f"slot-{name}") for name in "AB"}
        self.environment, self.asked = os.path.join(folder, "boot.env"), os.path.join(folder, "restart-asked")
        for name in self.paths:
            self.put(name, b"")
        self._write(self.environment, "running=A\nchosen=A\ntrial=\ntries=\nunfit=\n", 0o600)
        self._write(os.path.join(hooks_dir, "boot"), BOOT_HOOK.format(file=self.environment), 0o755)
        self._write(os.path.join(hooks_dir, "reboot"), f"#!/bin/sh\necho asked >> {self.asked}\n", 0o755)

    @staticmethod
    def _write(path, text, mode):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)

    def settings(self, **more):
        """The section "image" of the device's configuration."""
        return {"boot": "hook", "slots": [{"name": name, "device": path} for name, path in self.paths.items()], "tries": 2,
                "confirm_deadline_s": 30, "confirm_deadline_max_s": 40, **more}

    def put(self, name, content):
        with open(self.paths[name], "wb") as file:
            file.write(content)
            file.truncate(max(len(content), self.slot_bytes))  # the rest reads as zeros

    def content(self, name, size=-1):
        with open(self.paths[name], "rb") as file:
            return file.read(size)

    def state(self):
        with open(self.environment, encoding="utf-8") as file:
            return dict(line.strip().split("=", 1) for line in file)

    def wants_restart(self):
        return os.path.exists(self.asked)

    def restart(self):
        """What the boot loader does: it counts before it starts what is on trial. The slot that runs now."""
        state = self.state()
        on_trial = state["trial"] and state["tries"] not in ("", "0")
        if on_trial:
            state["tries"] = str(int(state["tries"]) - 1)
        state["running"] = state["trial"] if on_trial else state["chosen"]
        if state["trial"] and not on_trial:
            self._write(self.environment + ".over", "", 0o600)
        self._write(self.environment, "".join(f"{key}={value}\n" for key, value in state.items()), 0o600)
        if os.path.exists(self.asked):
            os.unlink(self.asked)
        return state["running"]
