"""Reading what agents leave on disk: spool files and status files. Blocking; the monitor calls it in a thread."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import processes
from agentdeck.harnesses.schema import Harness
from agentdeck.models.agent import Agent
from agentdeck.services.lives import launch

STALE_TMP_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class SpoolEvent:
    """One hook event. `at` is its file's mtime in UTC milliseconds: the moment the client reported it."""

    agent: str
    name: str
    payload: Mapping[str, object]
    at: int
    file: str


def read_spool(agent: str, now: float) -> tuple[list[SpoolEvent], list[str]]:
    """All waiting events of one agent in order, and the files that hold no event (to be set aside)."""
    directory = paths.spool_dir(agent)
    found: list[tuple[int, str]] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.startswith("e."):
                    found.append((entry.stat().st_mtime_ns, entry.path))
                elif entry.name.startswith(".tmp.") and now - entry.stat().st_mtime > STALE_TMP_SECONDS:
                    os.unlink(entry.path)
    except FileNotFoundError:
        return [], []
    events, broken = [], []
    for mtime, file in sorted(found):
        payload = _payload(file)
        if payload is None:
            broken.append(file)
        else:
            events.append(SpoolEvent(agent, str(payload["hook_event_name"]), payload, mtime // 1_000_000, file))
    return events, broken


def _payload(file: str) -> dict[str, object] | None:
    try:
        data = json.loads(Path(file).read_bytes())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and isinstance(data.get("hook_event_name"), str) else None


def discard(files: list[str]) -> None:
    """Delete spool files whose content is in the database now."""
    for file in files:
        Path(file).unlink(missing_ok=True)


def status_file(harness: Harness, agent: Agent) -> str:
    """Where the client keeps its own state, '' when it does not."""
    if harness.status_file is None or not agent.pid:
        return ""
    return launch.fill([harness.status_file.path], launch.values(agent))[0]


def read_json(file: str) -> dict[str, object] | None:
    """An object in a file; None when there is none now or it is half-written (asserts nothing)."""
    try:
        data = json.loads(Path(file).read_bytes())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def read_status_file(harness: Harness, agent: Agent) -> dict[str, object] | None:
    """The client's own status file, as `ProcessFiles` reads it."""
    file = status_file(harness, agent)
    return ProcessFiles().read(file) if file else None


_NAMED = re.compile(r"(\D*)(\d+)(\D*)")


class ProcessFiles:
    """Reads files named by a process id; where a shell stands around the client, the client's own."""

    def __init__(self) -> None:
        self._instead: dict[str, str] = {}

    def read(self, file: str) -> dict[str, object] | None:
        """As `read_json`: the file, or that of a process which the one in its name has started."""
        if file in self._instead and (found := read_json(self._instead[file])) is not None:
            return found
        self._instead.pop(file, None)
        if os.path.exists(file):
            return read_json(file)
        other = _of_descendant(file)
        if not other:
            return None
        self._instead[file] = other
        return read_json(other)


def _of_descendant(file: str) -> str:
    """A file of the same kind whose process was started by the one in this name; '' for none."""
    folder, name = os.path.split(file)
    own = _NAMED.fullmatch(name)
    try:
        names = os.listdir(folder) if own else []
    except OSError:
        return ""
    for other in map(_NAMED.fullmatch, names):
        same = own is not None and other is not None and (other[1], other[3]) == (own[1], own[3])
        if own is not None and other is not None and same and processes.below(int(other[2]), int(own[2])):
            return os.path.join(folder, other[0])
    return ""
