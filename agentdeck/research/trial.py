"""One experiment, from its number to the champion: each step is in the ledger before the next begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from agentdeck.models.experiment import MEASURED, Experiment, Measurement
from agentdeck.research import asking, guards, ledger, noise, places, runner, trees
from agentdeck.research.asking import Asking
from agentdeck.research.bench import Halted, Unable, Who
from agentdeck.research.contract import Contract
from agentdeck.research.noise import Next, Verdict
from agentdeck.research.objects import Listing
from agentdeck.research.places import Place
from agentdeck.research.proposers import Proposal, Unusable
from agentdeck.research.state import State
from agentdeck.research.trees import Subject

DEATHS = 3  # of a run's supervisor, before the run counts as crashed
FRUITLESS = ("refused", "repeated", "empty", "failed")


class Blocked(Exception):
    """Nothing can be tried until a human has looked; `contract` is the digest of one to be approved, or declined."""

    def __init__(self, why: str, contract: str = "") -> None:
        super().__init__(why)
        self.contract = contract


class Measures(Protocol):
    """What `Bench` does; a synthetic trainer in tests."""

    def begin(self, name: str, tree: str, seed: int) -> int: ...

    def finish(
        self, name: str, tree: str, who: Who, seed: int, meanwhile: Callable[[], None]
    ) -> Measurement | None: ...

    def audit(self, name: str, tree: str, seed: int, meanwhile: Callable[[], None]) -> float | None: ...

    def preflight(self, tree: str, meanwhile: Callable[[], None]) -> str: ...

    def stop(self, name: str) -> None: ...

    def tidy(self, name: str) -> None: ...


@dataclass
class Trials:
    """Carries experiments of one loop; `meanwhile` is called often while something else works, and may raise."""

    place: Place
    subject: Subject
    contract: Contract
    bench: Measures
    state: State
    reader: ledger.Reader
    meanwhile: Callable[[], None]

    def write(self, event: str, **fields: Any) -> None:
        """Into the ledger, and from there into the state, with what others have written meanwhile."""
        ledger.append(self.place.ledger, event, **fields)
        self.look()

    def look(self) -> None:
        self.state.add(self.reader.new())

    def allocate(self) -> str:
        n = len(self.state.experiments)
        name = f"e{n:04d}"
        champion = self.state.champion
        proposer = self.contract.proposer.kind if n else "baseline"
        tree = self.subject.tree(champion)
        self.write("allocated", id=name, n=n, proposer=proposer, parent=champion, parent_tree=tree)
        return name

    def advance(self, name: str) -> None:
        """The next step of an experiment that is not at its end; none when it is halted."""
        try:
            self._advance(self.state.experiments[name])
        except Halted:
            return

    def _advance(self, each: Experiment) -> None:
        if each.stage == "decided":
            self._apply(each)
        elif each.stage == "allocated":
            self._propose(each)
        elif each.stage == "proposed":
            self._check(each)
        elif each.n == 0:
            self._baseline(each)
        else:
            self._measure(each)

    def decide(self, each: Experiment, outcome: str, reason: str, **fields: Any) -> None:
        self.write("decided", id=each.id, outcome=outcome, reason=reason, **fields)
        for name in self._left(f"{each.id}.*"):
            self.bench.tidy(name)

    # -- proposed, checked

    def _propose(self, each: Experiment) -> None:
        if each.n == 0:
            self.write("proposed", id=each.id, commit=each.parent, tree=each.parent_tree, hypothesis="")
            return
        asking.forget(self.place, each.id)
        home = asking.home_of(self.place, each.id)
        before = self.subject.listing(each.parent_tree)
        if not home.is_dir() or not self.place.candidate.is_dir():
            places.clear(self.place.candidate)
            self.subject.write(
                each.parent_tree, self.place.candidate, lambda path: not guards.hidden(self.contract, path)
            )
        try:
            proposal = Asking(self.place, self.contract, self.meanwhile).ask(each, self.state)
        except Unusable as error:
            self.decide(each, "failed", str(error), cost=error.cost, tokens=error.tokens)
            return
        self._store(each, proposal, before)

    def _shown(self, path: str) -> bool:
        return not guards.hidden(self.contract, path)

    def _store(self, each: Experiment, proposal: Proposal, before: Listing) -> None:
        seen = {path: blob for path, blob in before.items() if self._shown(path)}
        changed = guards.changes(seen, self.subject.scan(self.place.candidate, each.parent_tree))
        told = {"hypothesis": proposal.hypothesis, "cost": proposal.cost, "tokens": proposal.tokens}
        refused = guards.refusal(self.contract, before, changed)
        if not changed or refused:
            self.write("proposed", id=each.id, **told)
            self.decide(each, "refused" if refused else "empty", refused or "nothing was changed")
            return
        message = (
            f"{proposal.hypothesis or each.id}\n\nResearch-Loop: {self.place.name}\nResearch-Experiment: {each.id}\n"
        )
        commit, tree = self.subject.store(each.parent, self.place.candidate, changed, message)
        self.write("proposed", id=each.id, commit=commit, tree=tree, **told)

    def _check(self, each: Experiment) -> None:
        """What is looked at is what was stored, so that a check after a kill sees the same."""
        if each.n:
            # after the entry: a kill in between must not leave a ref that a second proposal would find taken
            trees.keep(self.subject.repo, trees.ref(self.place.name, each.id), each.commit)
            before, after = (self.subject.listing(tree) for tree in (each.parent_tree, each.tree))
            changed = guards.changes(before, after)
            refused = guards.refusal(self.contract, before, changed) or self._forbidden(before, after, [*changed])
            if refused:
                self.decide(each, "refused", refused)
                return
            twin = self._twin(each)
            if twin:
                self.decide(each, "repeated", f"the same change as {twin}")
                return
        self.write("checked", id=each.id)

    def _forbidden(self, before: Listing, after: Listing, paths: list[str]) -> str:
        old = self.subject.contents({path: before[path] for path in paths if path in before})
        new = self.subject.contents({path: after[path] for path in paths if path in after})
        found = (guards.forbidden(self.contract, old.get(path, b""), new.get(path, b""), path) for path in paths)
        return next(filter(None, found), "")

    def _twin(self, each: Experiment) -> str:
        same = (
            e.id for e in self.state.experiments.values()
            if e.id != each.id and e.tree == each.tree and e.parent_tree == each.parent_tree and e.outcome in MEASURED
        )  # fmt: skip
        return next(same, "")

    # -- running, measured

    def run(self, each: Experiment, who: Who, seed: int) -> bool:
        """One run into the ledger, adopted when it goes on already. False when it has to be begun anew."""
        tree = each.parent_tree if who == "champion" else each.tree
        started = self.state.running
        if started is None:
            name = f"{each.id}.{len(each.runs)}{'abcdefgh'[self.state.deaths % 8] if self.state.deaths else ''}"
            self.write("running", id=each.id, k=len(each.runs), who=who, seed=seed, place=name)
            self._begin(each, name, tree, seed)
            started = self.state.running
            assert started is not None  # just written
        try:
            found = self.bench.finish(started["place"], tree, started["who"], started["seed"], self.meanwhile)
        except Halted:
            self.write("died", id=each.id, place=started["place"], stopped=True)
            return False
        except Unable as error:
            self.write("died", id=each.id, place=started["place"], stopped=True)
            raise Blocked(str(error)) from error
        if found is None and self.state.deaths + 1 < DEATHS:
            self.write("died", id=each.id, place=started["place"])
            return False
        if found is None:
            why = f"its supervisor was killed {DEATHS} times"
            found = Measurement(started["who"], started["seed"], None, why, place=started["place"])
        if found.value is None and (why := self.bench.preflight(each.parent_tree, self.meanwhile)):
            self.write("died", id=each.id, place=started["place"], stopped=True)
            raise Blocked(why)
        found = self._constrained(found)
        told = {"wall": found.wall, "cpu": found.cpu, "memory": found.memory, "values": dict(found.values)}
        self.write(
            "measured", id=each.id, who=found.who, seed=found.seed, value=found.value, reason=found.reason,
            place=found.place, **told,
        )  # fmt: skip
        return True

    def _begin(self, each: Experiment, name: str, tree: str, seed: int) -> None:
        try:
            self.bench.begin(name, tree, seed)
        except OSError:  # a full disk: it never began
            self.write("died", id=each.id, place=name, stopped=True)
            raise

    def halt(self) -> None:
        """Have whatever works for the open experiment ended; it is done anew after a resume."""
        for name in ("preflight", *(f"{asked['id']}.rerun" for asked in self.state.asked_reruns)):
            self.bench.stop(name)
        each = self.state.open
        if each is not None:
            runner.stop(self.place.run(f"{each.id}.proposer"))
            started = [self.state.running["place"]] if self.state.running else []
            for name in {*started, *(run.place for run in each.runs)}:
                self.bench.stop(name)

    def tidy(self) -> None:
        """Away with the checkouts that a kill has left, except those of the open experiment."""
        each = self.state.open
        for name in self._left("e*"):
            if each is None or not name.startswith(f"{each.id}."):
                self.bench.tidy(name)

    def _left(self, runs: str) -> list[str]:
        """Runs, by a glob of their names, that still have a checkout."""
        return [tree.parent.name for tree in self.place.run("").glob(f"{runs}/tree")]

    def _constrained(self, found: Measurement) -> Measurement:
        first = next(iter(self.state.experiments.values()))
        baseline = next((dict(run.values) for run in first.runs if run.value is not None), {})
        values = dict(found.values)
        for rule in self.contract.constraints if found.value is not None and first.outcome else ():
            why = guards.constraint(rule, values[rule.name], baseline.get(rule.name))
            if why and found.who == "candidate":
                return replace(found, value=None, reason=why)
        return found

    def _baseline(self, each: Experiment) -> None:
        wanted = 1 if self.contract.noise.policy == "fast" else self.contract.noise.repeats
        if each.runs and each.runs[-1].value is None and not self.state.retry:
            raise Blocked(f"the baseline crashed: {each.runs[-1].reason}")
        good = [run for run in each.runs if run.value is not None]
        if len(good) < wanted:
            self.run(each, "candidate", self.contract.seed(len(good)))
            return
        values = [run.value for run in good if run.value is not None]
        mean = sum(values) / len(values)
        audit = self.bench.audit(good[0].place, each.tree, good[0].seed, self.meanwhile)
        self.decide(each, "baseline", f"mean of {len(values)}" if wanted > 1 else "one run", value=mean, audit=audit)

    def _measure(self, each: Experiment) -> None:
        holder = self.state.holder()
        everything = self.state.experiments.values()
        champion = noise.champion_mean(everything, holder) if holder else None
        if champion is None:
            raise Blocked("the champion has no value: its experiment is not in the ledger")
        spread = noise.sigma(everything)
        rule = self.contract.noise
        found = noise.step(rule, each.runs, champion, spread, self.contract.better)
        if isinstance(found, Next):
            self.run(each, found.who, self._seed(each))
            return
        self._conclude(each, found)

    def _seed(self, each: Experiment) -> int:
        """With `fast` always the same; in pairs a new one for each, which both of a pair get."""
        if self.contract.noise.policy == "fast":
            return self.contract.seed(0)
        rule = self.contract.noise
        return self.contract.seed(rule.repeats + each.n * (rule.pairs + 1) + (len(each.runs) + 1) // 2)

    def _conclude(self, each: Experiment, found: Verdict) -> None:
        audit = None
        if found.outcome == "keep":
            audit = self.bench.audit(each.runs[0].place, each.tree, each.runs[0].seed, self.meanwhile)
        self.decide(
            each, found.outcome, found.reason, value=found.value, gain=found.gain, provisional=found.provisional,
            audit=audit,
        )  # fmt: skip

    def _apply(self, each: Experiment) -> None:
        branch = str(self.state.begun["branch"])
        trees.move(self.subject.repo, branch, each.parent, each.commit, f"agentdeck research: {each.id}")
        self.write("applied", id=each.id, champion=each.commit)

    def take_back(self, name: str) -> None:
        """A human says that a keep is bad: the champion goes back to what it was before it."""
        each = self.state.experiments[name]
        later = [e.id for e in self.state.experiments.values() if e.kept and e.n >= each.n]
        self.write("reverted", id=name, superseded=later, old=self.state.champion, new=each.parent)

    def settle(self) -> None:
        """Carry out a move of the champion that was decided and perhaps not done."""
        if self.state.pending is None or self.state.open is not None:
            return
        old, new = self.state.pending
        trees.move(self.subject.repo, str(self.state.begun["branch"]), old, new, "agentdeck research: taken back")
        self.write("moved", champion=new)
