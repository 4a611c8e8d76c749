"""What was said and done in a session, as its client recorded it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["prompt", "answer", "thought", "call", "result", "error", "note"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said: `name` is the tool's for a call, `at` when it was said in UTC milliseconds, 0 when not known.

    A `result` is what a tool gave back, an `error` a result that failed, a `note` the client's own words.
    """

    kind: Kind
    text: str
    at: int = 0
    name: str = ""
