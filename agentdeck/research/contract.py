"""research.toml: what a human allows a loop to do, and how it is measured.

Plain dataclasses, as in config.py: pydantic checks a file when one is read. Globs are of paths relative to the
directory of the file, `*` and `?` within one name, `**` any number of directories.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from agentdeck import config
from agentdeck.config import STRICT
from agentdeck.errors import UsageError

FILE = "research.toml"
MB = 1 << 20
ALWAYS_PROTECTED = (FILE, ".git*", "**/.git*")
"""Attributes, modules and ignore lists change what git does; they are nobody's to edit, whatever the globs say."""


def _positive(what: str, *values: float) -> None:
    for value in values:
        if not 0 < value < 1e9:
            raise ValueError(f"{what} must be above 0, not {value:g}")


@dataclass(frozen=True, slots=True)
class Metric:
    """One number in what the scoring command (without one: the run) printed.

    `regex` must match exactly once, its first group is the number; or `json` is a dotted path in a JSON document that
    is the last line. A value outside `low` .. `high` is a crash.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    name: str = "score"
    regex: str = ""
    json: str = ""
    direction: Literal["lower", "higher"] = "lower"
    low: float = -1e12
    high: float = 1e12

    def __post_init__(self) -> None:
        if bool(self.regex) == bool(self.json):
            raise ValueError("give one of regex and json")
        if self.low >= self.high:
            raise ValueError("low must be below high")
        try:
            groups = re.compile(self.regex).groups
        except re.error as error:
            raise ValueError(f"regex: {error}") from error
        if self.regex and groups != 1:
            raise ValueError("regex needs exactly one group, the number")


@dataclass(frozen=True, slots=True)
class Budget:
    """What one run may use: `seconds` by the `clock` (the run sees it as RESEARCH_BUDGET).

    `wall`, `cpu` (all its processes together) or `steps`, where the run counts for itself and `seconds` is only
    an estimate. Past `tolerance` times the budget the result does not count; at `hard` wall seconds (0: twice
    the budget and ten seconds) all of it is ended.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    seconds: float
    clock: Literal["wall", "cpu", "steps"] = "wall"
    hard: float = 0.0
    tolerance: float = 1.5
    score_seconds: float = 60.0

    def __post_init__(self) -> None:
        _positive("seconds", self.seconds, self.tolerance, self.score_seconds)
        if self.hard and self.hard < self.seconds:
            raise ValueError("hard must not be below seconds")

    @property
    def limit(self) -> float:
        return self.hard or 2 * self.seconds + 10


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one run: address space of a process, size of one file and of all it writes, of its log; in megabytes."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    memory_mb: float = 8192
    disk_mb: float = 1024
    log_mb: float = 16
    processes: int = 64

    def __post_init__(self) -> None:
        _positive("a limit", self.memory_mb, self.disk_mb, self.log_mb, self.processes)


@dataclass(frozen=True, slots=True)
class Constraint:
    """Another number that must stay in range: of the score's output (`regex`), or `memory_mb` of the run."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    name: str
    regex: str = ""
    low: float = -1e300
    high: float = 1e300
    times_baseline: float = 0.0  # at most so many times what the baseline had

    def __post_init__(self) -> None:
        if self.name != "memory_mb" and not self.regex:
            raise ValueError(f"{self.name} needs a regex; only memory_mb is measured by itself")


@dataclass(frozen=True, slots=True)
class Noise:
    """How a difference is told from luck.

    `fast`: one run decides; keeps are provisional. `confirm`: candidate and champion are run in pairs, with
    the same new seed each, until the mean difference is `z` standard errors, or `pairs` are done. `repeats` runs of
    the baseline are the first estimate of the noise.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    policy: Literal["fast", "confirm"] = "confirm"
    repeats: int = 4
    pairs: int = 5
    z: float = 3.0

    def __post_init__(self) -> None:
        if not 1 <= self.repeats <= 100 or not 2 <= self.pairs <= 100:
            raise ValueError("repeats must be 1 to 100, pairs 2 to 100")
        if self.policy == "confirm" and self.repeats < 2:
            raise ValueError("confirm needs at least 2 repeats of the baseline")
        _positive("z", self.z)


@dataclass(frozen=True, slots=True)
class Proposer:
    """Who proposes: `random`, `scripted` (`script`, a TOML file of patches), a `harness` headless, or a `command`."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    kind: Literal["random", "scripted", "harness", "command"] = "random"
    script: str = ""
    harness: str = ""
    model: str = ""
    command: str = ""
    seconds: float = 900.0
    usd: float = 0.0  # a proposal that costs more pauses the loop
    patience: int = 8  # so many proposals in a row that cannot be measured pause it too
    backoff: float = 2.0  # seconds to wait after the first of them, doubled after each further one, 300 at most

    def __post_init__(self) -> None:
        needs = {"scripted": self.script, "harness": self.harness, "command": self.command}
        if not needs.get(self.kind, "-"):
            raise ValueError(f"a {self.kind} proposer needs {'script' if self.kind == 'scripted' else self.kind}")
        _positive("seconds", self.seconds)
        _positive("patience", self.patience)


@dataclass(frozen=True, slots=True)
class Stop:
    """When the loop ends by itself; 0 is never. `plateau`: so many measured experiments without a keep."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    experiments: int = 0
    hours: float = 0.0
    usd: float = 0.0
    plateau: int = 0
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """The whole file. `run`, `score`, `audit` and `preflight` are the human's own shell text, run by `sh -c`.

    `score` measures in a fresh checkout of what is not editable, into which only `artifacts` of the run are copied;
    files that match `hidden` are in no checkout and in no proposer's sight: `score` finds those it is given in the
    directory RESEARCH_HIDDEN. `audit` is `score` for a split that is looked at when something is kept, and shown to no
    proposer. A run writes only into its own checkout, HOME and TMPDIR, and below `writable`, where the kernel can hold
    it to that; without `network` it runs nowhere else than where it can be cut off.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = STRICT

    run: str
    editable: tuple[str, ...]
    metric: Metric
    budget: Budget
    goal: str = "program.md"
    score: str = ""
    audit: str = ""
    preflight: str = ""
    artifacts: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    hidden_audit: tuple[str, ...] = ()
    forbid: tuple[str, ...] = (r"(?i)\bseed\b|RESEARCH_SEED|manual_seed|random_state",)
    env: tuple[str, ...] = ()  # variables of the human's environment that a run may see
    writable: tuple[str, ...] = ()  # absolute directories outside its own that a run may write into
    network: bool = True
    device: str = ""  # CUDA_VISIBLE_DEVICES of a run
    limits: Limits = Limits()
    constraints: tuple[Constraint, ...] = ()
    noise: Noise = Noise()
    proposer: Proposer = Proposer()
    stop: Stop = Stop()
    seeds: tuple[int, ...] = field(default=())  # the first seeds; then they are counted on

    def __post_init__(self) -> None:
        if not self.run.strip():
            raise ValueError("run is empty")
        if not self.editable:
            raise ValueError("editable is empty: nothing could be proposed")
        if (self.artifacts or self.audit or self.hidden) and not self.score:
            raise ValueError("artifacts, hidden and audit need a score command")
        for directory in self.writable:
            if not directory.startswith("/") or directory == "/":
                raise ValueError(f"writable: {directory} is no absolute directory")
        for pattern in self.forbid:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"forbid: {error}") from error

    @property
    def better(self) -> int:
        """The sign of a difference that is an improvement."""
        return -1 if self.metric.direction == "lower" else 1

    def seed(self, n: int) -> int:
        """The n-th seed of this loop, from 0."""
        return self.seeds[n] if n < len(self.seeds) else (self.seeds[-1] if self.seeds else 42) + n - len(self.seeds)


def read(file: Path) -> tuple[Contract, str]:
    """A contract and the digest by which its human approved it; UsageError with file, line and key otherwise."""
    if not file.is_file():
        raise UsageError(f"there is no {file}", f"Write one: agentdeck research init {file.parent}")
    table, text = config.read(file)
    found = config.checked(Contract, table, str(file), text)
    return found, digest(text)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
