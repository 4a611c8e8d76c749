"""Finds the transcript reader that a harness file names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from agentdeck.errors import UsageError
from agentdeck.models.conversation import Turn
from agentdeck.models.usage import UsageRecord


@dataclass(frozen=True, slots=True)
class Reader:
    """`records(chunk, path)` reads whole lines; a new `version` has every file read again.

    `conversation(lines)` tells what was said; None when that cannot be read from this product's files.
    """

    records: Callable[[bytes, str], tuple[list[UsageRecord], int]]
    version: int
    conversation: Callable[[Iterable[bytes]], Iterator[Turn]] | None = None


@cache
def reader(name: str) -> Reader:
    """The reader called `name`: the module `transcript` in the folder of that product."""
    if re.fullmatch(r"[a-z][a-z0-9_]*", name):
        try:
            module = import_module(f"agentdeck.harnesses.{name}.transcript")
        except ModuleNotFoundError:
            pass
        else:
            return Reader(module.records, module.PARSER, getattr(module, "conversation", None))
    raise UsageError(f"no transcript reader is called '{name}'", "Mend `reader` in that harness file.")
