"""What a ledger says: its entries folded, in order, into experiments and the standing of the loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from agentdeck.models.experiment import Experiment, Measurement, Stage
from agentdeck.research.ledger import Entry

STAGES = get_args(Stage)
REVERTS = "reverted"


@dataclass
class State:
    """`champion` is what the branch should hold; while `pending` (old, new) is set, it is on its way there.

    `running` is the run that goes on, `deaths` how often its supervisor was killed. `steering` is the human's note to
    the proposer, `asked` are ids that a human took back. `contract` is the digest of the approved one, `declined` that
    of an edited one which the human did not want. `machine` is the fingerprint of the last opening's, `machines` that
    of each experiment. `latest` is the newest time in it, UTC ms: where a clock was set back, not the last.
    """

    champion: str = ""
    latest: int = 0
    pending: tuple[str, str] | None = None
    experiments: dict[str, Experiment] = field(default_factory=dict)
    begun: Entry = field(default_factory=dict)
    running: Entry | None = None
    deaths: int = 0
    paused: str = ""
    blocked: str = ""
    retry: bool = False  # a human has let it go on, and nothing was measured since
    steering: str = ""
    stop: str = ""
    ended: str = ""
    contract: str = ""
    edited: str = ""
    declined: str = ""
    machine: str = ""
    machines: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    asked_reruns: list[Entry] = field(default_factory=list)
    reruns: list[Entry] = field(default_factory=list)

    def add(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.apply(entry)

    def apply(self, entry: Entry) -> None:
        """One entry; those that are not known are another version's and change nothing."""
        self.latest = max(self.latest, entry.get("at", 0))
        event = entry["event"]
        if event in STAGES or event == "died":
            self._experiment(event, entry)
        elif event == REVERTS:
            self._revert(entry)
        else:
            self._loop(event, entry)

    def _loop(self, event: str, entry: Entry) -> None:
        if event == "begun":
            self.begun, self.champion, self.contract = entry, str(entry["base"]), str(entry.get("contract", ""))
        elif event == "opened":
            self.stop = self.ended = ""
            self.machine = str(entry.get("machine", ""))
        elif event == "approved":
            self.contract = str(entry["contract"])
        elif event == "paused":
            self.paused = str(entry.get("why") or "by hand")
        elif event == "blocked":
            self.paused = self.blocked = str(entry["why"])
            self.edited = str(entry.get("contract", ""))
        elif event == "resumed":
            self.declined = self.edited or self.declined
            self.paused = self.blocked = self.edited = ""
            self.retry = True
        elif event == "steered":
            self.steering = str(entry["text"])
        elif event == "stop":
            self.stop = str(entry.get("when", "boundary"))
        elif event == "ended":
            self.ended = str(entry["why"])
        elif event == "bad":
            self.asked.append(str(entry["id"]))
        elif event == "moved":
            self.champion, self.pending = entry["champion"], None
        elif event == "rerun_asked":
            self.asked_reruns.append(entry)
        elif event == "rerun":
            self.reruns.append(entry)
            self.asked_reruns = [each for each in self.asked_reruns if each.get("ask") != entry.get("ask")]

    def _experiment(self, event: str, entry: Entry) -> None:
        known = self.experiments.get(entry["id"])
        if event == "allocated":
            self.machines[entry["id"]] = self.machine
            known = Experiment(
                entry["id"],
                entry["n"],
                "allocated",
                entry["at"],
                entry["proposer"],
                entry["parent"],
                entry["parent_tree"],
            )
        elif known is None:
            return
        elif event == "running":
            self.running = entry
            known = replace(known, stage="running")
        elif event == "measured":
            self.running, self.deaths, self.retry = None, 0, False
            known = replace(known, stage="measured", runs=(*known.runs, measurement(entry)))
        elif event == "died":
            self.running = None
            self.deaths += not entry.get("stopped")  # by hand, or with the machine: no fault of the run
        elif event == "applied":
            self.champion, self.pending = entry["champion"], None
            known = replace(known, stage="applied")
        else:
            known = _changed(known, event, entry)
            if event == "decided":
                self.running, self.deaths = None, 0
            if event == "decided" and known.outcome == "keep":
                self.pending = (known.parent, known.commit)
        self.experiments[known.id] = known

    def _revert(self, entry: Entry) -> None:
        for each in entry["superseded"]:
            self.experiments[each] = replace(self.experiments[each], bad=True)
        self.pending = (entry["old"], entry["new"])

    @property
    def open(self) -> Experiment | None:
        """The experiment that is not at its end."""
        last = next(reversed(self.experiments.values()), None)
        if last is None or last.stage == "applied" or (last.stage == "decided" and last.outcome != "keep"):
            return None
        return last

    @property
    def asked_bad(self) -> list[str]:
        """Keeps that a human took back, and that are still to be taken back; others went with an earlier one."""
        found = (self.experiments.get(name) for name in self.asked)
        return [each.id for each in found if each is not None and each.kept and each.outcome == "keep"]

    def holder(self) -> Experiment | None:
        """The experiment whose commit the champion is."""
        found = (e for e in reversed(self.experiments.values()) if e.kept and e.commit == self.champion)
        return next(found, None)

    def best(self, better: int) -> Experiment | None:
        """The kept experiment with the best value."""
        kept = [e for e in self.experiments.values() if e.kept and e.value is not None]
        return max(kept, key=lambda e: better * (e.value or 0.0), default=None)


def measurement(entry: Entry) -> Measurement:
    keys = ("who", "seed", "value", "reason", "wall", "cpu", "memory", "place")
    given: dict[str, Any] = {key: entry[key] for key in keys if key in entry}
    return Measurement(**given, values=tuple(sorted(entry.get("values", {}).items())))


def _changed(known: Experiment, event: Any, entry: Entry) -> Experiment:
    keys = {
        "proposed": ("commit", "tree", "hypothesis", "cost", "tokens"),
        "checked": (),
        "decided": ("outcome", "reason", "value", "audit", "gain", "provisional", "cost", "tokens"),
    }[event]
    given: dict[str, Any] = {key: entry[key] for key in keys if key in entry}
    ended = entry["at"] if event == "decided" else known.ended
    return replace(known, stage=event, ended=ended, **given)


def fold(entries: Iterable[Entry]) -> State:
    state = State()
    state.add(entries)
    return state
