"""The ledger of a loop: one JSON object a line, appended and synced before what it says is acted on.

It is the truth. Several processes may append (the loop, a human's command): each line is one write under a
lock. What a killed writer left of a line is no row, and takes none with it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentdeck.errors import AgentDeckError
from agentdeck.models.clock import now_ms

Entry = dict[str, Any]
"""`at` (UTC ms) and `event`; entries of an experiment have its `id`."""


def append(file: Path, event: str, **fields: object) -> Entry:
    """Add a line; it is on the disk when this returns."""
    entry: Entry = {"at": now_ms(), "event": event, **fields}
    line = json.dumps(entry, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    try:
        with open(file, "r+b" if file.exists() else "w+b") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            end = handle.seek(0, os.SEEK_END)
            if end:
                handle.seek(end - 1)
                line = line if handle.read(1) == b"\n" else b"\n" + line  # ends what a killed writer began
            handle.write(line)
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        raise AgentDeckError(
            f"the ledger {file} cannot be written: {error.strerror}", "Free space, then resume."
        ) from error
    return entry


class Reader:
    """Reads a ledger and then only what was added to it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._offset = 0

    def new(self) -> list[Entry]:
        """The entries since the last call; a line without its end waits for the next."""
        try:
            with open(self.file, "rb") as handle:
                handle.seek(self._offset)
                data = handle.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return list(_entries(whole))


def _entries(data: bytes) -> Iterator[Entry]:
    for line in data.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # torn by a kill
        if isinstance(entry, dict) and isinstance(entry.get("event"), str):
            yield entry


def read(file: Path) -> list[Entry]:
    return Reader(file).new()
