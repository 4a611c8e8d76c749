"""Every recorded screen of a real client is read as what it was known to show when it was recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentdeck.harnesses import loader
from agentdeck.models.screen import parse
from agentdeck.services.delivery import composer
from agentdeck.services.status import evidence
from agentdeck.services.status.monitor import strip

SCREENS = Path(__file__).parents[1] / "screens"
INDEX: dict[str, dict[str, Any]] = json.loads((SCREENS / "index.json").read_text())
OTHERS = Path(__file__).parents[3] / "shared" / "screens"
BLOCKED = {
    "claude-00-onboarding-trust",
    "claude-01-apikey",
    "claude-04-permission-write",
    "claude-2.1.197-settings-warning",
}


def rows(file: Path) -> list[str]:
    return file.read_text().split("\n")


@pytest.mark.parametrize("name", INDEX)
def test_a_recorded_screen_says_what_it_showed(name: str) -> None:
    expected = INDEX[name]
    found = evidence.from_screen(loader.get("claude"), strip(rows(SCREENS / name)), 1)
    if expected["state"] == "exited":
        assert found.states == ()  # that is for the process table to say
    else:
        assert (found.states, found.reason) == ((expected["state"],), expected["reason"]), found.why


@pytest.mark.parametrize("name", INDEX)
def test_a_draft_is_told_from_the_clients_own_words(name: str) -> None:
    expected = INDEX[name]
    typed = composer.read(loader.get("claude").composer, parse(rows(SCREENS / name)), expected["cursor"][1])
    assert (typed.state == "draft") == expected["draft"], typed
    if expected["state"] == "needs_input":
        assert typed.state == "absent"


@pytest.mark.parametrize("name", [name for name, one in INDEX.items() if one["reason"] == "permission"])
def test_a_permission_box_is_taken_apart(name: str) -> None:
    found = evidence.from_screen(loader.get("claude"), strip(rows(SCREENS / name)), 1)
    assert found.ask is not None
    assert found.ask.text.endswith("?")
    assert found.ask.options[0] == "Yes" and found.ask.options[-1].startswith("No")


@pytest.mark.skipif(not OTHERS.is_dir(), reason="the second collection of recorded screens is not on this machine")
def test_no_blocked_screen_of_another_collection_reads_as_free_or_busy() -> None:
    for file in sorted(OTHERS.glob("claude-*.ansi")):
        found = evidence.from_screen(loader.get("claude"), strip(rows(file)), 1)
        blocked = file.stem in BLOCKED
        assert (found.states == ("needs_input",)) == blocked, (file.stem, found.why)
        assert found.states or file.stem == "claude-21-exited"
