"""What a proposal may not do, found before it runs; and what a run's result must be, to count. All pure."""

from __future__ import annotations

import difflib
import functools
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from agentdeck.research.contract import ALWAYS_PROTECTED, Constraint, Contract, Metric
from agentdeck.research.objects import EXECUTABLE, FILE, LINK, MODULE, Blob, Listing

LARGEST = 2_000_000  # bytes of an edited file
CPU_GRACE, WALL_GRACE = 0.5, 5.0  # seconds on top of the tolerated budget: start of the interpreter, a busy machine


@functools.cache
def _regex(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(known.get(part, re.escape(part)) for part in parts))


def matches(path: str, globs: Iterable[str]) -> bool:
    return any(_regex(glob).fullmatch(path) for glob in globs)


def hidden(contract: Contract, path: str) -> bool:
    """Whether neither a proposer nor a run may see this file."""
    return matches(path, (*contract.hidden, *contract.hidden_audit))


def protected(contract: Contract, path: str) -> bool:
    """Whether it must stay as it is: named so, or not named editable."""
    named = (*ALWAYS_PROTECTED, contract.goal, *contract.protected, *contract.hidden, *contract.hidden_audit)
    return matches(path, named) or not matches(path, contract.editable)


def changes(before: Listing, after: Listing) -> dict[str, Blob | None]:
    """Files that differ; None for one that is gone. A submodule itself is no file."""
    paths = {path for path, blob in before.items() if blob.mode != MODULE} | {*after}
    return {path: after.get(path) for path in sorted(paths) if before.get(path) != after.get(path)}


def refusal(contract: Contract, before: Listing, changed: Mapping[str, Blob | None]) -> str:
    """Why these changes may not be run, or ''."""
    modules = [path for path, blob in before.items() if blob.mode == MODULE]
    for path, blob in changed.items():
        if inside := next((name for name in modules if f"{path}/".startswith(f"{name}/")), ""):
            return f"{path} is in the submodule {inside}"
        if protected(contract, path):
            return f"{path} is not editable"
        if blob is None:
            continue
        if blob.mode == LINK:
            return f"{path} is a symbolic link"
        if blob.mode not in (FILE, EXECUTABLE):
            return f"{path} is no ordinary file"
        old = before.get(path)
        if blob.mode != (old.mode if old else FILE):
            return f"{path} changed its mode to {blob.mode}"
    return ""


def forbidden(contract: Contract, before: bytes, after: bytes, path: str) -> str:
    """Why a changed line may not change (the seed is the harness's), or ''."""
    if len(after) > LARGEST:
        return f"{path} has {len(after)} bytes"
    if b"\0" in after:
        return f"{path} is not text"
    old, new = (data.decode(errors="replace").splitlines() for data in (before, after))
    for line in difflib.ndiff(old, new) if len(old) + len(new) < 400 else _coarse(old, new):
        if line[:2] in ("+ ", "- "):
            for pattern in contract.forbid:
                if found := re.search(pattern, line[2:]):
                    return f"{path} changes a line with '{found[0]}', which is not the proposer's to change"
    return ""


def _coarse(old: list[str], new: list[str]) -> Iterable[str]:
    """The same marks, for files on which ndiff would take seconds."""
    lines = difflib.unified_diff(old, new, n=0, lineterm="")
    return (f"{line[0]} {line[1:]}" for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))


class Crash(Exception):
    """A run that does not count, and why."""


def metric(rule: Metric, printed: str) -> float:
    """The one number; Crash when it is missing, there twice, not finite or out of range."""
    found = by_json(rule.json, printed) if rule.json else by_regex(rule.name, rule.regex, printed)
    if not math.isfinite(found):
        raise Crash(f"{rule.name} is {found}")
    if not rule.low <= found <= rule.high:
        raise Crash(f"{rule.name} {found:g} is out of range ({rule.low:g} to {rule.high:g})")
    return found


def by_regex(name: str, regex: str, printed: str) -> float:
    found = re.findall(regex, lines(printed), re.MULTILINE)
    if not found:
        raise Crash(f"no {name} was printed")
    if len(found) > 1:
        raise Crash(f"{name} was printed {len(found)} times")
    return _number(name, found[0])


def lines(printed: str) -> str:
    """A line that was written anew with a carriage return is one of its own."""
    return printed.replace("\r\n", "\n").replace("\r", "\n")


def by_json(path: str, printed: str) -> float:
    found = [line for line in lines(printed).split("\n") if line.strip()]
    try:
        value: Any = json.loads(found[-1])
        for key in path.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Crash(f"the last line is no JSON with {path}") from error
    return _number(path, value)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Crash(f"{name} is no number")
    try:
        return float(value)
    except ValueError as error:
        raise Crash(f"{name} is no number: {value}") from error


def overrun(contract: Contract, wall: float, cpu: float) -> str:
    """Why a run took more than it was given, or ''. Counting the processor time of all its processes."""
    allowed = contract.budget.seconds * contract.budget.tolerance
    if contract.budget.clock == "cpu" and cpu > allowed + CPU_GRACE:
        return f"used {cpu:.1f} s of processor time, {contract.budget.seconds:g} were given"
    if contract.budget.clock == "wall" and wall > allowed + WALL_GRACE:
        return f"took {wall:.1f} s, {contract.budget.seconds:g} were given"
    return ""


def constraint(rule: Constraint, value: float, baseline: float | None) -> str:
    """Why a second number is not good enough, or ''."""
    if not rule.low <= value <= rule.high:
        return f"{rule.name} {value:g} is out of range"
    if rule.times_baseline and baseline and value > rule.times_baseline * baseline:
        return f"{rule.name} {value:g} is more than {rule.times_baseline:g} times the baseline's {baseline:g}"
    return ""
