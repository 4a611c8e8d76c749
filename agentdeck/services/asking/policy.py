"""Which permission requests the human's own policy file answers: deny wins, then allow, and the rest is asked.

A pattern is the whole argument (a command, a path, or the whole input as `key: value` lines); only `*` and `**` in it
are special. `**` is any text. `*` is any text that cannot turn one command or path into another: in a rule that allows
it holds no shell operator, no line break and no `..`. A rule that denies looks at every command of a compound one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal

from agentdeck import config
from agentdeck.models.agent import Agent
from agentdeck.models.status import Ask

Answer = Literal["allow", "deny"]
WRAPS_FROM = 16
_ACTIVE = r";&|<>`$(){}\\\n\r"
_OPERATORS = re.compile(rf"[{_ACTIVE}]+")
_FRAME = re.compile(r"[\s│┃╭╮╰╯─━▌▎]+")


@dataclass(frozen=True, slots=True)
class Rule:
    """`tool` is the exact name in the client's question. `harness` and `repo` narrow it; '' is every one."""

    __pydantic_config__: ClassVar[dict[str, str]] = config.STRICT

    decision: Answer
    tool: str
    argument: str
    harness: str = ""
    repo: str = ""

    def __post_init__(self) -> None:
        if not self.tool.strip() or not self.argument.strip():
            raise ValueError("tool and argument must name something; argument = '**' is any")


@dataclass(frozen=True, slots=True)
class Policy:
    __pydantic_config__: ClassVar[dict[str, str]] = config.STRICT

    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asks leave for. `argument` is the command, path or address, else the whole input."""

    tool: str
    argument: str
    harness: str = ""
    repo: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """`number` counts the rules of the file from 1."""

    answer: Answer
    number: int
    rule: Rule


def load(file: Path) -> Policy:
    """The rules in `file`; none when there is no such file, a UsageError with the line for a malformed one."""
    try:
        stamp = file.stat()
    except FileNotFoundError:
        return Policy()
    return _load(file, stamp.st_mtime_ns, stamp.st_size)


@cache
def _load(file: Path, _mtime: int, _size: int) -> Policy:
    table, text = config.read(file)
    return config.checked(Policy, table, str(file), text)


def wanted(agent: Agent, ask: Ask | None) -> Wanted | None:
    """What is asked, when the client itself told tool and input; what was only read off a screen is for a human."""
    if ask is None or ask.kind != "permission" or not ask.tool:
        return None
    head = f"{ask.tool}: "
    argument = ask.text.removeprefix(head) if ask.text.startswith(head) else ask.detail
    return Wanted(ask.tool, argument.strip(), agent.harness, agent.repo)


def decide(policy: Policy, request: Wanted) -> Decision | None:
    """The first rule that denies, else the first that allows, else None: ask the human."""
    for answer in ("deny", "allow"):
        for number, rule in enumerate(policy.rules, 1):
            if rule.decision == answer and _applies(rule, request):
                return Decision(rule.decision, number, rule)
    return None


def _applies(rule: Rule, request: Wanted) -> bool:
    if rule.tool != request.tool or rule.harness not in ("", request.harness):
        return False
    if rule.repo and Path(rule.repo).expanduser() != Path(request.repo):
        return False
    pattern = _pattern(rule.argument, wide=rule.decision == "deny")
    if pattern.fullmatch(request.argument):
        return True
    return rule.decision == "deny" and any(
        pattern.fullmatch(part.strip()) for part in _OPERATORS.split(request.argument)
    )


@cache
def _pattern(text: str, *, wide: bool) -> re.Pattern[str]:
    narrow = rf"(?:(?!\.\.)[^{_ACTIVE}])*"
    parts = re.split(r"(\*+)", text)
    return re.compile(
        "".join(
            re.escape(part) if not part.startswith("*") else "[\\s\\S]*" if wide or len(part) > 1 else narrow
            for part in parts
        )
    )


def stands(request: Wanted, rows: Sequence[str]) -> bool:
    """Whether the question on the screen is this one: a second request may have come meanwhile. It shows the whole
    argument, wrapped as it may be, or of a path its last part."""
    argument = request.argument
    path = argument.startswith("/") and "\n" not in argument
    return _shows(rows, argument) or (path and _shows(rows, Path(argument).name))


def _shows(rows: Sequence[str], text: str) -> bool:
    if len(text) < WRAPS_FROM:  # a short one could stand within other words, and is not wrapped
        return bool(text) and any(re.search(rf"(?<![\w/.-]){re.escape(text)}(?![\w/-])", row) for row in rows)
    return _FRAME.sub("", text) in _FRAME.sub("", "".join(rows))
