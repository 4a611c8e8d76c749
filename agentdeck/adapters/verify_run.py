"""Runs one approved command apart from everything else, and writes down how it ended.

A process of its own (`python -m agentdeck.adapters.verify_run PLACE`), so that limits hold and the
end is recorded whoever dies meanwhile: a later engine finds it still at work, or its result. In
PLACE: `order.json` (what to run), `lock` (held while it is at work), `tail` (what it printed
last), `result.json` (written once, by rename). The command gets a session and process group of
its own; what leaves that is found as descendants of this process (a subreaper, on Linux) and by a
variable in its environment. Nothing of it outlives the result.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

from agentdeck.adapters import processes
from agentdeck.adapters.processes import Process

MARK = "DECK_VERIFY"  # in the environment of all that the command starts
TAIL = 16_384  # bytes kept of what was printed
LEAVE_SECONDS = 1.0  # what the command started may take so long to end after it
KILL_SECONDS = 3.0
LOOK_SECONDS = 0.05
TELL_SECONDS = 0.3
BUSY = 75  # exit code: another process is at work in PLACE
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, linux/prctl.h

Trouble = Literal["", "time", "output", "left", "start", "stopped"]


@dataclass(frozen=True, slots=True)
class Order:
    """`command` is run by `sh -c` in `directory` with just the environment `env`; `mark` tells one run from another."""

    command: str
    directory: str
    env: Mapping[str, str]
    seconds: float
    output_bytes: int
    mark: str


@dataclass(frozen=True, slots=True)
class Ran:
    """How it ended. `trouble`: it took too long, printed too much, left processes behind, could not start, was stopped.

    `exit_code` is None when it had to be ended; minus the number of the signal that ended it. `left` names what was
    left running; `tail` is the end of what it printed.
    """

    exit_code: int | None
    seconds: float
    tail: str
    trouble: Trouble = ""
    left: tuple[str, ...] = ()


# -- asked by the engine


_begun: dict[Path, subprocess.Popen[bytes]] = {}


def begin(place: Path, order: Order) -> None:
    """Start a run in `place`, which must exist. It goes on when this process dies."""
    _put(place / "order.json", json.dumps(asdict(order)).encode())
    argv = [sys.executable, "-P", "-m", "agentdeck.adapters.verify_run", str(place)]
    with open(place / "err", "ab") as err:
        _begun[place] = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, start_new_session=True
        )


def known(place: Path) -> bool:
    """Whether the run in `place` has a result, or will have one: False once its process is gone without a word."""
    ours = _begun.get(place)
    if ours is not None and ours.poll() is None:
        return True
    return at_work(place) or result(place) is not None


def take_leave(place: Path) -> None:
    """Block until our own child has ended: it does so when its result is written."""
    ours = _begun.pop(place, None)
    if ours is not None:
        ours.wait()


def wait(place: Path) -> None:
    """Block until no run goes on in `place`: a stopped one takes some seconds at most."""
    while at_work(place):
        time.sleep(LOOK_SECONDS)


def ordered(place: Path) -> str:
    """The mark of the run that `place` was last used for; '' for none."""
    try:
        return str(json.loads((place / "order.json").read_bytes())["mark"])
    except (OSError, ValueError, KeyError):
        return ""


def at_work(place: Path) -> bool:
    """Whether a run is going on in `place`."""
    try:
        with open(place / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def result(place: Path) -> Ran | None:
    """How the run in `place` ended; None while nothing is written."""
    try:
        told = json.loads((place / "result.json").read_bytes())
    except (OSError, ValueError):
        return None
    return Ran(told["exit_code"], told["seconds"], told["tail"], told["trouble"], tuple(told["left"]))


def tail(place: Path) -> str:
    """What the run has printed last."""
    try:
        return (place / "tail").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def stop(place: Path) -> None:
    """Have the run in `place` ended with all that it started; does not wait for it."""
    if at_work(place):
        try:
            os.kill(int((place / "lock").read_text()), signal.SIGTERM)
        except (OSError, ValueError):
            return


def end(place: Path) -> bool:
    """End the run in `place` with all that it started, as if it had never begun; whether one was going on. Blocks."""
    ours, found = _begun.get(place), False
    while at_work(place) or (ours is not None and ours.poll() is None and result(place) is None):
        found = True
        stop(place)
        time.sleep(LOOK_SECONDS)
    take_leave(place)
    if found:
        for name in ("order.json", "result.json"):
            (place / name).unlink(missing_ok=True)
    return found


def sweep(mark: str) -> None:
    """End what a run left behind whose own supervisor was killed."""
    _end_all(lambda: _marked(mark))


# -- the process itself


def main(place: Path) -> int:
    lock = open(place / "lock", "wb")  # noqa: SIM115 held until this process ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return BUSY
    if result(place) is not None:
        return 0
    lock.write(str(os.getpid()).encode())
    lock.flush()
    signal.signal(signal.SIGTERM, _stopped)
    order = Order(**json.loads((place / "order.json").read_bytes()))
    _adopt_orphans()
    ran = _carry_out(place, order)
    _put(place / "result.json", json.dumps(asdict(ran)).encode())
    return 0


class _Stopped(Exception):
    pass


def _stopped(*_: object) -> None:
    raise _Stopped


def _carry_out(place: Path, order: Order) -> Ran:
    began = time.monotonic()
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    try:
        child = subprocess.Popen(
            ["/bin/sh", "-c", order.command], cwd=order.directory, env={**order.env, MARK: order.mark},
            stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return Ran(None, 0.0, str(error), "start")
    finally:
        os.close(theirs)
    with open(ours, "rb", buffering=0) as pipe:
        printed = _Printed(pipe, place / "tail", order.output_bytes)
        try:
            trouble = _watch(child, printed, began + order.seconds)
        except _Stopped:
            trouble = "stopped"
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        code = child.poll()
        left = () if trouble else _lingering(printed)
        _end_all(lambda: [*_descendants(), *_marked(order.mark)])
        printed.read()
        child.wait()
    seconds = round(time.monotonic() - began, 2)
    text = printed.text()
    return Ran(None if trouble else code, seconds, text, trouble or ("left" if left else ""), left)


class _Printed:
    """The end of what comes through the pipe, and how much it was."""

    def __init__(self, pipe: IO[bytes], file: Path, limit: int) -> None:
        self.pipe, self.file, self.limit = pipe, file, limit
        self.count = 0
        self._kept = b""
        self._told = 0.0
        self._ended = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ)

    def read(self, wait: float = 0.0) -> None:
        """Take what is there, for at most `wait` seconds when nothing is."""
        if self._ended:
            time.sleep(wait)
            return
        if not self._selector.select(wait):
            return
        data = self.pipe.read(1 << 20)
        if data == b"":
            self._ended = True
        self.count += len(data or b"")
        self._kept = (self._kept + (data or b""))[-TAIL:]
        if time.monotonic() - self._told > TELL_SECONDS:
            self._told = time.monotonic()
            _put(self.file, self._kept)

    @property
    def too_much(self) -> bool:
        return self.count > self.limit

    def text(self) -> str:
        return self._kept.decode(errors="replace")


def _watch(child: subprocess.Popen[bytes], printed: _Printed, deadline: float) -> Trouble:
    while child.poll() is None:
        printed.read(LOOK_SECONDS)
        if printed.too_much:
            return "output"
        if time.monotonic() > deadline:
            return "time"
    for _ in range(1000):  # what it printed last; a process it left may go on printing
        before = printed.count
        printed.read()
        if printed.too_much:
            return "output"
        if printed.count == before:
            break
    return ""


def _lingering(printed: _Printed) -> tuple[str, ...]:
    """What still runs of all that the command started, by name, after a moment's grace."""
    deadline = time.monotonic() + LEAVE_SECONDS
    while names := _names():
        if time.monotonic() > deadline:
            return names
        printed.read(LOOK_SECONDS)
    return ()


def _names() -> tuple[str, ...]:
    _reap()
    return tuple(sorted(processes.names(_descendants())))


def _descendants() -> list[Process]:
    """Living descendants of this process: as a subreaper it inherits whatever was orphaned."""
    me = processes.identify(os.getpid())
    return processes.survivors(processes.tree(me)[1:]) if me else []


def _marked(mark: str) -> list[Process]:
    """All that the command started and that kept its environment, wherever it is."""
    pids = [pid for pid, value in processes.marked(MARK).items() if value == mark]
    return [found for pid in pids if (found := processes.identify(pid))]


def _end_all(find: Callable[[], list[Process]]) -> None:
    """Stop them, so that nothing is started meanwhile, and kill them, until none is found."""
    deadline = time.monotonic() + KILL_SECONDS
    while (found := find()) and time.monotonic() < deadline:
        processes.send(found, signal.SIGSTOP)
        processes.send(found, signal.SIGKILL)
        _reap()
        time.sleep(0.02)


def _reap() -> None:
    """Take the exit codes of orphans, so that they are no zombies of ours."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)


def _put(file: Path, data: bytes) -> None:
    new = file.with_name(f"{file.name}.new")
    new.write_bytes(data)
    new.replace(file)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
