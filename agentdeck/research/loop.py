"""The process of a loop: experiment after experiment, and between them whatever its human has asked for."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.models.clock import now_ms
from agentdeck.models.experiment import Experiment
from agentdeck.research import approval, ledger, machine, places, proposers, report, spool, trees, view
from agentdeck.research import contract as contracts
from agentdeck.research.bench import Bench, Halted
from agentdeck.research.contract import Contract
from agentdeck.research.ledger import Entry, Unwritable
from agentdeck.research.places import Place, Said
from agentdeck.research.state import State
from agentdeck.research.terminal import Terminal, line
from agentdeck.research.trial import FRUITLESS, Blocked, Measures, Trials

LOOK_SECONDS = 0.3
PAUSES = (0.2, 1.0, 5.0)  # seconds before a step that failed is taken again
STARVE_SECONDS = 2.0
LONGEST_WAIT = 300.0
ANSWER = "close this; r shows the loop and, by l, what it printed. Mend it, then p there"
_EVENTS = {"working": "LoopWorking", "blocked": "LoopBlocked", "paused": "LoopPaused", "ended": "LoopEnded"}


class Leave(Exception):
    """This process ends; a run that goes on is found again."""


class Loop:
    """`patient`: a blocked loop waits for its human; otherwise it ends with an error.

    `tell` gets a line for each experiment, `glance` often a line of how it stands.
    """

    def __init__(
        self, place: Place, *, tell: Callable[[str], None] = lambda _: None, patient: bool = True,
        bench: Measures | None = None, glance: Callable[[str, str], None] | None = None,
    ) -> None:  # fmt: skip
        self.place, self.tell, self.patient, self.glance = place, tell, patient, glance
        self.contract: Contract = contracts.read(place.contract)[0]
        reader = ledger.Reader(place.ledger)
        state = State()
        state.add(reader.new())
        subject = trees.of(place, state.begun)
        measures = bench or Bench(place, subject, self.contract)
        self.trials = Trials(place, subject, self.contract, measures, state, reader, self._meanwhile)
        self.fruitless = 0
        self._ready = False
        self._failed = 0
        self._contract = state.contract
        self._worked, self._opened = 0, time.monotonic()
        self._looked = 0.0
        self._said: Said | None = None
        self._leaving = ""

    @property
    def state(self) -> State:
        return self.trials.state

    def run(self) -> str:
        """Until a stop rule, a human or the proposer ends it: why. Raises Leave when the process was told to go."""
        with self.place.lock():
            try:
                return self._rounds()
            finally:
                if self._said is not None and self._said.state != "ended":
                    self._say("ended", self._leaving or "its process has ended")

    def leave(self, signum: int, _frame: object) -> None:
        """A signal: Ctrl+C ends the run that goes on, any other leaves it to its supervisor."""
        self._leaving = signal.Signals(signum).name
        if signum == signal.SIGINT:
            self.trials.halt()

    def _rounds(self) -> str:
        opened = False
        while True:
            try:
                if not opened:
                    self._open()
                    opened = True
                why = self._round()
                if why:
                    self.trials.write("ended", why=why)
                    self._say("ended", why)
                    self.tell(f"ended: {why}")
                    return why
                self._failed = 0
            except (Blocked, AgentDeckError, OSError) as error:
                self._mend(error)

    def _open(self) -> None:
        """Take the loop up where its ledger leaves it."""
        state = self.state
        self._worked = max(state.latest, now_ms()) - state.begun["at"] if state.begun else 0
        self._opened = time.monotonic()
        self.trials.write("opened", pid=os.getpid(), machine=machine.fingerprint(), on=machine.details())
        self.trials.tidy()

    def _mend(self, error: Exception) -> None:
        """A step that failed is in no ledger and can be taken again: at once, when there is room, or by a human's word.

        A loop runs for days, beside a git that others use and on a disk that others fill.
        """
        if isinstance(error, Unwritable):
            self._starve(error)
        elif isinstance(error, AgentDeckError) and not isinstance(error, UsageError) and self._failed < len(PAUSES):
            self.tell(f"again in {PAUSES[self._failed]:g} s: {error.title}")
            self._wait(PAUSES[self._failed], error.title)
            self._failed += 1
        elif isinstance(error, OSError):
            self._block(f"{error.strerror or error}: {error.filename or self.place.root}")
        else:
            why = error.title if isinstance(error, AgentDeckError) else str(error)
            self._block(why, error.contract if isinstance(error, Blocked) else "")

    def _starve(self, error: Unwritable) -> None:
        """Nothing can be written down, so nothing is done: wait until it can."""
        self._say("blocked", error.title)
        self.tell(f"blocked: {error.title}")
        if not self.patient:
            raise error
        end = time.monotonic() + STARVE_SECONDS
        while time.monotonic() < end:
            self._leave_if_told()
            time.sleep(LOOK_SECONDS)

    def _round(self) -> str:
        """One step; why the loop ends, or ''."""
        trials = self.trials
        trials.look()
        self._leave_if_told()
        trials.settle()
        each = self.state.open
        if each is None or self.state.stop == "now" or self.state.blocked:
            if each is None and self._asked():
                return ""
            if why := self._end():
                return why
            if self.state.paused:
                self._pause()
                return ""
        if not self._ready and not self._prepare():
            return ""
        name = each.id if each else trials.allocate()
        self._tell_step(self.state.experiments[name])
        trials.advance(name)
        self._after(self.state.experiments[name])
        return ""

    def _prepare(self) -> bool:
        """Once, and after each block: whether experiments can run here at all. False when it was halted."""
        self._say("working", "preflight")
        trials = self.trials
        try:
            why = trials.bench.preflight(trials.subject.tree(self.state.champion), self._meanwhile)
        except Halted:
            return False
        if why:
            raise Blocked(why)
        self._ready = True
        return True

    def _after(self, each: Experiment) -> None:
        if each.stage == "applied" or (each.stage == "decided" and each.outcome != "keep"):
            self.tell(line(each))
            places.clear(self.place.candidate)
        if each.stage == "decided":
            self._count(each)

    def _count(self, each: Experiment) -> None:
        """Proposals that cannot be tried cost nothing to make again: slow down, then ask."""
        rule = self.contract.proposer
        if rule.usd and each.cost > rule.usd:
            raise Blocked(f"{each.id} cost ${each.cost:.2f} to propose, more than ${rule.usd:.2f}")
        if each.outcome not in FRUITLESS or rule.kind == "scripted":
            self.fruitless = 0
            return
        self.fruitless += 1
        if self.fruitless >= rule.patience:
            raise Blocked(f"{self.fruitless} proposals in a row could not be tried; the last: {each.reason}")
        self._wait(min(LONGEST_WAIT, rule.backoff * 2 ** (self.fruitless - 1)), f"{each.outcome}: {each.reason}")

    def _end(self) -> str:
        """Why no further experiment begins, or ''."""
        state, stop = self.state, self.contract.stop
        done = [e for e in state.experiments.values() if e.outcome and e.n]
        if state.stop:
            return "stopped by hand"
        if self.contract.proposer.kind == "scripted":
            steps = len(proposers.steps((self.place.root / "script.toml").read_text(encoding="utf-8")))
            if len(done) >= steps:
                return f"all {steps} steps of the script are done"
        if stop.experiments and len(done) >= stop.experiments:
            return f"{len(done)} experiments"
        if stop.hours and self._hours() >= stop.hours:
            return f"{stop.hours:g} hours"
        if stop.usd and sum(e.cost for e in done) >= stop.usd:
            return f"${stop.usd:g} spent"
        since = next((n for n, e in enumerate(reversed(done)) if e.kept), len(done))
        if stop.plateau and since >= stop.plateau:
            return f"{since} experiments without a keep"
        best = state.best(self.contract.better)
        if stop.target is None or best is None or best.value is None:
            return ""
        reached = self.contract.better * (best.value - stop.target) >= 0
        return f"{best.value:.6g} reaches the target {stop.target:g}" if reached else ""

    def _hours(self) -> float:
        """Since the loop was begun; a clock that is set meanwhile does not count."""
        return max(0, self._worked) / 3_600_000 + (time.monotonic() - self._opened) / 3600

    def _asked(self) -> bool:
        """Between two experiments, what a human has asked for: whether there was anything."""
        state, trials = self.state, self.trials
        if state.contract != self._contract:
            self._renew()
        elif state.asked_bad:
            name = state.asked_bad[0]
            trials.take_back(name)
            self.tell(f"{name} taken back: the champion is what it was before")
        elif state.asked_reruns and not state.stop:
            self._rerun(state.asked_reruns[0])
        elif not state.paused and not state.stop and (digest := approval.edited(state)):
            told = f"approve {self.place.name} puts it in force, resume {self.place.name} goes on without it"
            raise Blocked(f"research.toml was edited since it was approved: agentdeck research {told}", digest)
        else:
            return False
        return True

    def _renew(self) -> None:
        """A human has approved another contract; what is measured, and how, is the same in it."""
        self.contract = contracts.read(self.place.contract)[0]
        self._contract = self.state.contract
        self.trials.contract = self.contract
        if isinstance(self.trials.bench, Bench):
            self.trials.bench = replace(self.trials.bench, contract=self.contract)
        self._ready = False
        if self.state.edited:  # it was what the loop waited for
            self.trials.write("resumed")
        self.tell("the new contract is in force")

    def _rerun(self, asked: Entry) -> None:
        self._say("working", f"runs {asked['id']} again", asked["id"], self.contract.budget.seconds)
        bench = self.trials.bench
        assert isinstance(bench, Bench)  # a synthetic one is asked for nothing
        try:
            told = view.rerun(self.place, bench, self.state, asked, self._meanwhile)
        except Halted:
            return
        self.tell(f"{asked['id']} again: {told['value']} after {told['was']}")

    # -- waiting

    def _block(self, why: str, contract: str = "") -> None:
        try:
            self.trials.write("blocked", why=why, **({"contract": contract} if contract else {}))
        except Unwritable as error:
            self._starve(error)
            return
        self._say("blocked", why)
        self.tell(f"blocked: {why}")
        self._ready = False
        self.fruitless = 0
        if not self.patient:
            raise AgentDeckError(f"the loop {self.place.name} is blocked: {why}", self._resume_hint())

    def _resume_hint(self) -> str:
        return f"Mend it, then: agentdeck research resume {self.place.name}"

    def _pause(self) -> None:
        state = "blocked" if self.state.blocked else "paused"
        self._say(state, self.state.paused)
        self._glance()
        time.sleep(LOOK_SECONDS)

    def _wait(self, seconds: float, why: str) -> None:
        self._say("working", f"waits {seconds:.0f} s: {why}")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._meanwhile()
            if self.state.paused or self.state.stop:
                return
            time.sleep(0.05)

    def _meanwhile(self) -> None:
        """Often, while a run or a proposer works."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        self.trials.look()
        self._glance()
        if self.state.stop == "now":
            self.trials.halt()
        self._leave_if_told()

    def _leave_if_told(self) -> None:
        if self._leaving:
            raise Leave(self._leaving)

    # -- saying

    def _glance(self) -> None:
        said = self._said
        if self.glance is None or said is None:
            return
        progress, state = "", "" if said.state == "working" else f"{said.state}: "
        if said.seconds:
            expected = report.run_seconds(self.state) or said.seconds
            progress = f"{report.progress(max(0, now_ms() - said.since) / 1000, expected)}  "
        self.glance(report.glance(self.state), f"{state}{progress}{said.why}")

    def _tell_step(self, each: Experiment) -> None:
        words = {"allocated": "proposing", "proposed": "checking", "decided": "applying"}
        words |= dict.fromkeys(("checked", "running", "measured"), f"run {len(each.runs) + 1}")
        seconds = self.contract.budget.seconds if each.stage in ("checked", "running", "measured") else 0.0
        what = each.hypothesis or ("the code as it is" if each.n == 0 else "")
        self._say("working", f"{each.id} {words[each.stage]}{': ' + what if what else ''}", each.id, seconds)

    def _say(self, state: str, why: str, experiment: str = "", seconds: float = 0.0) -> None:
        now = now_ms()
        said = Said(state, why, os.getpid(), now, experiment, now, seconds)
        if self._said is None or (said.state, said.why) != (self._said.state, self._said.why):
            if self._said is None or said.state != self._said.state:
                self._report(said)
            self._said = said
            places.say(self.place, said)

    def _report(self, said: Said) -> None:
        """To the deck. What it shows as the question of a blocked loop: the reason, and where it is answered."""
        asks = {"tool_name": said.why, "tool_input": {"to go on": ANSWER}} if said.state == "blocked" else {}
        spool.send(_EVENTS[said.state], message=said.why, **asks)


def main(name: str, *, patient: bool = True) -> int:
    """The process of the loop `name`: 0 when it ended by a rule or by hand, 130 when a signal ended it."""
    place = places.find(name)
    screen = Terminal()
    loop = Loop(place, patient=patient, tell=screen.tell, glance=screen.glance)
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, loop.leave)
    if sys.stdout.isatty():
        sys.stdout.write(f"\x1b]2;research {place.name}\a")
    screen.tell(f"{place.name}: {loop.contract.metric.name}, {loop.contract.metric.direction} is better")
    try:
        loop.run()
    except Leave as left:
        screen.tell(f"left ({left}): agentdeck research resume {place.name} goes on")
        return 130
    return 0
