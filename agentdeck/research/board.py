"""All loops as the dashboard shows them: each ledger is read once, and then only what was added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentdeck.models.experiment import Experiment
from agentdeck.research import ledger, noise, places, report
from agentdeck.research.places import Place
from agentdeck.research.state import State


@dataclass(frozen=True, slots=True)
class LoopView:
    """`standing` as `research status --json` gives it; `sigma` is of one run, None before it can be told."""

    place: Place
    standing: dict[str, Any]
    experiments: Sequence[Experiment]
    sigma: float | None

    @property
    def better(self) -> int:
        return -1 if self.standing["direction"] == "lower" else 1


class Board:
    def __init__(self) -> None:
        self._known: dict[str, tuple[ledger.Reader, State]] = {}

    def load(self) -> list[LoopView]:
        """How every loop stands now, those that work first. Reads files: in a thread."""
        found = [self._one(place) for place in places.every()]
        return sorted(found, key=lambda each: each.standing["state"] in ("ended", "stopped"))

    def _one(self, place: Place) -> LoopView:
        reader, state = self._known.setdefault(place.name, (ledger.Reader(place.ledger), State()))
        state.add(reader.new())
        experiments = tuple(state.experiments.values())
        spread = noise.sigma(experiments)
        return LoopView(place, report.standing(place, state), experiments, spread.value if spread else None)
