"""Reading what agents leave on disk: spool files and status files. Blocking; the monitor calls it in a thread."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import processes
from agentdeck.harnesses.schema import Harness
from agentdeck.models.agent import Agent
from agentdeck.services import launch

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


class StatusFiles:
    """Reads the status files of clients; remembers which process below an agent's own is the client."""

    def __init__(self) -> None:
        self._below: dict[str, tuple[int, int]] = {}  # agent -> (its own process, the client)

    def read(self, harness: Harness, agent: Agent) -> dict[str, object] | None:
        """The client's own status file; None when there is none now or it is half-written (asserts nothing)."""
        if harness.status_file is None or not agent.pid:
            return None
        path = harness.status_file.path
        known = self._below.get(agent.id, (0, 0))
        for pid in (agent.pid, known[1] if known[0] == agent.pid else 0):
            if pid and (data := _json(_status_path(path, agent, pid))) is not None:
                return data
        found = _client_below(path, agent)
        self._below[agent.id] = (agent.pid, found)
        return _json(_status_path(path, agent, found)) if found else None


def _status_path(path: str, agent: Agent, pid: int | str) -> str:
    return launch.fill([path], {**launch.values(agent), "pid": str(pid)})[0]


def _client_below(path: str, agent: Agent) -> int:
    """The process that has a status file and was started by the agent's own one, a shell around it; 0 for none."""
    if os.path.exists(_status_path(path, agent, agent.pid)):
        return 0  # just being written
    folder, _, name = _status_path(path, agent, "*").rpartition("/")
    head, _, tail = name.partition("*")
    try:
        names = os.listdir(folder)
    except OSError:
        return 0
    pids = (one.removeprefix(head).removesuffix(tail) for one in names if one.startswith(head) and one.endswith(tail))
    return next((int(pid) for pid in pids if pid.isdigit() and processes.below(int(pid), agent.pid)), 0)


def _json(file: str) -> dict[str, object] | None:
    try:
        data = json.loads(Path(file).read_bytes())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None
