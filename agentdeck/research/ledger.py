"""The ledger of a loop: one JSON object a line, appended and synced before what it says is acted on.

It is the truth. Several processes may append (the loop, a human's command): each line is one write under a
lock. What a killed writer left of a line is no row, and takes none with it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agentdeck.errors import AgentDeckError
from agentdeck.models.clock import now_ms

LONG = 1 << 20  # bytes
Entry = dict[str, Any]
"""`at` (UTC ms) and `event`; entries of an experiment have its `id`."""


class Unwritable(AgentDeckError):
    """The ledger took no entry, and is as it was: what the entry would have said has not happened."""

    def __init__(self, file: Path, error: OSError) -> None:
        super().__init__(f"the ledger {file} cannot be written: {error.strerror}", "Free space; then it goes on.")


def append(file: Path, event: str, **fields: object) -> Entry:
    """Add a line; it is on the disk when this returns. Raises Unwritable when it is not."""
    entry: Entry = {"at": now_ms(), "event": event, **fields}
    line = json.dumps(entry, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    try:
        fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            _write(fd, line)
        finally:
            os.close(fd)
    except OSError as error:
        raise Unwritable(file, error) from error
    return entry


def _write(fd: int, line: bytes) -> None:
    """All of it, synced, or nothing."""
    end = os.lseek(fd, 0, os.SEEK_END)
    if end and os.pread(fd, 1, end - 1) != b"\n":
        line = b"\n" + line  # ends what a killed writer began
    try:
        written = 0
        while written < len(line):
            written += os.write(fd, line[written:])
        os.fsync(fd)
    except OSError:
        os.ftruncate(fd, end)
        raise


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
    decode, wrong = _decoder(len(data))
    for line in data.splitlines():
        try:
            entry = decode(line)
        except wrong:
            continue  # torn by a kill
        if isinstance(entry, dict) and isinstance(entry.get("event"), str):
            yield entry


def _decoder(size: int) -> tuple[Callable[[bytes], Any], tuple[type[Exception], ...]]:
    """What reads a line, and what it raises. Of a long ledger msgspec takes half the time; its import 8 ms."""
    if size < LONG:
        return json.loads, (ValueError,)
    import msgspec

    return msgspec.json.Decoder().decode, (msgspec.DecodeError, UnicodeDecodeError)


def read(file: Path) -> list[Entry]:
    return Reader(file).new()


def begun(file: Path) -> Entry:
    """What the loop was begun with, which is the first entry. Raises OSError where there is no ledger."""
    with open(file, "rb") as handle:
        return next(_entries(handle.readline()), {})
