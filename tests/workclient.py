"""A client of ours that does what its prompts say, line by line, and writes down each prompt that it was given.

`run: COMMAND` is run by the shell in its directory, `ask: COMMAND` once a human has allowed it (`y` or `n`). It reports
as `fakeclient` does.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.fakeclient import Client, harness

ASKS = """
[hooks.PermissionRequest]
states = ["needs_input"]
reason = "permission"
[hooks.PermissionReply]
states = ["working"]
[answer]
allow = ["y"]
deny = ["n"]
"""


def worker_harness(name: str) -> str:
    """Its harness file, for `harnesses/NAME.toml`."""
    return harness(name, tells=True) + ASKS


def command(log: Path) -> list[str]:
    """How it is started."""
    file = Path(__file__)
    return ["env", f"PYTHONPATH={file.parent.parent}", sys.executable, "-S", str(file), str(log)]


class Worker(Client):
    pause = 0.1  # there may be a hundred of them

    def __init__(self, log: Path) -> None:
        super().__init__(log, "1", {"tells"})
        self.plan: list[tuple[str, str]] = []
        self.child: subprocess.Popen[bytes] | None = None

    def enter(self) -> None:
        text = "".join(piece for piece, _ in self.pieces)
        super().enter()
        if self.state == "working":
            self.plan = re.findall(r"^(run|ask): (.+)$", text, re.MULTILINE)
            self.until = math.inf if self.plan else time.monotonic() + 0.1

    def pass_time(self) -> None:
        if self.child is not None and self.child.poll() is None or self.asking:
            return
        self.child = None
        if self.plan and self.plan[0][0] == "ask":
            self.asking, self.question = math.inf, f"bash: {self.plan[0][1]}"
            self.tell("PermissionRequest", tool_name="bash", tool_input={"command": self.plan[0][1]})
        elif self.plan:
            self.child = subprocess.Popen(["sh", "-c", self.plan.pop(0)[1]], stdin=subprocess.DEVNULL)
        elif self.until == math.inf:
            self.until = 0.0
        super().pass_time()

    def key(self, key: bytes) -> None:
        if not self.asking or key not in b"yn":
            super().key(key)
            return
        self.note("answer", key=key.decode())
        self.asking = 0.0
        command = self.plan.pop(0)[1]
        self.plan[:0] = [("run", command)] if key == b"y" else []
        self.tell("PermissionReply", decision="allow" if key == b"y" else "deny")


if __name__ == "__main__":
    Worker(Path(sys.argv[1])).run()
