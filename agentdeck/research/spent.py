"""What a proposal cost: its client's own records of the conversation say it, and the deck's usage counts them too."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentdeck.models import pricing
from agentdeck.models.clock import now_ms
from agentdeck.models.usage import UsageRecord
from agentdeck.research.places import Place

if TYPE_CHECKING:
    from agentdeck.harnesses.schema import Harness

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation of a proposer, which began at `at` (UTC ms). `transcript` is '' where the client decides."""

    at: int
    harness: str
    session: str
    transcript: str
    home: str
    config_home: str


@dataclass(frozen=True, slots=True)
class Spent:
    """`tokens` of all classes; dollars are 0 where there is no price."""

    tokens: int = 0
    dollars: float = 0.0


def session(harness: Harness, name: str, transcript: str, environ: Mapping[str, str]) -> Session:
    """The conversation `name` that a client of this environment has."""
    home = environ.get("HOME") or str(Path.home())
    moved = environ.get(harness.config_env, "") if harness.config_env else ""
    config_home = moved or harness.config_default.replace("{home}", home)
    return Session(now_ms(), harness.name, name, transcript, home, config_home)


def note(place: Place, told: Session) -> None:
    """Say once where the deck finds this conversation; what stands there already is not said again."""
    try:
        if f'"{told.session}"' in place.sessions.read_text(encoding="utf-8"):
            return
    except FileNotFoundError:
        pass
    with open(place.sessions, "a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(told)) + "\n")


def count(harness: Harness, told: Session, dollars: float | None) -> Spent:
    """What the conversation took. `dollars` is the client's own price, which wins over the list's."""
    try:
        found = {record.key: record for record in _records(harness, told)}.values()  # a response may be told twice
    except (OSError, ValueError):
        found = dict[str, UsageRecord]().values()
    tokens = sum(record.tokens.total for record in found)
    return Spent(tokens, dollars if dollars is not None else sum(map(_price, found)))


def _records(harness: Harness, told: Session) -> Iterator[UsageRecord]:
    from agentdeck.harnesses.readers import reader

    where = harness.transcript
    if not where.reader:
        return
    read = reader(where.reader)
    if read.store is not None:
        for database in sorted(glob.glob(_filled(where.database, told))):
            path = read.store.name(database, told.session)
            for page in read.store.pages(path, 0):
                yield from read.read(page.lines, path, "").records
        return
    for pattern in (where.path, where.subagents):
        for path in sorted(glob.glob(_filled(pattern, told))):
            yield from read.read(Path(path).read_bytes(), path, "").records


def _filled(template: str, told: Session) -> str:
    """A template of a harness file as a glob pattern; which directory it is about is left open: the session decides."""
    values = {
        "home": told.home, "config_home": told.config_home, "session": told.session, "transcript": told.transcript,
        "session_head": told.session[:8],
    }  # fmt: skip
    known = {name: glob.escape(value) for name, value in values.items()} | {"slug": "*", "worktree": "*"}
    return re.sub(r"\{(\w+)\}", lambda match: known.get(match[1], match[0]), template)


def _price(record: UsageRecord) -> float:
    """Dollars of one response; 0 when it has no price."""
    from agentdeck.adapters import prices

    day = pricing.day_of(record.ts)
    return (pricing.price(record, prices.find(record.model, record.variant, day))[0] or 0) / NANO


def environment() -> dict[str, str]:
    """That of a proposer: the human's own and of this process, where a client's login is; less tmux's and ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TMUX", "DECK_"))}
