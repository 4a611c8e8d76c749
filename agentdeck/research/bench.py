"""Measures a tree: a fresh checkout, a private home, the stages in a supervisor, and what of it counts.

A run and its score lie in directories of their own. What the score needs, hidden files above all, is laid out only
when nothing of the run lives any more; its checkout holds no file that a proposal could have written, except those
that the contract names as artifacts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from agentdeck.models.experiment import Measurement
from agentdeck.research import guards, places, runner
from agentdeck.research.contract import MB, Contract
from agentdeck.research.guards import Crash
from agentdeck.research.objects import MODULE, Blob, Listing
from agentdeck.research.places import Place
from agentdeck.research.runner import Bounds, Ended, Stage
from agentdeck.research.trees import Subject

Who = Literal["candidate", "champion"]
PASSED = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
PREFLIGHT_SECONDS = 60.0
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
PARTS = ("tree", "home", "hidden")  # of a run, once it is decided: gone


class Halted(Exception):
    """It was told to end before it was done; it can be done anew."""


class Unable(Exception):
    """This machine cannot do what the contract asks for; no experiment's fault."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Measures trees of one loop."""

    place: Place
    subject: Subject
    contract: Contract

    def begin(self, name: str, tree: str, seed: int) -> int:
        """Start a run called `name`: its supervisor's pid."""
        return self._begin(name, self._stage("run", self.contract.run, name, tree, seed))

    def mark(self, name: str) -> str:
        return f"{self.place.root}/{name}"

    def finish(self, name: str, tree: str, who: Who, seed: int, meanwhile: Callable[[], None]) -> Measurement | None:
        """Wait for a run, whoever began it, and score it; None when its supervisor died. Raises Halted, Unable."""
        ended = self._ended(name, meanwhile)
        if ended is None:
            return None
        told = Measurement(who, seed, None, "", ended.seconds, ended.cpu, ended.memory, name)
        try:
            self._judge(name, tree, ended)
            if self.contract.score:
                ended = self._scored(name, tree, seed, "score", meanwhile)
                if ended is None:
                    return None
                self._judge(f"{name}/score", tree, ended)
            value, values = self._value(name, told.memory)
        except Crash as crash:
            return replace(told, reason=str(crash))
        return replace(told, value=value, values=values)

    def audit(self, name: str, tree: str, seed: int, meanwhile: Callable[[], None]) -> float | None:
        """Score what an earlier run made on the hidden split; None when that cannot be done. Raises Halted."""
        if not self.contract.audit or not (self.place.run(name) / "tree").is_dir():
            return None
        ended = self._scored(name, tree, seed, "audit", meanwhile)
        try:
            return None if ended is None or ended.reason else self._metric(f"{name}/audit", "audit")
        except Crash:
            return None

    def preflight(self, tree: str, meanwhile: Callable[[], None]) -> str:
        """Why this machine cannot run experiments now, or ''."""
        if why := places.cramped(self.place.root):
            return f"preflight: {why}"
        if not self.contract.preflight:
            return ""
        self._begin("preflight", self._stage("preflight", self.contract.preflight, "preflight", tree, 0))
        ended = self._ended("preflight", meanwhile)
        why = ended.reason if ended else "its supervisor was killed"
        lines = runner.printed(self.place.run("preflight"), "preflight").strip().splitlines()
        return f"preflight: {why}{': ' + lines[-1] if lines else ''}" if why else ""

    def stop(self, name: str) -> None:
        """Have a run, or the score that is taken of it, ended with all that it started; does not wait."""
        for part in (name, f"{name}/score", f"{name}/audit"):
            runner.stop(self.place.run(part))

    def tidy(self, name: str) -> None:
        """Keep of a run what it printed and how it ended."""
        for part, stage in ((name, "run"), (f"{name}/score", "score"), (f"{name}/audit", "audit")):
            for rest in PARTS:
                places.clear(self.place.run(part) / rest)
            runner.shorten(self.place.run(part), stage)

    # -- one stage, in a place of its own

    def _begin(self, name: str, stage: Stage) -> int:
        return runner.begin(self.place.run(name), [stage], self._bounds(), self.mark(name))

    def _ended(self, name: str, meanwhile: Callable[[], None]) -> Ended | None:
        ended = runner.wait(self.place.run(name), meanwhile)
        runner.sweep(self.mark(name))
        if ended is None and not runner.stopped(self.place.run(name)):
            return None
        if ended is None or ended[0].trouble == "stopped":
            raise Halted
        if ended[0].trouble == "unheld":
            raise Unable(f"{ended[0].reason}; `network = false` needs network namespaces")
        return ended[0]

    def _scored(self, name: str, tree: str, seed: int, split: str, meanwhile: Callable[[], None]) -> Ended | None:
        """Score a finished run, or take up the score that goes on already; None when its supervisor died."""
        part = f"{name}/{split}"
        if not runner.follows(self.place.run(part), self.place.run(name)):
            command = self.contract.audit if split == "audit" else self.contract.score
            self._begin(part, self._stage(split, command, part, tree, seed, self.place.run(name) / "tree"))
        return self._ended(part, meanwhile)

    def _stage(self, name: str, command: str, part: str, tree: str, seed: int, made: Path | None = None) -> Stage:
        """A stage with a checkout of its own; of `made`, what a run has left, it gets the artifacts."""
        home = self.place.run(part)
        places.clear(home)
        for one in ("home/tmp", "home/cache"):
            (home / one).mkdir(parents=True, mode=0o700)
        listing, links = self.subject.listing(tree), self.subject.links(tree)
        self.subject.write(tree, home / "tree", lambda path: self._laid_out(path, scoring=made is not None))
        large = [str(file) for path, file in links.items() if not guards.hidden(self.contract, path)]
        stage = Stage(
            name, command, str(home / "tree"), self._environment(home, seed), self._wall(name), self._cpu(name),
            guard=(*(path for path, blob in listing.items() if self._guarded(path, blob)), *large),
            hide=self._hide(listing), read=tuple(large),
            write=(*(str(home / rest) for rest in PARTS), *self.contract.writable), network=self.contract.network,
        )  # fmt: skip
        if made is None:
            return stage
        globs = self.contract.hidden_audit if name == "audit" else self.contract.hidden
        self.subject.write(tree, home / "hidden", lambda path: guards.matches(path, globs))
        told = {"RESEARCH_HIDDEN": str(home / "hidden"), "RESEARCH_SPLIT": name}
        copies = tuple({"glob": glob, "from": str(made), "to": str(home / "tree")} for glob in self.contract.artifacts)
        seen = (str(file) for path, file in links.items() if guards.matches(path, globs))
        return replace(stage, env={**stage.env, **told}, copies=copies, read=(*large, *seen))

    def _laid_out(self, path: str, *, scoring: bool) -> bool:
        """Whether a checkout holds this file: in that of a score nothing stands that a proposal could have written."""
        return not guards.hidden(self.contract, path) and (not scoring or guards.protected(self.contract, path))

    def _guarded(self, path: str, blob: Blob) -> bool:
        """Whether a run may not touch this file: it is protected, or the score takes it over."""
        taken = guards.protected(self.contract, path) or guards.matches(path, self.contract.artifacts)
        return (taken or bool(blob.source)) and blob.mode != MODULE and not guards.hidden(self.contract, path)

    def _hide(self, listing: Listing) -> tuple[str, ...]:
        """Where hidden files can be found: the loops' own directory, the objects, every working tree."""
        found = [path for path in listing if guards.hidden(self.contract, path)]
        return (str(self.place.root.parent), *self.subject.copies(found)) if found else ()

    def _wall(self, name: str) -> float:
        known = {"run": self.contract.budget.limit, "preflight": PREFLIGHT_SECONDS}
        return known.get(name, self.contract.budget.score_seconds)

    def _cpu(self, name: str) -> float:
        budget = self.contract.budget
        return budget.seconds * budget.tolerance + 2 if name == "run" and budget.clock == "cpu" else 0.0

    def _environment(self, home: Path, seed: int) -> dict[str, str]:
        """Nothing of the human's but what the contract names."""
        env = {name: os.environ[name] for name in (*PASSED, *self.contract.env) if name in os.environ}
        private = {
            "HOME": str(home / "home"), "TMPDIR": str(home / "home/tmp"), "XDG_CACHE_HOME": str(home / "home/cache"),
            "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "RESEARCH_SEED": str(seed),
            "RESEARCH_BUDGET": f"{self.contract.budget.seconds:g}",
        }  # fmt: skip
        if self.contract.budget.clock == "cpu":
            private |= dict.fromkeys(ONE_THREAD, "1")
        if self.contract.device:
            private["CUDA_VISIBLE_DEVICES"] = self.contract.device
        return env | private

    def _bounds(self) -> Bounds:
        limits = self.contract.limits
        return Bounds(int(limits.memory_mb * MB), int(limits.disk_mb * MB), int(limits.log_mb * MB), limits.processes)

    # -- what of it counts

    def _judge(self, part: str, tree: str, ended: Ended) -> None:
        """Crash when a stage took too much, ended badly, or touched what it may not."""
        why = guards.overrun(self.contract, ended.seconds, ended.cpu) if ended.name == "run" else ""
        why = why or ended.reason or self._touched(part, tree, ended)
        if why:
            raise Crash(why)

    def _touched(self, part: str, tree: str, ended: Ended) -> str:
        guarded = {
            path: blob for path, blob in self.subject.listing(tree).items()
            if self._guarded(path, blob) and self._laid_out(path, scoring=ended.name != "run")
        }  # fmt: skip
        now = self.subject.look(self.place.run(part) / "tree", tree, guarded)
        path = next((path for path, blob in guarded.items() if now.get(path) != blob), "")
        if path:
            return f"the {ended.name} changed {path}"
        return f"the {ended.name} changed {ended.changed} and put it back" if ended.changed else ""

    def _metric(self, part: str, stage: str) -> float:
        return guards.metric(self.contract.metric, self._printed(part, stage))

    def _printed(self, part: str, stage: str) -> str:
        """All of it: a number that was printed twice is none."""
        return runner.printed(self.place.run(part), stage, 2 * self._bounds().log)

    def _value(self, name: str, memory: int) -> tuple[float, tuple[tuple[str, float], ...]]:
        """The metric and the constraints' numbers; Crash when they do not count."""
        part, stage = (f"{name}/score", "score") if self.contract.score else (name, "run")
        printed = self._printed(part, stage)
        value = guards.metric(self.contract.metric, printed)
        found: Mapping[str, float] = {
            rule.name: memory / MB if rule.name == "memory_mb" else guards.by_regex(rule.name, rule.regex, printed)
            for rule in self.contract.constraints
        }
        return value, tuple(sorted(found.items()))
