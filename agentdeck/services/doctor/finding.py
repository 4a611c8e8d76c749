"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "warn", "bad"]
"""`note`: fine as it is, worth knowing; `warn`: something works less well; `bad`: something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` says what is so; `mend` is the command or step that changes it, '' when nothing needs doing."""

    topic: str
    verdict: Verdict
    text: str
    mend: str = ""
