"""Measures a tree: a fresh checkout, a private home, the stages in a supervisor, and what of it counts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentdeck.models.experiment import Measurement
from agentdeck.research import guards, places, runner, trees
from agentdeck.research.contract import MB, Contract
from agentdeck.research.guards import Crash
from agentdeck.research.places import Place
from agentdeck.research.runner import Bounds, Ended, Stage
from agentdeck.research.trees import Subject

Who = Literal["candidate", "champion"]
PASSED = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
PREFLIGHT_SECONDS = 60.0
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True, slots=True)
class Bench:
    """Measures trees of one loop; `baseline` is what the constraints are compared with."""

    place: Place
    subject: Subject
    contract: Contract

    def begin(self, name: str, tree: str, seed: int) -> int:
        """Start a run called `name`: its supervisor's pid."""
        home = self.place.run(name)
        places.clear(home)
        home.mkdir(parents=True, mode=0o700)
        stages = [self._stage("run", self.contract.run, home, tree, seed, "")]
        if self.contract.score:
            stages.append(self._stage("score", self.contract.score, home, tree, seed, "score"))
        return runner.begin(home, stages, self._bounds(), self.mark(name))

    def mark(self, name: str) -> str:
        return f"{self.place.root}/{name}"

    def finish(self, name: str, tree: str, who: Who, seed: int, meanwhile: Callable[[], None]) -> Measurement | None:
        """Wait for a run, whoever began it; None when it did not come to its end."""
        home = self.place.run(name)
        ended = runner.wait(home, meanwhile)
        runner.sweep(self.mark(name))
        if ended is None or any(stage.trouble == "stopped" for stage in ended):
            return None
        wall, cpu, memory = (ended[0].seconds, ended[0].cpu, ended[0].memory)
        try:
            value, values = self._value(home, tree, ended)
        except Crash as crash:
            return Measurement(who, seed, None, str(crash), wall, cpu, memory, name)
        return Measurement(who, seed, value, "", wall, cpu, memory, name, values)

    def audit(self, name: str, tree: str, seed: int, meanwhile: Callable[[], None]) -> float | None:
        """Score what an earlier run made on the hidden split; None when that cannot be done."""
        made, home = self.place.run(name) / "tree", self.place.run(f"{name}.audit")
        if not self.contract.audit or not made.is_dir():
            return None
        places.clear(home)
        home.mkdir(parents=True, mode=0o700)
        stage = self._stage("score", self.contract.audit, home, tree, seed, "audit", made)
        runner.begin(home, [stage], self._bounds(), self.mark(f"{name}.audit"))
        ended = runner.wait(home, meanwhile)
        try:
            if not ended or ended[0].reason:
                return None
            return guards.metric(self.contract.metric, runner.printed(home, "score"))
        except Crash:
            return None

    def preflight(self, tree: str, meanwhile: Callable[[], None]) -> str:
        """Why this machine cannot run experiments now, or ''."""
        if not self.contract.preflight:
            return ""
        home = self.place.run("preflight")
        places.clear(home)
        home.mkdir(parents=True, mode=0o700)
        stage = self._stage("preflight", self.contract.preflight, home, tree, 0, "")
        runner.begin(home, [stage], self._bounds(), self.mark("preflight"))
        ended = runner.wait(home, meanwhile)
        why = ended[0].reason if ended else "its supervisor was killed"
        lines = runner.printed(home, "preflight").strip().splitlines()
        return f"preflight: {why}{': ' + lines[-1] if lines else ''}" if why else ""

    def tidy(self, name: str) -> None:
        """Keep of a run what it printed and how it ended."""
        for part in ("tree", "score", "home", "hidden"):
            places.clear(self.place.run(name) / part)
            places.clear(self.place.run(f"{name}.audit") / part)

    # -- one run

    def _stage(
        self, name: str, command: str, home: Path, tree: str, seed: int, split: str, made: Path | None = None
    ) -> Stage:
        """A stage with a checkout of its own. `split`: which hidden files it may see; '' none."""
        listing = self.subject.listing(tree)
        contents = self.subject.contents(listing)
        directory = home / ("score" if split else "tree")
        trees.write(contents, listing, directory, lambda path: not guards.hidden(self.contract, path))
        env = self._environment(home, seed, split)
        budget = self.contract.budget
        if not split:
            cpu = budget.seconds * budget.tolerance + 2 if budget.clock == "cpu" else 0.0
            wall = PREFLIGHT_SECONDS if name == "preflight" else budget.limit
            return Stage(name, command, str(directory), env, wall, cpu)
        globs = self.contract.hidden_audit if split == "audit" else self.contract.hidden
        trees.write(contents, listing, home / "hidden", lambda path: guards.matches(path, globs))
        source = str(made or home / "tree")
        copies = tuple({"glob": glob, "from": source, "to": str(directory)} for glob in self.contract.artifacts)
        return Stage(name, command, str(directory), env, budget.score_seconds, copies=copies)

    def _environment(self, home: Path, seed: int, split: str) -> dict[str, str]:
        """Nothing of the human's but what the contract names."""
        env = {name: os.environ[name] for name in (*PASSED, *self.contract.env) if name in os.environ}
        for name in ("home", "home/tmp", "home/cache"):
            (home / name).mkdir(exist_ok=True)
        private = {
            "HOME": str(home / "home"), "TMPDIR": str(home / "home/tmp"), "XDG_CACHE_HOME": str(home / "home/cache"),
            "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "RESEARCH_SEED": str(seed),
            "RESEARCH_BUDGET": f"{self.contract.budget.seconds:g}", "RESEARCH_SPLIT": split,
        }  # fmt: skip
        if split:
            private["RESEARCH_HIDDEN"] = str(home / "hidden")
        if self.contract.budget.clock == "cpu":
            private |= dict.fromkeys(ONE_THREAD, "1")
        if self.contract.device:
            private["CUDA_VISIBLE_DEVICES"] = self.contract.device
        return env | private

    def _bounds(self) -> Bounds:
        limits = self.contract.limits
        return Bounds(int(limits.memory_mb * MB), int(limits.disk_mb * MB), int(limits.log_mb * MB), limits.processes)

    def _value(self, home: Path, tree: str, ended: list[Ended]) -> tuple[float, tuple[tuple[str, float], ...]]:
        """The metric and the constraints' numbers; Crash when they do not count."""
        over = guards.overrun(self.contract, ended[0].seconds, ended[0].cpu)
        why = over or next((stage.reason for stage in ended if stage.reason), "")
        why = why or self._tampered(home, tree)
        if why:
            raise Crash(why)
        printed = runner.printed(home, ended[-1].name)
        value = guards.metric(self.contract.metric, printed)
        return value, self._others(printed, ended[0].memory)

    def _others(self, printed: str, memory: int) -> tuple[tuple[str, float], ...]:
        found: Mapping[str, float] = {
            rule.name: memory / MB if rule.name == "memory_mb" else guards.by_regex(rule.name, rule.regex, printed)
            for rule in self.contract.constraints
        }
        return tuple(sorted(found.items()))

    def _tampered(self, home: Path, tree: str) -> str:
        listing = self.subject.listing(tree)
        for name in ("tree", "score"):
            if (home / name).is_dir():
                path = guards.tampered(self.contract, listing, trees.look(home / name, listing, len(tree)))
                if path:
                    return f"the run changed {path}"
        return ""
