"""The threads that Codex has open anywhere on this machine: each has a lock, held by the process that writes it.

What a thread does stands in its rollout, as the beginning and the end of its turns. A question to the
human is not recorded there: it looks like work.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from agentdeck.harnesses.codex import sessions
from agentdeck.harnesses.jsonl import Row, mapping, moment, text
from agentdeck.harnesses.readers import Holders
from agentdeck.models.foreign import Sighting
from agentdeck.models.status import State

TAIL = 1 << 20  # a turn that began further up than this has not ended: its end would be below
ENDS = ("task_started", "task_complete", "turn_aborted")
WORKS: tuple[State, ...] = ("working", "retrying", "needs_input")


@dataclass(slots=True)
class _Thread:
    """What is known of one thread: its rollout, who began it, and how far it has been read."""

    path: str = ""
    meta: Row | None = None
    stamp: tuple[int, int] = (0, 0)
    offset: int = 0
    states: tuple[State, ...] = ("idle",)
    changed: int = 0
    why: str = "no prompt yet"


class Sessions:
    """Remembers what it has read: a look costs one stat a thread, and only what a rollout gained is read."""

    def __init__(self, config_home: str, holders: Holders) -> None:
        self._home = config_home
        self._holders = holders
        self._threads: dict[str, _Thread] = {}

    def look(self) -> list[Sighting]:
        """The threads of humans that a process has open now."""
        folder = os.path.join(self._home, "thread-writer-locks")
        try:
            names = [name for name in os.listdir(folder) if name.endswith(".lock") and not name.startswith(".")]
        except FileNotFoundError:
            return []
        held = self._holders([os.path.join(folder, name) for name in names])
        open_now = {name.removesuffix(".lock"): held.get(os.path.join(folder, name), 0) for name in names}
        self._threads = {name: known for name, known in self._threads.items() if name in open_now}
        found = [self._sighting(thread, pid) for thread, pid in open_now.items() if pid]
        return [sighting for sighting in found if sighting is not None]

    def _sighting(self, thread: str, pid: int) -> Sighting | None:
        known = self._threads.setdefault(thread, _Thread())
        known.path = known.path or _rollout(self._home, thread)
        if not known.path:
            return Sighting(thread, pid, _directory(pid), states=known.states, why=known.why)
        known.meta = known.meta or sessions.meta(known.path)
        if text(known.meta.get("thread_source")) not in ("", "user"):
            return None  # a subagent's: what it does is work of its parent
        _read_on(known)
        return Sighting(
            thread, pid, text(known.meta.get("cwd")), "", moment(known.meta.get("timestamp")), known.path,
            states=known.states, changed=known.changed, why=known.why,
        )  # fmt: skip


def _directory(pid: int) -> str:
    """Where a process stands: what a thread without a prompt is about."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def _rollout(home: str, thread: str) -> str:
    """The rollout of a thread. Its id begins with the time of its birth, and the folders are days of local time."""
    try:
        born = datetime.fromtimestamp(int(thread.replace("-", "")[:12], 16) / 1000)
        days = [born + timedelta(days=shift) for shift in (0, -1, 1)]
    except (ValueError, OverflowError, OSError):
        return ""
    for day in days:
        folder = Path(home, "sessions", f"{day:%Y}", f"{day:%m}", f"{day:%d}")
        found = next(folder.glob(f"rollout-*-{thread}.jsonl"), None) if folder.is_dir() else None
        if found:
            return str(found)
    return ""


def _read_on(known: _Thread) -> None:
    """Bring a thread's state up to the end of its rollout."""
    try:
        stat = os.stat(known.path)
        if known.stamp == (stat.st_mtime_ns, stat.st_size):
            return
        start = known.offset if 0 < known.offset <= stat.st_size else max(0, stat.st_size - TAIL)
        with open(known.path, "rb") as file:
            file.seek(start)
            lines = file.read(stat.st_size - start).splitlines(keepends=True)
    except OSError:
        return
    if start and start != known.offset:
        known.states, known.changed, known.why = WORKS, stat.st_mtime_ns // 1_000_000, "a long turn runs"
    whole = [line for line in lines if line.endswith(b"\n")]
    for line in whole:
        _take(known, line)
    known.offset = start + sum(map(len, whole))
    known.stamp = (stat.st_mtime_ns, stat.st_size)


def _take(known: _Thread, line: bytes) -> None:
    if not any(kind.encode() in line for kind in ENDS):
        return
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return
    told = mapping(row.get("payload")) if isinstance(row, dict) and row.get("type") == "event_msg" else {}
    if told.get("type") not in ENDS:
        return
    known.changed = moment(row.get("timestamp"))
    if told["type"] == "task_started":
        known.states, known.why = WORKS, "its record says that a turn runs"
    elif told["type"] == "task_complete" and mapping(told.get("error")):
        known.states = ("failed", "limited")
        known.why = f"its record says: {text(mapping(told['error']).get('message')) or 'the turn failed'}"
    else:
        known.states, known.why = ("idle",), "its record says that the turn is over"
