"""Reads screens that somebody kept, by the patterns of a harness file alone: what each shows, and which sign says so.

Needs neither the client nor an engine. What was written down beside a screen (`index.json`, `titles.json`) is its
title and, if it says so, the state that is to be read.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from agentdeck.errors import UsageError
from agentdeck.harnesses import loader
from agentdeck.harnesses.schema import Harness
from agentdeck.models.status import STATES, Ask, Reason, State
from agentdeck.services.status import evidence as ev
from agentdeck.services.status.monitor import strip
from agentdeck.services.status.verdict import verdict

ENDINGS = (".ansi", ".txt", ".screen")
LOOKED, JUDGED = 1, 10_000  # ms: when a still screen was seen and when it is judged: nothing has moved since
FREE: tuple[State, ...] = ("working", "idle")  # what a blocked screen must never be read as


@dataclass(frozen=True, slots=True)
class Kept:
    """A screen to be read. `title` is that of its pane; `wanted` the state it is known to show, '' when nobody said."""

    file: str
    harness: str
    rows: tuple[str, ...]
    title: str = ""
    wanted: str = ""
    wanted_reason: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What a screen was read as. `pattern` is the sign that decided, from `source` (screen or title), in `row`."""

    file: str
    harness: str
    state: State
    reason: Reason = ""
    pattern: str = ""
    source: str = ""
    row: str = ""
    ask: Ask | None = None
    wanted: str = ""
    wanted_reason: str = ""

    @property
    def wrong(self) -> bool:
        """Whether it is another state than the one known, or another kind of question."""
        if not self.wanted:
            return False
        return self.state != self.wanted or (self.wanted == "needs_input" and self.reason != self.wanted_reason)

    @property
    def missed(self) -> bool:
        """A blocked screen read as busy or free: the one mistake that must not happen."""
        return self.wanted == "needs_input" and self.state in FREE


@dataclass(frozen=True, slots=True)
class Totals:
    """Over many screens: how many were read as what, of how many the truth is known, and how that went."""

    screens: int
    states: Mapping[str, int] = field(default_factory=dict)
    unknown: int = 0
    known: int = 0
    wrong: int = 0
    missed: int = 0


def read(kept: Kept) -> Read:
    """What one screen and its title say together."""
    harness = loader.get(kept.harness)
    rows = strip(kept.rows)
    found = ev.sign(harness, rows, still=True)
    screen = ev.from_screen(harness, rows, LOOKED, still=True)
    judged = verdict([screen, ev.from_title(harness, kept.title, LOOKED)], JUDGED - 1)
    shown, row = (found.pattern.match, found.row.strip()) if found else ("", "")
    if judged.source == "title" and judged.state not in screen.states:
        shown, row = title_sign(harness, kept.title), kept.title.strip()
    if judged.state == "unknown":
        return Read(kept.file, kept.harness, "unknown", "", shown, "", row, None, kept.wanted, kept.wanted_reason)
    source = "screen" if judged.state in screen.states else "title"
    return Read(kept.file, kept.harness, judged.state, judged.reason, shown, source, row, judged.ask, kept.wanted,
                kept.wanted_reason)  # fmt: skip


def title_sign(harness: Harness, title: str) -> str:
    """The pattern of the harness file that a title fits, '' for none."""
    return next((sign.match for sign in harness.titles if re.search(sign.match, title)), "")


def totals(found: Sequence[Read]) -> Totals:
    """The figures over all of them."""
    states = Counter(one.state for one in found)
    return Totals(
        len(found),
        {state: states[state] for state in STATES if states[state]},
        states["unknown"],
        sum(bool(one.wanted) for one in found),
        sum(one.wrong for one in found),
        sum(one.missed for one in found),
    )


def as_json(one: Read) -> dict[str, object]:
    """One entry of `agentdeck harnesses check --json`."""
    ask = None if one.ask is None else {**asdict(one.ask), "options": list(one.ask.options)}
    return {
        "file": one.file, "harness": one.harness, "state": one.state, "reason": one.reason, "pattern": one.pattern,
        "source": one.source, "row": one.row, "ask": ask, "wanted": one.wanted or None,
        "right": None if not one.wanted else not one.wrong,
    }  # fmt: skip


# -- finding them


def gather(words: Sequence[str], title: str | None = None) -> list[Kept]:
    """The screens behind the words of a command: [NAME of a harness] FILE or DIRECTORY or -, each of them.

    Raises UsageError for a file that is not there or no screen, and when nothing says which client a screen is of.
    """
    known = loader.load_all()
    name, places = (words[0], words[1:]) if words and words[0] in known else ("", words)
    if not places:
        raise UsageError("no screen is named", "agentdeck harnesses check [NAME] FILE|DIRECTORY|- ...")
    if not name and len(words) > 1 and not Path(words[0]).exists():
        loader.get(words[0], strict=True)  # says which harnesses there are
    return [_kept(file, name, known, title) for place in places for file in _files(place)]


def _files(place: str) -> Iterable[Path]:
    path = Path(place)
    if place == "-" or path.is_file():
        return [path]
    if not path.is_dir():
        raise UsageError(f"there is no file or directory {place}", "`agentdeck screen NAME --ansi >FILE` keeps one.")
    found = sorted(file for file in path.rglob("*") if file.suffix in ENDINGS and file.is_file())
    if not found:
        raise UsageError(f"no screen is in {place}", f"A screen is a file that ends in {', '.join(ENDINGS)}.")
    return found


def _kept(file: Path, name: str, known: Mapping[str, Harness], title: str | None) -> Kept:
    harness = name or _client(file, known)
    noted = _notes(file)
    said = str(noted.get("title", "")) if title is None else title
    return Kept(
        str(file), harness, tuple(_text(file).split("\n")), said, str(noted.get("state", "")),
        str(noted.get("reason", "")),
    )  # fmt: skip


def _client(file: Path, known: Mapping[str, Harness]) -> str:
    """Whose screen it is, by the name of the file or of a directory above it."""
    readable = [name for name, harness in known.items() if harness.patterns]
    for part in (file.name, *(parent.name for parent in file.absolute().parents)):
        for name in readable:
            if part == name or part.startswith((f"{name}-", f"{name}.", f"{name}_")):
                return name
    raise UsageError(
        f"nothing says which client {file} is a screen of",
        f"Name it first: agentdeck harnesses check NAME {file}. Known: {', '.join(sorted(readable))}.",
    )


def _text(file: Path) -> str:
    try:
        told = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", "Give a file that you may read.") from error
    return told.replace("\r\n", "\n")


def _notes(file: Path) -> Mapping[str, object]:
    """What is written down about a screen in the directory it lies in."""
    entry = _noted(file.with_name("index.json")).get(file.name)
    if isinstance(entry, Mapping):
        return entry
    titles = _noted(file.with_name("titles.json"))
    return {"title": titles[file.stem]} if isinstance(titles.get(file.stem), str) else {}


def _noted(file: Path) -> Mapping[str, object]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
