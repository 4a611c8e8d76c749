"""Runs the stages of one experiment apart from everything else, and writes down how each ended.

A process of its own (`runner.begin`): nothing but the standard library, so that it starts at once, and outlives the
loop that began it. In PLACE: `order.json` (taken away once read: it holds an environment), `lock` (held while it is at
work, with its pid), `NAME.log` of each stage, `result.json` (written once, by rename). What a stage starts is found as
descendants of this process (a subreaper on Linux) and by a variable in its environment. Output goes to files: a pipe
that an escaped grandchild holds open would hang its reader. Nothing of a stage outlives it.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from agentdeck.research import confine

MARK = "RESEARCH_MARK"
KILL_SECONDS = 3.0
LEAVE_SECONDS = 0.5  # what a stage started may take so long to end after it
LOOK_SECONDS, COUNT_SECONDS, DISK_SECONDS = 0.02, 0.1, 0.5
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, linux/prctl.h
_child: subprocess.Popen[bytes] | None = None  # of the stage that runs: subprocess takes its exit code
_TREE_BY_KERNEL = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


class Stopped(Exception):
    pass


def main(place: str, lock: int) -> int:
    """`lock` is the open file PLACE/lock, locked: it is let go when this process ends."""
    os.set_inheritable(lock, False)
    signal.signal(signal.SIGTERM, _stopped)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    with open(os.path.join(place, "order.json"), encoding="utf-8") as file:
        order = json.load(file)
    os.unlink(os.path.join(place, "order.json"))
    order["held"] = _size(place)  # what lies there before anything has run
    results: list[dict[str, Any]] = []
    for stage in order["stages"]:
        results.append(_stage(place, order, stage))
        if results[-1]["trouble"] or results[-1]["exit"] != 0:
            break
    _put(os.path.join(place, "result.json"), json.dumps({"stages": results}))
    return 0


def _stopped(*_: object) -> None:
    raise Stopped


def _stage(place: str, order: dict[str, Any], stage: dict[str, Any]) -> dict[str, Any]:
    """One stage, to its very end: {name, exit, seconds, cpu, memory, trouble, left, changed}."""
    global _child
    told: dict[str, Any] = {"name": stage["name"], "exit": None, "seconds": 0.0, "cpu": 0.0, "memory": 0, "left": []}
    log = os.path.join(place, f"{stage['name']}.log")
    before, began, marks = _cpu_of_children(), time.monotonic(), {}
    try:
        told["trouble"] = _copy(stage.get("copies", []), order["limits"]["disk"])
        if not told["trouble"]:
            marks = _marks(stage["directory"], stage.get("guard", ()))
            began = time.monotonic()
            _child = _start(place, order, stage)
            told["exit"], told["trouble"] = _watch(_child, place, log, order, began + stage["wall"])
            told["seconds"] = round(time.monotonic() - began, 3)
        if not told["trouble"]:
            told["left"] = _lingering()
            told["trouble"] = "left" if told["left"] else ""
    except Stopped:
        told["trouble"] = "stopped"
    except subprocess.SubprocessError:
        told["trouble"] = "unheld"
    except OSError as error:
        told["trouble"] = f"start: {error.strerror}"
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_all(order["mark"], descendants)
    signal.signal(signal.SIGTERM, _stopped)
    told["changed"] = next((path for path, mark in marks.items() if _mark(stage["directory"], path) != mark), "")
    told["cpu"] = round(_cpu_of_children() - before, 3)
    told["memory"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return told


def _marks(directory: str, paths: Iterable[str]) -> dict[str, tuple[int, ...]]:
    return {path: _mark(directory, path) for path in paths}


def _mark(directory: str, path: str) -> tuple[int, ...]:
    """What no write to a file leaves as it is, and no program can set: its inode and the time of its last change."""
    try:
        found = os.lstat(os.path.join(directory, path))
    except OSError:
        return ()
    return found.st_ino, found.st_ctime_ns, found.st_size, found.st_mode


def _start(place: str, order: dict[str, Any], stage: dict[str, Any]) -> subprocess.Popen[bytes]:
    limits = order["limits"]
    rules = confine.rules(stage["write"], stage["hide"], stage["read"]) if stage.get("write") else None

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits["disk"], limits["disk"]))
        if limits["memory"]:
            resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))
        if stage.get("cpu"):
            seconds = math.ceil(stage["cpu"])
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        if not stage.get("network", True):
            confine.cut_off()
        if rules is not None:
            confine.enter(rules)

    feed = open(stage["stdin"], "rb") if stage.get("stdin") else None  # noqa: SIM115 closed with this process
    with open(os.path.join(place, f"{stage['name']}.log"), "wb") as log:
        return subprocess.Popen(
            ["/bin/sh", "-c", stage["command"]], cwd=stage["directory"], env={**stage["env"], MARK: order["mark"]},
            stdin=feed or subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=bound,  # noqa: PLW1509 this process has no other thread
        )  # fmt: skip


def _watch(
    child: subprocess.Popen[bytes], place: str, log: str, order: dict[str, Any], deadline: float
) -> tuple[int | None, str]:
    """Its exit code, or why it had to be ended."""
    limits, counted, sized = order["limits"], 0.0, time.monotonic()
    room = limits["disk"] + order["held"]
    while child.poll() is None:
        now = time.monotonic()
        if now > deadline:
            return None, "time"
        if os.path.getsize(log) > limits["log"]:
            return None, "output"
        if now - counted > COUNT_SECONDS:  # before one that forks without end has filled the machine
            counted = now
            if len(descendants()) > limits["processes"]:
                return None, "processes"
        if now - sized > DISK_SECONDS:
            if _size(place) > room:
                return None, "disk"
            sized = time.monotonic()
        time.sleep(LOOK_SECONDS)
    if child.returncode in (-signal.SIGXFSZ, 128 + signal.SIGXFSZ) or _size(place) > room:
        return None, "disk"
    if child.returncode in (-signal.SIGXCPU, 128 + signal.SIGXCPU):
        return None, "cpu"
    return child.returncode, "output" if os.path.getsize(log) > limits["log"] else ""


def _lingering() -> list[str]:
    """What still runs of all that the stage started, by name, after a moment's grace."""
    deadline = time.monotonic() + LEAVE_SECONDS
    while found := descendants():
        if time.monotonic() > deadline:
            return sorted(_name(pid) for pid in found)
        time.sleep(LOOK_SECONDS)
    return []


def end_all(mark: str, more: Callable[[], list[int]] = list) -> None:
    """End whatever has the mark, and `more`: stopped, so that nothing is started meanwhile, and killed."""
    deadline = time.monotonic() + KILL_SECONDS
    while (found := {*more(), *_marked(mark)}) and time.monotonic() < deadline:
        for signum in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                try:
                    os.kill(pid, signum)
                except (ProcessLookupError, PermissionError):
                    continue
        time.sleep(0.01)


def descendants() -> list[int]:
    """Living processes below this one; orphans of them too, where the kernel hands them to us."""
    _reap()
    found = [os.getpid()]
    table = None if _TREE_BY_KERNEL else _table()
    for pid in found:  # grows while it is walked
        found += _children(pid) if table is None else [child for child, parent in table if parent == pid]
    return found[1:]


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                found += map(int, file.read().split())
    except OSError:
        return found
    return found


def _table() -> list[tuple[int, int]]:
    told = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False)
    rows = (line.split() for line in told.stdout.splitlines())
    return [(int(pid), int(parent)) for pid, parent in rows]


def _marked(mark: str) -> list[int]:
    """All that kept the mark in its environment, wherever it is. Empty where there is no /proc."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if wanted in file.read().split(b"\0"):
                        found.append(int(name))
            except OSError:
                continue
    return found


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return str(pid)


def _reap() -> None:
    """Take the exit codes of orphans, so that they are no zombies of ours and their processor time is counted."""
    if _child is not None:
        _child.poll()
    for pid in _children(os.getpid()):
        if _child is None or pid != _child.pid or _child.returncode is not None:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _size(place: str) -> int:
    total = 0
    for folder, _, files in os.walk(place):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                continue
    return total


def _copy(copies: list[dict[str, str]], limit: int) -> str:
    """Carry what a stage made into the next one's directory: ordinary files, and none over another. Why not, or ''."""
    if not copies:
        return ""
    import glob  # a fifth of the start of this process, and most stages copy nothing

    for copy in copies:
        found = sorted(glob.glob(copy["glob"], root_dir=copy["from"], recursive=True))
        if not found:
            return f"missing: {copy['glob']}"
        for path in found:
            source, target = os.path.join(copy["from"], path), os.path.join(copy["to"], path)
            info = os.lstat(source)
            if not stat.S_ISREG(info.st_mode) or os.path.realpath(source) != os.path.abspath(source):
                return f"artifact: {path} is no ordinary file"
            if os.path.lexists(target):
                return f"artifact: {path} would replace a file"
            if info.st_size > limit:
                return "disk"
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)
    return ""


def _put(file: str, text: str) -> None:
    new = f"{file}.new"
    with open(new, "w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(new, file)
