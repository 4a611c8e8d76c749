"""Reads what is new in a growing file, up to its last line end, in pieces of bounded size."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from agentdeck.harnesses.jsonl import is_complete
from agentdeck.harnesses.readers import Reader, Store
from agentdeck.services.usage import usage_whole
from agentdeck.services.usage.usage_state import BLOCK, LONGEST_LINE, FileState, Piece

__all__ = ["FileState", "Piece", "new", "pieces"]

SKEW = 60.0  # a file from further in the future has a wrong clock, and counts as settled
HEAD = 4096
MARK = 64


def new(read: Reader, state: FileState, settle: float) -> Iterator[Piece]:
    """What is new in a file, or in a session that a client keeps in its database. Raises OSError."""
    store = read.store_of(state.path)
    if store is not None:
        return _paged(store, state, read.version)
    read_all = usage_whole.pieces if usage_whole.is_whole(state.path) else pieces
    return read_all(state, read.version, settle)


def _paged(store: Store, state: FileState, parser: int) -> Iterator[Piece]:
    """`offset` is the time of the newest row. Rows are read more than once: only the last look's strange ones count."""
    seen = store.seen(state.path)  # before the rows are read: what comes meanwhile is another change
    known = (state.device, state.inode, state.parser) == (seen.device, seen.inode, parser)
    found = FileState(state.path, seen.device, seen.inode, -1, seen.mtime_ns, state.offset if known else 0)
    found = replace(found, parser=parser)
    for page in store.pages(state.path, found.offset):
        found = replace(found, offset=page.until, diagnostics=found.diagnostics + page.strange)
        yield Piece(page.lines, found)
    yield Piece(b"", replace(found, size=seen.size))


def pieces(state: FileState, parser: int, settle: float) -> Iterator[Piece]:
    """What `state.path` holds beyond `state`; everything again when the file was cut, replaced or rewritten.

    The last line counts without its line end when it is complete and the file has not changed
    for `settle` seconds. The last piece may be empty: it carries the final state. A file that
    is gone yields nothing. Raises OSError when it cannot be read.
    """
    try:
        file = open(state.path, "rb", buffering=0)  # noqa: SIM115 - closed below, after the last piece was taken
    except FileNotFoundError:
        return
    with file:
        stat = os.fstat(file.fileno())
        age = time.time() - stat.st_mtime
        yield from _read(file, _resumed(file, state, stat, parser), stat, settled=age >= settle or age < -SKEW)


def _resumed(file: BinaryIO, state: FileState, stat: os.stat_result, parser: int) -> FileState:
    same = (
        (state.device, state.inode, state.parser) == (stat.st_dev, stat.st_ino, parser)
        and state.offset <= stat.st_size
        and _digest(file, 0, _length(state.head)) == state.head
        and _digest(file, state.offset - _length(state.mark), _length(state.mark)) == state.mark
    )
    fresh = FileState(state.path, parser=parser) if not same else state
    head = _digest(file, 0, min(HEAD, stat.st_size))
    # Until the last piece is stored the size is unknown, so that a crash in between leaves the file unseen.
    return replace(fresh, device=stat.st_dev, inode=stat.st_ino, size=-1, mtime_ns=stat.st_mtime_ns, head=head)


def _read(file: BinaryIO, state: FileState, stat: os.stat_result, settled: bool) -> Iterator[Piece]:
    pending: list[bytes] = []  # the beginning of a line whose end has not come yet
    held = 0
    skipping = False
    position = state.offset
    block = bytearray(max(0, min(BLOCK, stat.st_size - position)))  # one for all of the file: memory is slow to get
    view = memoryview(block)
    file.seek(position)
    while position < stat.st_size and (size := file.readinto(view[: stat.st_size - position])):  # type: ignore[attr-defined]
        position += size
        cut = block.rfind(b"\n", 0, size) + 1
        if not cut:
            held += size
            skipping = skipping or held > LONGEST_LINE
            pending = [] if skipping else [*pending, bytes(view[:size])]
            continue
        first = block.find(b"\n") + 1 if skipping else 0
        lines = b"".join([*pending, view[first:cut]])
        if skipping:
            state, skipping = replace(state, diagnostics=state.diagnostics + 1), False
        pending, held = ([bytes(view[cut:size])], size - cut) if cut < size else ([], 0)
        state = _moved(file, state, position - held, lines)
        file.seek(position)
        yield Piece(lines, state)
    tail = b"".join(pending)
    done = replace(state, size=stat.st_size)
    if settled and not skipping and is_complete(tail):
        yield Piece(tail, _moved(file, done, position, tail))
    else:
        yield Piece(b"", done, waits=bool(tail) and not settled)


def _moved(file: BinaryIO, state: FileState, offset: int, read: bytes) -> FileState:
    """The state at `offset`, where `read` ended."""
    length = min(MARK, offset)
    mark = _hashed(read[-length:]) if len(read) >= length else _digest(file, offset - length, length)
    return replace(state, offset=offset, mark=mark)


def _digest(file: BinaryIO, start: int, length: int) -> str:
    file.seek(max(0, start))
    return _hashed(file.read(length))


def _hashed(data: bytes) -> str:
    return f"{len(data)}:{hashlib.sha256(data).hexdigest()[:16]}"


def _length(digest: str) -> int:
    return int(digest.partition(":")[0] or 0)
