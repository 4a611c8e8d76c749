"""The sessions that Claude Code runs anywhere on this machine, from the file it keeps for each of its processes."""

from __future__ import annotations

import json
import os
from pathlib import Path

from agentdeck.harnesses.jsonl import count, moment, text
from agentdeck.harnesses.readers import Holders
from agentdeck.models.foreign import Sighting


class Sessions:
    """Remembers what it has read: a look at files that did not change costs one stat each."""

    def __init__(self, config_home: str, _holders: Holders) -> None:
        self._folder = Path(config_home, "sessions")
        self._known: dict[str, tuple[tuple[int, int], Sighting | None]] = {}

    def look(self) -> list[Sighting]:
        """All sessions that have a file now; whether their processes live is for the process table to say."""
        found: dict[str, tuple[tuple[int, int], Sighting | None]] = {}
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name.endswith(".json"):
                        stat = entry.stat()
                        stamp = (stat.st_mtime_ns, stat.st_size)
                        known = self._known.get(entry.path)
                        found[entry.path] = known if known and known[0] == stamp else (stamp, _read(entry.path))
        except FileNotFoundError:
            return []
        self._known = found
        return [sighting for _, sighting in found.values() if sighting is not None]


def _read(path: str) -> Sighting | None:
    """None for a file that is half-written, gone again, or of a version that writes another one."""
    try:
        told = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(told, dict):
        return None
    session, pid, cwd = text(told.get("sessionId")), count(told.get("pid")), text(told.get("cwd"))
    if not (session and pid and cwd):
        return None
    return Sighting(session, pid, cwd, text(told.get("name")), moment(told.get("startedAt")), told=told)
