"""Clients' own status files, read so that a disk which does not answer holds up nobody but who lies on it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

PATIENCE_SECONDS = 0.3  # that a round waits for disks which are slow
Found = dict[str, object]


class StatusFiles:
    """One thread a directory: those of a home that hangs wait there, the others are read all the same."""

    def __init__(self, read: Callable[[str], Found | None]) -> None:
        self._read = read
        self._readers: dict[Path, _Reader] = {}

    def look(self, files: Mapping[str, str]) -> dict[str, Found | None]:
        """What the files of these agents say now, None for nothing; who gets no answer in time is left out.

        Blocks that long.
        """
        wanted: dict[Path, dict[str, str]] = defaultdict(dict)
        for agent, file in files.items():
            wanted[Path(file).parent][agent] = file
        for gone in self._readers.keys() - wanted.keys():
            self._readers.pop(gone).end()
        rounds = [self._reader(place).begin(there) for place, there in wanted.items()]
        deadline = time.monotonic() + PATIENCE_SECONDS
        found: dict[str, Found | None] = {}
        for one in rounds:
            if one is not None and one.done.wait(max(0.0, deadline - time.monotonic())):
                found |= one.found
        return found

    def _reader(self, place: Path) -> _Reader:
        if place not in self._readers:
            self._readers[place] = _Reader(self._read)
        return self._readers[place]


class _Round:
    """One reading of the files of a directory."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = dict(files)
        self.found: dict[str, Found | None] = {}
        self.done = threading.Event()


class _Reader:
    """The thread of one directory. It is a daemon: a process can end although its disk never answers."""

    def __init__(self, read: Callable[[str], Found | None]) -> None:
        self._read = read
        self._wanted = threading.Event()
        self._round: _Round | None = None
        self._ended = False
        threading.Thread(target=self._run, name="status-files", daemon=True).start()

    def begin(self, files: Mapping[str, str]) -> _Round | None:
        """Have the files read; None while the last reading hangs."""
        if self._round is not None and not self._round.done.is_set():
            return None
        self._round = _Round(files)
        self._wanted.set()
        return self._round

    def end(self) -> None:
        self._ended = True
        self._wanted.set()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._ended:
                return
            one = self._round
            if one is not None and not one.done.is_set():
                one.found = {agent: self._read(file) for agent, file in one.files.items()}
                one.done.set()
