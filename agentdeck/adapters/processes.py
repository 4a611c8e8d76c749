"""Processes by pid and start time, so that a reused pid is never mistaken for ours."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Process:
    """`start` is the creation time in seconds since the epoch, as psutil gives it."""

    pid: int
    start: float


def runs(pid: int) -> bool:
    """Whether this process runs: one that was killed leaves a fresh heartbeat behind, and for a moment a zombie."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except ProcessLookupError:
        return False
    except (PermissionError, FileNotFoundError):
        return True  # somebody else's, or a system without /proc


def identify(pid: int) -> Process | None:
    """The process with this pid now, or None."""
    import psutil  # 22 ms

    try:
        return Process(pid, psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def ancestors(pid: int) -> frozenset[int]:
    """The pids of a process's parents, up to the first that cannot be read."""
    import psutil

    try:
        return frozenset(parent.pid for parent in psutil.Process(pid).parents())
    except psutil.Error:
        return frozenset()


def below(pid: int, top: int) -> bool:
    """Whether `top` started this process, itself or by others."""
    try:
        while pid > 1:
            with open(f"/proc/{pid}/stat", "rb") as file:
                pid = int(file.read().rpartition(b")")[2].split()[1])
            if pid == top:
                return True
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # it is gone, or this is a system without /proc
        return not os.path.isdir("/proc/self") and top in ancestors(pid)
    return False


def holders(files: Collection[str]) -> dict[str, int]:
    """Which process has which of these files locked (by flock or fcntl), as file -> pid; one that nobody has is absent.

    Linux has a list of all locks by inode, which is checked against what the process has open; elsewhere
    the open files of this user's processes are looked through.
    """
    try:
        with open("/proc/locks", encoding="ascii", errors="replace") as table:
            rows = [line.split() for line in table]
    except OSError:
        return _openers(files)
    pids: dict[str, set[int]] = {}
    for row in rows:
        if len(row) > 5 and "->" not in row and row[4].isdigit():
            pids.setdefault(row[5].rpartition(":")[2], set()).add(int(row[4]))
    held = {file: next((pid for pid in pids.get(_inode(file), ()) if _has_open(pid, file)), 0) for file in files}
    return {file: pid for file, pid in held.items() if pid}


def _inode(file: str) -> str:
    try:
        return str(os.stat(file).st_ino)
    except OSError:
        return ""


def _has_open(pid: int, file: str) -> bool:
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            return any(os.readlink(entry.path) == os.path.realpath(file) for entry in entries)
    except OSError:
        return False


def _openers(files: Collection[str]) -> dict[str, int]:
    import psutil

    wanted = {os.path.realpath(file): file for file in files}
    found: dict[str, int] = {}
    for process in psutil.process_iter() if wanted else ():
        try:
            if process.uids().real == os.getuid():
                found |= {wanted[one.path]: process.pid for one in process.open_files() if one.path in wanted}
        except (psutil.Error, OSError):
            continue
    return found


def alive(process: Process) -> bool:
    """Whether that very process still runs; a zombie does not."""
    import psutil

    try:
        found = psutil.Process(process.pid)
        return abs(found.create_time() - process.start) < 0.05 and found.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def tree(root: Process) -> list[Process]:
    """The process and all that descend from it, parents first."""
    import psutil

    try:
        top = psutil.Process(root.pid)
        if abs(top.create_time() - root.start) >= 0.05:
            return []
        return [root, *(Process(p.pid, p.create_time()) for p in top.children(recursive=True))]
    except psutil.Error:
        return []


def trees(roots: Sequence[Process]) -> dict[int, list[Process]]:
    """The tree of each of `roots` that still runs, by its pid: one look at the process table for all of them."""
    import psutil

    if not roots:
        return {}
    known: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    for process in psutil.process_iter(["pid", "ppid", "create_time"]):
        known[process.info["pid"]] = process.info["create_time"] or 0.0
        children.setdefault(process.info["ppid"] or 0, []).append(process.info["pid"])
    found = {}
    for root in roots:
        if abs(known.get(root.pid, -1.0) - root.start) >= 0.05:
            continue
        pids = [root.pid]
        for pid in pids:  # grows while it is walked
            pids += [child for child in children.get(pid, []) if known[child] >= known[pid]]
        found[root.pid] = [root, *(Process(pid, known[pid]) for pid in pids[1:])]
    return found


def kin(root: Process, variable: str, value: str) -> list[Process]:
    """The tree of `root`, and what left it: processes that were started with `variable` set to `value`.

    A client's helpers may outlive it with init as their parent, in a session of their own. Works where there is no
    subreaper; another user's processes and those that hide their environment are not seen.
    """
    import psutil

    found = {process.pid: process for process in tree(root)}
    for other in psutil.process_iter():
        try:
            if other.pid not in found and other.pid != os.getpid() and other.environ().get(variable) == value:
                found[other.pid] = Process(other.pid, other.create_time())
        except (psutil.Error, OSError):
            continue
    return list(found.values())


def marked(variable: str) -> dict[int, str]:
    """Living processes (this one apart) that were started with the environment variable set, and its value, by pid.

    Another user's processes and those that hide their environment are not seen.
    """
    import psutil

    found = {}
    for process in psutil.process_iter():
        try:
            value = process.environ().get(variable)
            if value and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = value
        except (psutil.Error, OSError):
            continue
    return found


def cpu_seconds(processes: Sequence[Process]) -> float:
    """Processor time used so far by all of them; the vanished count nothing."""
    import psutil

    total = 0.0
    for process in processes:
        try:
            times = psutil.Process(process.pid).cpu_times()
            total += times.user + times.system
        except psutil.Error:
            continue
    return total


def stopped(processes: Sequence[Process]) -> tuple[int, ...]:
    """The pids of those that a signal has stopped (SIGSTOP, a terminal's Ctrl+Z) and nobody has continued."""
    import psutil

    found = []
    for process in processes:
        try:
            if psutil.Process(process.pid).status() == psutil.STATUS_STOPPED:
                found.append(process.pid)
        except psutil.Error:
            continue
    return tuple(found)


def send(processes: Sequence[Process], signum: signal.Signals) -> None:
    """Signal each one that is still the same process."""
    for process in processes:
        if alive(process):
            try:
                os.kill(process.pid, signum)
            except (ProcessLookupError, PermissionError):
                continue


def survivors(processes: Sequence[Process]) -> list[Process]:
    return [process for process in processes if alive(process)]


def names(processes: Sequence[Process]) -> list[str]:
    """What each of them is called; the vanished are left out."""
    import psutil

    found = []
    for process in processes:
        try:
            found.append(psutil.Process(process.pid).name())
        except psutil.Error:
            continue
    return found


def directories_of(name: str) -> list[tuple[str, float]]:
    """Where each living process called so is ('' when that is hidden), and when it was started (epoch seconds)."""
    import psutil

    found = []
    for process in psutil.process_iter(["name", "cwd", "status", "create_time"]):
        told = process.info
        if told["name"] == name and told["status"] != psutil.STATUS_ZOMBIE:
            found.append((told["cwd"] or "", told["create_time"] or 0.0))
    return found


@dataclass(frozen=True, slots=True)
class Inside:
    """A living process and the directory it is in."""

    pid: int
    name: str
    directory: str


def inside(directory: str, but: Collection[int] = ()) -> list[Inside]:
    """Processes, those in `but` apart, whose current directory is `directory` or below it, by pid.

    Only what this user may see; about 20 ms for 500 processes.
    """
    import psutil

    top = os.path.realpath(directory)
    found = []
    for process in psutil.process_iter(["pid", "name", "cwd", "status"]):
        told = process.info
        place = told["cwd"] or ""
        if told["pid"] in but or told["status"] == psutil.STATUS_ZOMBIE:
            continue
        if place == top or place.startswith(top + os.sep):
            found.append(Inside(told["pid"], told["name"] or "?", place))
    return sorted(found, key=lambda one: one.pid)


def family(pid: int) -> set[int]:
    """This process, all that descend from it, and the tmux server that it is a child of, if any."""
    import psutil

    try:
        top = psutil.Process(pid)
        above = top.parent()
        server = {above.pid} if above is not None and above.name().startswith("tmux") else set()
        return {pid, *server, *(child.pid for child in top.children(recursive=True))}
    except psutil.Error:
        return {pid}
