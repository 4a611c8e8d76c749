"""Asked by the loop: begins runs, finds those that go on, reads how they ended."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from agentdeck.research import supervise

LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Stage:
    """`command` is run by `sh -c`; `wall` and `cpu` are limits in seconds (0: none); `copies` come before it.

    A copy is {glob, from, to}; `stdin` is a file.
    """

    name: str
    command: str
    directory: str
    env: Mapping[str, str]
    wall: float
    cpu: float = 0.0
    stdin: str = ""
    copies: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Bounds:
    """In bytes; `processes` is how many may live at once."""

    memory: int
    disk: int
    log: int
    processes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How one stage ended. `trouble`: why it had to be ended, or does not count; '' when it ended by itself.

    `exit_code` is minus the signal's number when a signal ended it. `cpu` counts all processes.
    """

    name: str
    exit_code: int | None
    seconds: float
    cpu: float
    memory: int
    trouble: str
    left: tuple[str, ...] = field(default=())

    @property
    def reason(self) -> str:
        """Why it does not count, in words; '' when it does."""
        if self.trouble == "left":
            return f"{self.name} left running: {', '.join(self.left)}"
        if self.trouble:
            return _WORDS.get(self.trouble, self.trouble).format(name=self.name, seconds=self.seconds)
        if self.exit_code is not None and self.exit_code < 0:
            return f"{self.name} was ended by signal {-self.exit_code}"
        return f"{self.name} ended with exit code {self.exit_code}" if self.exit_code else ""


_WORDS = {
    "time": "{name} was still running at the hard limit",
    "cpu": "{name} used up its processor time",
    "output": "{name} printed more than its log may hold",
    "disk": "{name} wrote more than it may",
    "processes": "{name} started too many processes",
    "stopped": "stopped",
}

_begun: dict[Path, subprocess.Popen[bytes]] = {}


def begin(place: Path, stages: list[Stage], bounds: Bounds, mark: str) -> int:
    """Start a run in `place`, which must exist; its supervisor's pid. It goes on when this process dies."""
    order = {"stages": [asdict(stage) for stage in stages], "limits": asdict(bounds), "mark": mark}
    file = place / "order.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(order), encoding="utf-8")
    with open(place / "supervisor.err", "ab") as err:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", supervise.__file__, str(place)], cwd="/", env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, start_new_session=True,
        )  # fmt: skip
    _begun[place] = child
    return child.pid


def at_work(place: Path) -> bool:
    """Whether a supervisor lives that works, or is about to work, in `place`."""
    ours = _begun.get(place)
    if ours is not None:
        if ours.poll() is None:
            return True
        del _begun[place]
    try:
        with open(place / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def result(place: Path) -> list[Ended] | None:
    """How the stages of the run in `place` ended; None while nothing is written."""
    try:
        told = json.loads((place / "result.json").read_bytes())["stages"]
    except (OSError, ValueError, KeyError):
        return None
    return [
        Ended(s["name"], s["exit"], s["seconds"], s["cpu"], s["memory"], s["trouble"], tuple(s["left"])) for s in told
    ]


def stop(place: Path) -> None:
    """Have the run in `place` ended with all that it started; does not wait for it."""
    if at_work(place):
        try:
            os.kill(int((place / "lock").read_text()), signal.SIGTERM)
        except (OSError, ValueError):
            return


def wait(place: Path, meanwhile: Callable[[], None]) -> list[Ended] | None:
    """Until the run in `place` is over: how it ended, None when its supervisor died. `meanwhile` is called often."""
    while at_work(place):
        meanwhile()
        time.sleep(LOOK_SECONDS)
    return result(place)


def sweep(mark: str) -> None:
    """End what a run left behind whose supervisor was killed."""
    supervise.end_all(mark)


def printed(place: Path, stage: str, limit: int = 1 << 20) -> str:
    """The end of what a stage printed."""
    try:
        with open(place / f"{stage}.log", "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - limit))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
