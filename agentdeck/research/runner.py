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

import agentdeck
from agentdeck.research import supervise

LOOK_SECONDS = 0.02
_SUPERVISE = f"""\
import sys; sys.path.append({str(Path(agentdeck.__file__).parents[1])!r})
from agentdeck.research.supervise import main; sys.exit(main(sys.argv[1], int(sys.argv[2])))"""


@dataclass(frozen=True, slots=True)
class Stage:
    """`command` is run by `sh -c`; `wall` and `cpu` are limits in seconds (0: none); `copies` come before it.

    A copy is {glob, from, to}; `stdin` is a file. `guard` are files of the directory that it may not even touch.
    With `write` the kernel, where it can, lets it write nowhere else, and read nothing that is in `hide` unless it is
    in `read` too; without `network` it has none.
    """

    name: str
    command: str
    directory: str
    env: Mapping[str, str]
    wall: float
    cpu: float = 0.0
    stdin: str = ""
    copies: tuple[Mapping[str, str], ...] = ()
    guard: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    network: bool = True


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

    `exit_code` is minus the signal's number when a signal ended it. `cpu` counts all processes. `changed` is a
    guarded file that was written to, whatever is in it now.
    """

    name: str
    exit_code: int | None
    seconds: float
    cpu: float
    memory: int
    trouble: str
    left: tuple[str, ...] = field(default=())
    changed: str = ""

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
    "unheld": "this machine cannot hold {name} to its limits",
}

_begun: dict[Path, subprocess.Popen[bytes]] = {}


def begin(place: Path, stages: list[Stage], bounds: Bounds, mark: str) -> int:
    """Start a run in `place`, which must exist; its supervisor's pid. It goes on when this process dies."""
    order = {"stages": [asdict(stage) for stage in stages], "limits": asdict(bounds), "mark": mark}
    file = place / "order.json"
    file.touch(mode=0o600)  # it holds an environment
    file.write_text(json.dumps(order), encoding="utf-8")
    with open(place / "supervisor.err", "ab") as err, open(place / "lock", "w+b", buffering=0) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # shared with the child, so that it is at work from its first moment on
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SUPERVISE, str(place), str(lock.fileno())], cwd="/",
            env={"PATH": os.defpath}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err,
            start_new_session=True, pass_fds=(lock.fileno(),),
        )  # fmt: skip
        lock.write(str(child.pid).encode())
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
        Ended(
            s["name"], s["exit"], s["seconds"], s["cpu"], s["memory"], s["trouble"], tuple(s["left"]),
            s.get("changed", ""),
        )
        for s in told
    ]  # fmt: skip


def follows(place: Path, other: Path) -> bool:
    """Whether a supervisor has begun in `place` after the one in `other` had ended.

    The kernel's time of a file's last change is nothing that the run in `other` could have set.
    """
    try:
        return (place / "lock").lstat().st_ctime_ns > (other / "result.json").lstat().st_ctime_ns
    except OSError:
        return False


def stop(place: Path) -> None:
    """Have the run in `place` ended with all that it started; does not wait for it."""
    if at_work(place):
        try:
            (place / "stopped").touch()
            os.kill(int((place / "lock").read_text()), signal.SIGTERM)
        except (OSError, ValueError):
            return


def stopped(place: Path) -> bool:
    """Whether the run in `place` was told to end: one that was only about to begin writes no result."""
    return (place / "stopped").exists()


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


def shorten(place: Path, stage: str, keep: int = 1 << 18) -> None:
    """Leave of a long log its end: a loop runs for days."""
    file = place / f"{stage}.log"
    try:
        if file.stat().st_size > 2 * keep:
            tail = printed(place, stage, keep)
            file.write_text(f"(only the end of it is kept)\n{tail}", encoding="utf-8")
    except OSError:
        return
