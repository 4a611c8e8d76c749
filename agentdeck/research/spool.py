"""Tells the deck what a loop does: one file an event in the spool directory, as every harness reports."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path


def send(event: str, **fields: object) -> None:
    """Nothing without DECK_SPOOL; a full disk never stops a loop."""
    folder = os.environ.get("DECK_SPOOL")
    if not folder:
        return
    now = time.time_ns()
    temporary = Path(folder) / f".tmp.{now}-{os.getpid()}"
    with contextlib.suppress(OSError):
        temporary.write_text(json.dumps({"hook_event_name": event, **fields}), encoding="utf-8")
        os.utime(temporary, ns=(now, now))  # the kernel's own clock is too coarse to order two events
        temporary.rename(Path(folder) / f"e.{now}-{os.getpid()}")
