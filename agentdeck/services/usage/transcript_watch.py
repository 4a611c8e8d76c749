"""Notices within about 30 ms that a transcript has grown, at the price of one stat a file.

Agents that may be writing are looked at each time, the others now and then; new files are found by the meter's own
rounds, which stand behind this. Stats see what change notices of the system miss: network file systems, and databases
whose log is mapped into memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Mapping, Sequence

LOOK_SECONDS = 0.03
QUIET_EVERY = 10  # of so many looks one is at the quiet ones too
DATABASE = (".db", ".sqlite")  # what was written last stands in the log beside such a file

Mark = tuple[int, int]


class TranscriptWatch:
    """A thread of its own. `changed` is set on the loop when one of the files has another size or time."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._files: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})  # busy and quiet: path -> owner
        self._seen: dict[str, Mark] = {}
        self._news: set[str] = set()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, args=(loop,), name="transcripts", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def follow(self, busy: Mapping[str, str], quiet: Mapping[str, str]) -> None:
        """From now on look at these files: by path, whose they are."""
        self._files = (with_logs(busy), with_logs(quiet))

    def take(self) -> set[str]:
        """Whose files have changed since the last time."""
        self.changed.clear()
        news, self._news = self._news, set()
        return news

    async def wait(self, seconds: float) -> None:
        """Until a file has changed or the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.changed.wait()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        turn = 0
        while not self._stop.wait(LOOK_SECONDS if self._files[0] else LOOK_SECONDS * QUIET_EVERY):
            turn = (turn + 1) % QUIET_EVERY if self._files[0] else 0
            news = self.look(self._files if turn == 0 else self._files[:1])
            if news:
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(self._tell, news)

    def look(self, groups: Sequence[Mapping[str, str]]) -> set[str]:
        """Whose files look different than at the last look. A file seen for the first time is no news."""
        news = set()
        for path, owner in (pair for group in groups for pair in group.items()):
            try:
                stat = os.stat(path)
            except OSError:
                continue
            mark = (stat.st_size, stat.st_mtime_ns)
            if self._seen.setdefault(path, mark) != mark:
                self._seen[path] = mark
                news.add(owner)
        return news

    def _tell(self, news: set[str]) -> None:
        self._news |= news
        self.changed.set()


def with_logs(files: Mapping[str, str]) -> dict[str, str]:
    """The files, and beside each database the log in which its newest rows stand."""
    logs = {f"{path}-wal": owner for path, owner in files.items() if path.endswith(DATABASE)}
    return {**files, **logs}
