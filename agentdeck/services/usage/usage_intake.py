"""`agentdeck usage import`: counts a history once. Starts no engine; what one counts meanwhile is not counted twice."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from agentdeck import config, paths
from agentdeck.adapters.database.store import Writer
from agentdeck.services.usage.usage import Ingest
from agentdeck.services.usage.usage_import import Discovery, discover, usual
from agentdeck.services.usage.usage_prices import overrides_of

LOG_PAGES = 8000  # of the write-ahead log before it is worked in: 32 MB
Progress = Callable[[int, int], None]
"""(bytes read so far, bytes of all files)"""
_SUM = """SELECT SUM(messages), SUM(input + cache_read + cache_write_5m + cache_write_1h + output), SUM(cost),
    SUM(unpriced_tokens) FROM usage_ever"""


def take_in(places: Sequence[str], progress: Progress | None = None) -> dict[str, Any]:
    """Count what lies in `places`, in the usual places of all clients when none is named, and tell what was new."""
    looked_in = places or usual(os.environ)
    found = discover(looked_in)
    writer = Writer(paths.database_file())
    gc.disable()  # a batch makes tens of thousands of objects, and no cycles
    try:
        return asyncio.run(_take_in(writer, found, looked_in, progress))
    finally:
        gc.enable()
        writer.close()


async def _take_in(
    writer: Writer, found: Discovery, looked_in: Sequence[str], progress: Progress | None
) -> dict[str, Any]:
    ingest = Ingest(writer, overrides_of(config.load().prices))
    done = 0

    def read(size: int) -> None:
        nonlocal done
        done += size
        if progress is not None:
            progress(done, found.bytes)

    ingest.progress = read
    await writer.run(lambda conn: conn.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}"))
    before = await writer.run(_sums)
    await ingest.scan(found.sources, settle=0)
    after = await writer.run(_sums)
    if progress is not None:
        progress(found.bytes, found.bytes)
    paths_read = [path for source in found.sources for path in source.patterns]
    damaged = await writer.run(lambda conn: _damaged(conn, paths_read))
    unreadable = {**found.unreadable, **ingest.unreadable}
    return {
        "files": found.by_harness(),
        "messages": after[0] - before[0],
        "tokens": after[1] - before[1],
        "cost_usd": round((after[2] - before[2]) / 1e9, 9),
        "unpriced_tokens": after[3] - before[3],
        "places": [*looked_in],
        "diagnostics": {
            "damaged_rows": damaged,
            "unreadable_files": len(unreadable),
            "compressed_files_not_read": len(found.packed),
            "files_of_no_known_client": len(found.unknown),
        },
        "unreadable": unreadable,
    }


def _sums(conn: sqlite3.Connection) -> tuple[int, int, int, int]:
    """Responses, tokens, nano-dollars, and tokens without a price."""
    messages, tokens, cost, unpriced = conn.execute(_SUM).fetchone()
    return messages or 0, tokens or 0, cost or 0, unpriced or 0


def _damaged(conn: sqlite3.Connection, places: Sequence[str]) -> int:
    known = dict(conn.execute("SELECT path, diagnostics FROM file_states WHERE diagnostics > 0").fetchall())
    return sum(known.get(path, 0) for path in places)
