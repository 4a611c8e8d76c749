"""The session on disk: one JSON object a line, written when it happened and flushed.

Every row has `type`, `ts` (ISO 8601 UTC) and `session`; then by type:

    session      source (startup | resume), cwd, model
    user         content: the prompt as it was typed
    assistant    id (message id), request_id, model, stop_reason, content (the API's blocks),
                 usage (the counts as the API gave them, under the API's names); a response that
                 was interrupted or broken off has partial: true and the usage seen so far, and
                 empty content when it was thrown away for another attempt
    tool_result  tool_use_id, name, content, is_error
    interrupt    nothing more

One assistant row is one model response that the provider counted. `--resume` appends to the same file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentdeck.models.clock import iso, now_ms


class Transcript:
    def __init__(self, path: Path, session: str) -> None:
        self.path = path
        self._session = session
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = _ends_torn(path)
        self._file = path.open("a", encoding="utf-8")
        if torn:
            self._file.write("\n")

    def append(self, kind: str, **fields: object) -> None:
        row = {"type": kind, "ts": iso(now_ms()), "session": self._session, **fields}
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _ends_torn(path: Path) -> bool:
    """Whether the last line was cut by a kill, so that the next row must not join it."""
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) != b"\n"


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole row of a transcript; a torn line is passed over."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield row
