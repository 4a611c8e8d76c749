"""Answering the question that stands on an agent's screen: that one, by the client's own key, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentdeck.errors import AgentDeckError
from agentdeck.harnesses.schema import Harness
from agentdeck.models.status import Ask, Evidence, Status


@dataclass(frozen=True, slots=True)
class Press:
    """Keys by tmux name, or a text to type and submit."""

    keys: tuple[str, ...] = ()
    text: str = ""


def plan(harness: Harness, status: Status, screen: Evidence, answer: str, expected: Ask | None = None) -> Press:
    """The keys that give `answer` (allow, deny, or the text or number of an option); raises when it must not be given.

    `screen` is what the screen shows now: keys are only sent to a dialog that is really there.
    `expected` is the ask the human saw; an answer to another one is refused.
    """
    if status.state != "needs_input":
        raise AgentDeckError("nothing is asked right now", f"It is {status.state}: {status.why}.")
    if expected is not None and status.ask is not None and expected != status.ask:
        raise AgentDeckError("the question changed meanwhile", f"Now it asks: {status.ask.text}")
    if "needs_input" not in screen.states:
        raise AgentDeckError("the question is not on its screen", "Zoom in and look.")
    if answer == "allow":
        return Press(_keys(harness.answer.allow, status, "allowed"))
    if answer == "deny":
        return Press(tuple(harness.answer.deny) or _keys((), status, "denied"))
    return _option(harness, status, screen, answer)


def _keys(keys: Sequence[str], status: Status, word: str) -> tuple[str, ...]:
    if status.reason != "permission" or not keys:
        raise AgentDeckError(
            f"this is a {status.reason or 'question'}, which cannot be {word}",
            "Answer with the text or number of an option, or zoom in.",
        )
    return tuple(keys)


def _option(harness: Harness, status: Status, screen: Evidence, answer: str) -> Press:
    """A numbered option by its number or its words."""
    shown = screen.ask.options if screen.ask else ()
    options = shown or (status.ask.options if status.ask else ())
    wanted = answer.strip().casefold()
    for number, option in enumerate(options, 1):
        if wanted in (str(number), option.casefold()) and harness.answer.option == "digit":
            return Press((str(number),))
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
