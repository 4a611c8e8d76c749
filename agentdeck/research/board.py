"""All loops as the dashboard shows them: each ledger is read once, and then only what was added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentdeck.models.experiment import Experiment
from agentdeck.research import ledger, noise, places, report
from agentdeck.research.places import Place
from agentdeck.research.state import State


@dataclass(frozen=True, slots=True)
class LoopView:
    """`standing` as `research status --json` gives it; `sigma` is of one run, None before it can be told.

    `age` counts the entries of the ledger: views of one age have the same experiments. `reruns` are by experiment.
    """

    place: Place
    standing: dict[str, Any]
    experiments: Sequence[Experiment]
    sigma: float | None
    age: int = 0
    reruns: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def better(self) -> int:
        return -1 if self.standing["direction"] == "lower" else 1

    @property
    def live(self) -> bool:
        """Whether a process works on it, or waits."""
        return self.standing["state"] not in ("ended", "stopped")


@dataclass(slots=True)
class _Known:
    reader: ledger.Reader
    state: State = field(default_factory=State)
    view: LoopView | None = None
    age: int = 0


class Board:
    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def load(self) -> list[LoopView]:
        """How every loop stands now, those that work first. Reads files: in a thread."""
        found = [self._one(place) for place in places.every()]
        return sorted(found, key=lambda each: not each.live)

    def _one(self, place: Place) -> LoopView:
        known = self._known.setdefault(place.name, _Known(ledger.Reader(place.ledger)))
        new = known.reader.new()
        if known.view is not None and not new:
            # most looks find nothing new: what follows from the experiments is not worked out again
            known.view = replace(known.view, standing={**known.view.standing, **report.doing(place, known.state)})
            return known.view
        known.state.add(new)
        known.age += len(new)
        experiments = tuple(known.state.experiments.values())
        spread = noise.sigma(experiments)
        reruns: dict[str, list[dict[str, Any]]] = {}
        for entry in known.state.reruns:
            reruns.setdefault(entry["id"], []).append(entry)
        standing = report.standing(place, known.state)
        known.view = LoopView(
            place, standing, experiments, spread.value if spread else None, known.age, reruns
        )  # fmt: skip
        return known.view
