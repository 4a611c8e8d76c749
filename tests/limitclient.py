"""A client of ours that comes to its usage limit with its first prompt before a time, and does what later ones ask.

    python limitclient.py LOG FILE

FILE holds the time, HH:MM:SS in UTC, when the first prompt comes. It shows until when the limit holds, rests there, and
goes on with nothing by itself. It reports as `fakeclient` does.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

from tests.fakeclient import Client, harness

LIMIT = """
[[patterns]]
state = "limited"
match = '^= at its limit'
"""


def limit_harness(name: str) -> str:
    """Its harness file, for `harnesses/NAME.toml`."""
    whole = harness(name, tells=True)
    return whole.replace("[composer]", f"{LIMIT}[composer]").replace(
        'states = ["idle"]', 'states = ["idle", "limited"]'
    )


def command(log: Path, until: Path) -> list[str]:
    """How it is started."""
    file = Path(__file__)
    return ["env", f"PYTHONPATH={file.parent.parent}", sys.executable, "-S", str(file), str(log), str(until)]


class Limited(Client):
    def __init__(self, log: Path, until: Path) -> None:
        super().__init__(log, "1", {"tells"})
        self.ends, self.met, self.meets = until, False, math.inf

    def enter(self) -> None:
        super().enter()
        self.met = self.met or time.strftime("%H:%M:%S", time.gmtime()) >= self.ends.read_text()
        self.until = time.monotonic() + 0.5 if self.met else math.inf
        self.meets = math.inf if self.met else time.monotonic() + 0.3

    def pass_time(self) -> None:
        if time.monotonic() > self.meets:
            self.meets, self.met, self.state = math.inf, True, f"at its limit, resets {self.ends.read_text()} (UTC)"
            self.tell("Stop")
        super().pass_time()


if __name__ == "__main__":
    Limited(Path(sys.argv[1]), Path(sys.argv[2])).run()
