"""Screens of the real aider: what its prompt holds, and that a paste is known again in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentdeck.harnesses import loader
from agentdeck.models.screen import parse
from agentdeck.services.delivery import composer, wording
from agentdeck.services.status import evidence
from agentdeck.services.status.monitor import strip

SCREENS = Path(__file__).parents[1] / "screens" / "aider"
INDEX: dict[str, dict[str, Any]] = json.loads((SCREENS / "index.json").read_text())
AIDER = loader.get("aider")


def rows(name: str) -> list[str]:
    return (SCREENS / name).read_text().split("\n")


@pytest.mark.parametrize("name", [name for name, one in INDEX.items() if one["state"] in ("idle", "failed")])
def test_a_draft_is_told_from_an_empty_prompt(name: str) -> None:
    typed = composer.read(AIDER.composer, parse(rows(name)), INDEX[name]["cursor"][1])
    assert typed.state == ("draft" if INDEX[name]["draft"] else "empty"), typed


def test_a_paste_of_many_lines_is_known_again_behind_the_prompt_of_each() -> None:
    lines, cursor = parse(rows("pasted.ansi")), tuple(INDEX["pasted.ansi"]["cursor"])
    text = "\n".join(f"line {number} of a pasted spec, which is long enough" for number in range(1, 8))
    assert composer.holds(AIDER.composer, lines, cursor, text) == "ours"
    assert composer.holds(AIDER.composer, lines, cursor, f"{text}\nand") == "other"


def test_what_it_asks_is_the_question_and_its_subject() -> None:
    found = evidence.from_screen(AIDER, strip(rows("add-file.ansi")), 1)
    assert found.reason == "permission" and found.ask is not None
    assert "Add file to the chat?" in found.ask.text


def test_a_blank_makes_words_of_its_commands() -> None:
    assert wording.literal(AIDER.typing, "/clear") == " /clear"
    assert wording.literal(AIDER.typing, "!ls") == " !ls"
