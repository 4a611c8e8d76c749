"""Who edits the candidate: a list of patches, chance, or any program that reads a prompt. One call, one experiment."""

from __future__ import annotations

import json
import random
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.research import guards
from agentdeck.research.contract import Contract, Proposer


@dataclass(frozen=True, slots=True)
class Proposal:
    """One line of what is expected and why; `cost` in dollars, `tokens` of all classes."""

    hypothesis: str
    cost: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """What a program printed; `session` is its client's conversation, `dollars` None when it tells no price."""

    hypothesis: str
    session: str = ""
    dollars: float | None = None


class Unusable(Exception):
    """The proposer gave nothing that could be tried, and why; it may have cost something all the same."""

    def __init__(self, why: str, cost: float = 0.0, tokens: int = 0) -> None:
        super().__init__(why)
        self.cost, self.tokens = cost, tokens


# -- scripted


def steps(script: str) -> list[dict[str, Any]]:
    """The steps of a script; UsageError when it cannot be read."""
    try:
        return list(tomllib.loads(script).get("step", []))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the script is not valid TOML: {error}", "Mend that line, and start anew.") from error


def scripted(script: str, index: int, candidate: Path) -> Proposal:
    """Apply the `index`-th step of a script: each edit replaces `old` (or what matches `regex`), found exactly once."""
    step = steps(script)[index]
    for edit in step.get("edit", []):
        file = candidate / edit["file"]
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        pattern = edit["regex"] if "regex" in edit else re.escape(edit["old"])
        if len(re.findall(pattern, text, re.MULTILINE)) != 1:
            raise Unusable(f"'{step['hypothesis']}' does not apply to this champion")
        new = edit["new"]
        file.write_text(re.sub(pattern, lambda _, new=new: new, text, flags=re.MULTILINE), encoding="utf-8")
    return Proposal(step["hypothesis"])


# -- random

_NUMBER = re.compile(
    r"(?P<name>\b[A-Za-z_]\w*)(?P<is>\s*(?::\s*\w+\s*)?=\s*)(?P<number>-?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?)(?![\w.])"
)
FACTORS = (0.25, 0.5, 0.75, 0.9, 1.1, 1.5, 2.0, 4.0)


def chance(contract: Contract, candidate: Path, seed: str) -> Proposal:
    """Change one numeric constant (`NAME = number`) of the editable files by a factor: the null baseline."""
    dice = random.Random(seed)
    found = []
    for file in sorted(candidate.rglob("*")):
        path = file.relative_to(candidate).as_posix()
        if file.is_file() and not file.is_symlink() and not guards.protected(contract, path):
            text = file.read_text(encoding="utf-8", errors="replace")
            found += [(file, text, match) for match in _NUMBER.finditer(text) if _free(contract, text, match)]
    if not found:
        raise Unusable("no file that is editable holds a line such as NAME = 1.5")
    file, text, match = dice.choice(found)
    new = _mutated(match["number"], dice)
    file.write_text(text[: match.start("number")] + new + text[match.end("number") :], encoding="utf-8")
    return Proposal(f"{match['name']} from {match['number']} to {new}")


def _free(contract: Contract, text: str, match: re.Match[str]) -> bool:
    """Whether the line may be changed at all."""
    start, end = text.rfind("\n", 0, match.start()) + 1, text.find("\n", match.end())
    line = text[start : end if end >= 0 else None]
    return not any(re.search(pattern, line) for pattern in contract.forbid) and not line.lstrip().startswith("#")


def _mutated(number: str, dice: random.Random) -> str:
    value = float(number)
    factor = dice.choice(FACTORS)
    if re.fullmatch(r"-?\d+", number):
        new = round(value * factor)
        return str(new if new != int(value) else int(value) + dice.choice((-1, 1)))
    return f"{value * factor:.6g}" if value else f"{dice.choice((0.01, 0.1, 1.0))}"


# -- programs


def command(proposer: Proposer, session: str = "", transcript: str = "") -> str:
    """The shell text that runs a program on the prompt; UsageError when its harness cannot do that."""
    if proposer.kind == "command":
        return proposer.command
    import shlex

    from agentdeck.harnesses import loader

    headless = loader.get(proposer.harness, strict=True).headless
    if not headless.argv:
        raise UsageError(f"{proposer.harness} cannot work without a terminal", "Use another harness, or a command.")
    words = [*headless.argv, *(headless.model if proposer.model else [])]
    values = {"python": sys.executable, "model": proposer.model}
    values |= {"session": session, "transcript": transcript} if session else {}
    return shlex.join(re.sub(r"\{(\w+)\}", lambda m: values.get(m[1], m[0]), word) for word in words)


def heard(proposer: Proposer, printed: str) -> Heard:
    """What a program said: its line HYPOTHESIS:, else its last line; its session, and what it cost, where it tells."""
    if proposer.kind != "harness":
        return Heard(_hypothesis(printed))
    from agentdeck.harnesses import headless, loader, readers

    if readers.headless(proposer.harness) is None:
        keys = loader.get(proposer.harness).headless
        told = _last_json(printed, (keys.result, keys.cost))
        return Heard(_hypothesis(str(told.get(keys.result) or printed)), "", headless.dollars(told.get(keys.cost)))
    said, session, dollars, open_ = "", "", None, False
    for line in headless.lines(proposer.harness, printed.splitlines()):
        if line.text:
            said += ("" if line.more and open_ else "\n") + line.text
            open_ = line.more
        session = line.session or session
        dollars = dollars if line.dollars is None else line.dollars + (dollars or 0.0)
    return Heard(_hypothesis(said), session, dollars)


def _hypothesis(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    marked = [line.partition(":")[2].strip() for line in lines if line.lstrip("*# ").upper().startswith("HYPOTHESIS:")]
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", (marked or lines or [""])[-1]).strip("* ")[:300]


def _last_json(printed: str, keys: Sequence[str]) -> Mapping[str, Any]:
    for line in reversed(printed.splitlines()):
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and any(key in told for key in keys if key):
            return told
    return {}


def check(contract: Contract, directory: Path) -> None:
    """What can be known before the first experiment is wrong now, not at night."""
    if contract.proposer.kind == "scripted" and not (directory / contract.proposer.script).is_file():
        raise AgentDeckError(f"there is no script {contract.proposer.script}", "Name one in research.toml.", 2)
    if contract.proposer.kind == "harness":
        command(contract.proposer)
