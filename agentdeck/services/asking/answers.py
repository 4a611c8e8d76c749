"""Answering the question that stands on an agent's screen: that one, by the client's own key, or not at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from agentdeck.errors import AgentDeckError
from agentdeck.harnesses.schema import Harness
from agentdeck.models.screen import Line
from agentdeck.models.status import Ask, Evidence, Status

INSTEAD = "deny: "
FEW = 5  # characters of a line of a request that are too few to tell it by
_FRAME = re.compile(r"[\s│┃╭╮╰╯─━╌]")


@dataclass(frozen=True, slots=True)
class Press:
    """Keys by tmux name; then a `text` to type into what they opened and submit; or words to leave for the agent."""

    keys: tuple[str, ...] = ()
    text: str = ""
    words: str = ""


def plan(
    harness: Harness, status: Status, screen: Evidence, answer: str, expected: Ask | None = None, since: int = 0
) -> Press:  # fmt: skip
    """The keys that give `answer`; raises when it must not be given.

    It is allow, deny, `deny: WORDS` for the agent to hear, or the text or number of an option.
    `screen` is what the screen shows now: keys are only sent to a dialog that is really there.
    `expected` is the ask the human saw, `since` from when on it had stood (UTC ms, 0: nobody says); an answer to
    another one is refused, be it the same words once more.
    """
    if status.state != "needs_input":
        raise AgentDeckError("nothing is asked right now", f"It is {status.state}: {status.why}.")
    if expected is not None and status.ask is not None and expected != status.ask:
        raise AgentDeckError("the question changed meanwhile", f"Now it asks: {status.ask.text}")
    if since and status.since != since:
        raise AgentDeckError("that question was answered meanwhile", "It asks the same again: look before you answer.")
    if "needs_input" not in screen.states:
        raise AgentDeckError("the question is not on its screen", "Zoom in and look.")
    if answer == "allow" and screen.reason not in ("", status.reason):
        raise AgentDeckError(
            f"its screen shows a {screen.reason}, which cannot be allowed", "Zoom in and answer it there."
        )
    if answer == "allow":
        return Press(_keys(harness.answer.allow, status, "allowed"))
    if answer == "deny":
        return Press(tuple(harness.answer.deny) or _keys((), status, "denied"))
    if answer.startswith(INSTEAD) and answer.removeprefix(INSTEAD).strip():
        return Press(_keys(harness.answer.deny, status, "denied"), words=answer.removeprefix(INSTEAD).strip())
    return _option(harness, status, screen, answer)


def stands(ask: Ask | None, rows: Sequence[str]) -> bool:
    """Whether the screen shows this very request, as far as that can be told: a second one may have come meanwhile.

    It is known by its first, its last or its longest line, wrapped as it may be; of a path by its last part.
    """
    subject = ask.text.partition(": ")[2] if ask is not None and ask.tool and ask.text.startswith(ask.tool) else ""
    lines = [line for line in subject.splitlines() if len(line.strip()) >= FEW] or subject.splitlines()[:1]
    if not lines:
        return True
    if subject.startswith("/") and len(lines) == 1 and " " not in subject:
        lines.append(PurePosixPath(subject).name)
    shown = _FRAME.sub("", "".join(rows))
    return any(_FRAME.sub("", line) in shown for line in (lines[0], lines[-1], max(lines, key=len)))


def highlighted(screen: Sequence[Line], words: str) -> bool:
    """Whether these words stand on another background than the other words of their row, which is what Enter takes."""
    for line in screen:
        there = {style.bg for text, style in line if words in text}
        others = {style.bg for text, style in line if text.strip() and words not in text}
        if there:
            return not there & others
    return False


def _keys(keys: Sequence[str], status: Status, word: str) -> tuple[str, ...]:
    if status.reason != "permission" or not keys:
        raise AgentDeckError(
            f"this is a {status.reason or 'question'}, which cannot be {word}",
            "Answer with the text or number of an option, or zoom in.",
        )
    return tuple(keys)


def _option(harness: Harness, status: Status, screen: Evidence, answer: str) -> Press:
    """A numbered option by its number or its words; else, where there is an option for that, the answer in words."""
    shown = screen.ask.options if screen.ask else ()
    options = shown or (status.ask.options if status.ask else ())
    wanted, free = answer.strip().casefold(), harness.answer.free if status.reason == "question" else ""
    for number, option in enumerate(options, 1):
        if harness.answer.option != "digit":
            break
        if wanted in (str(number), option.casefold()):
            return Press((str(number),))
        if free and re.search(free, option) and not answer.strip().isdigit():
            return Press((str(number),), text=" ".join(answer.split()))
    if options:
        raise AgentDeckError(
            f"'{answer}' is none of its options",
            "It offers: " + "; ".join(f"{n} {o}" for n, o in enumerate(options, 1)),
        )
    if status.reason == "permission":
        raise AgentDeckError("this question takes allow or deny", "Use one of these, or zoom in and type.")
    raise AgentDeckError(
        f"this {status.reason or 'question'} shows no numbered options", "Zoom in and answer it there."
    )
