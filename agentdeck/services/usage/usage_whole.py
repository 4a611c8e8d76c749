"""Reads the files that nobody appends to: compressed ones, and those that are one JSON document. Each change anew."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace

from agentdeck.harnesses import packed
from agentdeck.harnesses.jsonl import is_complete
from agentdeck.services.usage.usage_state import BLOCK, LONGEST_LINE, FileState, Piece


def is_whole(path: str) -> bool:
    """Whether a file is to be read here."""
    return path.endswith((*packed.SUFFIXES, ".json"))


def pieces(state: FileState, parser: int, settle: float) -> Iterator[Piece]:
    """All of `state.path` as whole lines; a file that is gone yields nothing. Raises OSError when it cannot be read."""
    try:
        stat = os.stat(state.path)
    except FileNotFoundError:
        return
    found = FileState(state.path, stat.st_dev, stat.st_ino, -1, mtime_ns=stat.st_mtime_ns, parser=parser)
    done = replace(found, size=stat.st_size, offset=stat.st_size)
    if packed.plain(state.path).endswith(".json"):
        yield _document(done, settled=time.time() - stat.st_mtime >= settle)
    else:
        yield from _lines(found, done)


def _document(done: FileState, settled: bool) -> Piece:
    """As one line; one that is being written counts when it is whole."""
    whole = b"".join(packed.blocks(done.path, BLOCK))
    if len(whole) > LONGEST_LINE:
        return Piece(b"", replace(done, diagnostics=1))
    try:
        row = json.loads(str(whole, "utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return Piece(b"", replace(done, diagnostics=1)) if settled else Piece(b"", replace(done, offset=0), waits=True)
    return Piece(json.dumps(row, separators=(",", ":")).encode("utf-8", "replace"), done)


def _lines(found: FileState, done: FileState) -> Iterator[Piece]:
    pending, strange = b"", 0
    for block in packed.blocks(found.path, BLOCK):
        pending += block
        cut = pending.rfind(b"\n") + 1
        if cut:
            yield Piece(pending[:cut], replace(found, diagnostics=strange))
            pending = pending[cut:]
        elif len(pending) > LONGEST_LINE:
            pending, strange = b"", strange + 1
    yield Piece(pending if is_complete(pending) else b"", replace(done, diagnostics=strange))
