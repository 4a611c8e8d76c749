"""Events for whoever watches: one file per event in the spool directory, as every harness reports."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path


class Reporter:
    """Leaves events in `spool`; does nothing when there is none. A full disk never stops the agent."""

    def __init__(self, spool: Path | None, session: str, transcript: Path, cwd: Path) -> None:
        self._spool = spool
        self._common = {"session_id": session, "transcript_path": str(transcript), "cwd": str(cwd)}
        self._clock = 0

    @classmethod
    def from_environment(cls, session: str, transcript: Path, cwd: Path) -> Reporter:
        spool = os.environ.get("DECK_SPOOL")
        return cls(Path(spool) if spool else None, session, transcript, cwd)

    def send(self, event: str, **fields: object) -> None:
        """Write the event under a temporary name, then rename: a reader never sees half of it."""
        if self._spool is None:
            return
        # The file's time is the event's place in the order, and the kernel's own clock is too
        # coarse (4 ms) to tell two events of one turn apart.
        self._clock = max(self._clock + 1, time.time_ns())
        name = f"{self._clock}-{os.getpid()}"
        temporary = self._spool / f".tmp.{name}"
        with contextlib.suppress(OSError):
            temporary.write_text(json.dumps({"hook_event_name": event, **self._common, **fields}), "utf-8")
            os.utime(temporary, ns=(self._clock, self._clock))
            temporary.rename(self._spool / f"e.{name}")
