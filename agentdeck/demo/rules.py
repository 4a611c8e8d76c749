"""A scenario: which steps answer a prompt that carries no script of its own.

As JSON: {"rules": [{"match": REGEX, "steps": [...], "loop": [...]}], "default": [...], "wait": 0, "slow": 0}.
A step is a string of directives (see script.py) or an object with the fields of
script.Step, its calls as lists: {"say": "Looking.", "calls": [["bash", "ls"], ["write", "a.txt", "hi"]]}.
The steps of `loop` follow those of `steps` and repeat without end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from string import Template
from typing import Any

from agentdeck.demo.script import CALLS, DONE, Call, Fail, Step, closed, parse
from agentdeck.errors import UsageError

PLAIN = Step(say="I am a scripted model. I found no script in: $prompt")


@dataclass(frozen=True, slots=True)
class Rule:
    """Steps for every prompt in which the regular expression `match` is found, case ignored.

    In all texts of a step `$round` is the pass through `loop` (1, 2, …) and `$prompt`
    the beginning of the prompt; other `$` stay as they are.
    """

    match: str
    steps: tuple[Step, ...] = ()
    loop: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """`wait` and `slow` are seconds, used by every step that names none of its own."""

    rules: tuple[Rule, ...] = ()
    default: tuple[Step, ...] = (PLAIN,)
    wait: float = 0.0
    slow: float = 0.0

    def step(self, prompt: str, taken: int) -> Step:
        """The answer to `prompt` after `taken` responses to it; the same question gives the same answer."""
        written = parse(prompt)
        rule = Rule("", written) if written else self._rule(prompt)
        chosen = _pick(rule, taken, prompt)
        return replace(
            chosen,
            wait=self.wait if chosen.wait is None else chosen.wait,
            slow=self.slow if chosen.slow is None else chosen.slow,
        )

    def _rule(self, prompt: str) -> Rule:
        for rule in self.rules:
            if re.search(rule.match, prompt, re.IGNORECASE | re.DOTALL):
                return rule
        return Rule("", self.default)


def _pick(rule: Rule, taken: int, prompt: str) -> Step:
    steps = rule.steps if rule.loop else closed(rule.steps)
    if taken < len(steps):
        return _filled(steps[taken], 1, prompt)
    if not rule.loop:
        return DONE
    passes, position = divmod(taken - len(steps), len(rule.loop))
    return _filled(rule.loop[position], passes + 1, prompt)


def _filled(step: Step, number: int, prompt: str) -> Step:
    values = {"round": str(number), "prompt": " ".join(prompt.split())[:160]}

    def fill(text: str) -> str:
        return Template(text).safe_substitute(values) if "$round" in text or "$prompt" in text else text

    calls = tuple(Call(call.verb, tuple(fill(part) for part in call.args)) for call in step.calls)
    return replace(step, say=fill(step.say), think=fill(step.think), calls=calls)


def load(path: Path) -> Scenario:
    """The scenario in a JSON file; UsageError says what is wrong with it."""
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, re.error, UsageError) as error:
        raise UsageError(f"{path} is not a scenario: {error}", "agentdeck/demo/rules.py shows the form.") from error


def from_json(data: Mapping[str, Any]) -> Scenario:
    """`data` as the module's heading describes it; ValueError for an unknown key."""
    _known(data, {"rules", "default", "wait", "slow"}, "scenario")
    default = _steps(data["default"]) if "default" in data else (PLAIN,)
    rules = tuple(_rule(rule) for rule in data.get("rules", ()))
    return Scenario(rules, default, float(data.get("wait", 0)), float(data.get("slow", 0)))


def _rule(data: Mapping[str, Any]) -> Rule:
    _known(data, {"match", "steps", "loop"}, "rule")
    re.compile(data["match"])
    return Rule(data["match"], _steps(data.get("steps", ())), _steps(data.get("loop", ())))


def _steps(items: Any) -> tuple[Step, ...]:
    """Steps from JSON. One string may hold several steps, without the closing text that parse() would add."""
    found: list[Step] = []
    for item in items:
        if isinstance(item, str):
            written = parse(item)
            found += written[:-1] if written and written[-1] is DONE else written
        else:
            found.append(_step(item))
    return tuple(found)


def _step(data: Mapping[str, Any]) -> Step:
    _known(data, {item.name for item in fields(Step)}, "step")
    given = dict(data)
    given["calls"] = tuple(_call(call) for call in data.get("calls", ()))
    if "fail" in data:
        fail = data["fail"]
        given["fail"] = Fail(**fail) if isinstance(fail, Mapping) else Fail(int(fail))
    return Step(**given)


def _call(parts: list[Any]) -> Call:
    verb, *args = parts
    if verb not in CALLS:
        raise ValueError(f"unknown call {verb!r}, known: {', '.join(CALLS)}")
    return Call(verb, tuple(arg if isinstance(arg, str) else json.dumps(arg) for arg in args))


def _known(data: Mapping[str, Any], keys: set[str], what: str) -> None:
    for key in data:
        if key not in keys:
            raise ValueError(f"unknown key {key!r} in a {what}, known: {', '.join(sorted(keys))}")
