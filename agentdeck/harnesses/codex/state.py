"""What the reader of a rollout must remember of the rows above: whose thread it is, its turns' models, its total."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields

from agentdeck.harnesses.codex.rows import Amounts, amounts, plus, split
from agentdeck.harnesses.jsonl import Row, count
from agentdeck.models.usage import Tokens

TURNS = 16  # of which the models are remembered: usage follows its turn closely
SETTLE_MS = 1000  # a history is copied into a new thread within this time of its birth; no model answers so fast
NOTHING: Amounts = (0, 0, 0, 0, 0)
Event = tuple[int, Amounts, Amounts]
"""(time in ms, total, last) of a `token_count` of another thread."""


@dataclass
class State:
    """`born`: when the thread began, UTC ms. `count_*`: the last event. `base`: the total with which it began."""

    thread: str = ""
    session: str = ""
    parent: str = ""
    side: bool = False
    known: bool = False
    born: int = 0
    cwd: str = ""
    model: str = ""
    tier: str = ""
    turns: dict[str, str] = field(default_factory=dict)
    records: bool = False
    base_known: bool = False
    base: Sequence[int] = (0, 0, 0, 0, 0, 0)
    last: Sequence[int] = (0, 0, 0, 0, 0, 0)
    count_total: int = 0
    count_sums: Sequence[int] = NOTHING
    count_used: Sequence[int] = ()
    events: int = 0  # that told a new total
    copied: int = 0  # of them, those of the parent
    resets: int = 0
    window: int = 0  # of the context, as the client says

    @classmethod
    def parse(cls, stored: str) -> State:
        """Back from what `dump` gave; '' is the beginning of a file."""
        if not stored:
            return cls()
        told = json.loads(stored)
        return cls(**{one.name: told[one.name] for one in fields(cls) if one.name in told})

    def dump(self) -> str:
        whole = asdict(self)
        plain = asdict(State())
        return json.dumps({name: value for name, value in whole.items() if value != plain[name]}, separators=(",", ":"))

    @property
    def settled(self) -> int:
        """Until when rows may be a copied history."""
        return self.born + SETTLE_MS

    @property
    def sums(self) -> Amounts:
        one, two, three, four, five = self.count_sums
        return one, two, three, four, five

    def turn(self, turn: str, model: str, cwd: str) -> None:
        self.model, self.cwd = model or self.model, cwd or self.cwd
        if turn and model:
            self.turns[turn] = model
            while len(self.turns) > TURNS:
                del self.turns[next(iter(self.turns))]

    def model_of(self, turn: str) -> str:
        return self.turns.get(turn, self.model)

    def grown(self, total: Row, last: Row, at: int, parents: Callable[[], Sequence[Event]]) -> Tokens | None:
        """What an event says was used since the one before; None for a repetition and for what a parent used."""
        used, before = amounts(last), self.sums
        sums = amounts(total)
        whole = count(total.get("total_tokens")) or sums[0] + sums[3]
        if not sums[0] + sums[3]:  # only the whole is told, or nothing
            if self.events and whole and whole == self.count_total:
                return None
            sums = plus(before, used)
        if self.events and sums == before:
            return None
        first, fell = not self.events, whole < self.count_total
        copying = bool(self.parent) and self.copied == self.events
        self.events += 1
        self.count_total, self.count_sums, self.count_used = whole, sums, used
        if copying and self._copied(sums, used, at, first, parents()):
            return None
        self.resets += fell
        grown = plus(sums, before, -1)
        return split(used if fell or (first and self.parent) or min(grown) < 0 else grown)

    def _copied(self, sums: Amounts, used: Amounts, at: int, first: bool, parents: Sequence[Event]) -> bool:
        """Whether an event is still the parent's, or tells but the total with which this thread began."""
        theirs = [event[1:] for event in parents if event[0] <= self.settled]
        if theirs:
            same = self.copied < len(theirs) and theirs[self.copied] == (sums, used)
            self.copied += same
            return same or (first and any(event[0] == sums for event in theirs))
        copied = at <= self.settled
        self.copied += copied
        return copied
