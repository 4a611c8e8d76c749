"""Screens recorded of the other real clients are read as what they were known to show."""

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
from agentdeck.services.status.verdict import verdict

SCREENS = Path(__file__).parents[1] / "screens"
CLIENTS = ("codex", "gemini", "opencode")
INDEX: dict[str, dict[str, Any]] = {
    f"{client}/{file}": entry
    for client in CLIENTS
    for file, entry in json.loads((SCREENS / client / "index.json").read_text()).items()
}


def rows(name: str) -> list[str]:
    return (SCREENS / name).read_text().split("\n")


def test_every_recording_is_in_the_index() -> None:
    assert {f"{client}/{file.name}" for client in CLIENTS for file in (SCREENS / client).glob("*.ansi")} == set(INDEX)


@pytest.mark.parametrize("name", INDEX)
def test_screen_and_title_together_say_what_the_client_did(name: str) -> None:
    expected, harness = INDEX[name], loader.get(name.split("/")[0])
    screen = evidence.from_screen(harness, strip(rows(name)), 1)
    title = evidence.from_title(harness, expected["title"], 1)
    judged = verdict([screen, title], 5_000)
    assert (judged.state, judged.reason) == (expected["state"], expected["reason"]), (judged, screen)


@pytest.mark.parametrize("name", INDEX)
def test_a_draft_is_told_from_the_clients_own_words(name: str) -> None:
    expected, harness = INDEX[name], loader.get(name.split("/")[0])
    typed = composer.read(harness.composer, parse(rows(name)), expected["cursor"][1])
    if expected["state"] != "needs_input":  # nothing is pasted while it asks, whatever the rows look like
        assert typed.state == ("draft" if expected["draft"] else "empty"), typed


@pytest.mark.parametrize("name", [name for name, one in INDEX.items() if one["reason"] == "permission"])
def test_a_permission_box_is_shown_without_its_frame(name: str) -> None:
    found = evidence.from_screen(loader.get(name.split("/")[0]), strip(rows(name)), 1)
    assert found.ask is not None
    assert "touch x" in found.ask.detail and "│" not in found.ask.detail and "┃" not in found.ask.detail
    if not name.startswith("opencode"):  # its options have no numbers
        assert found.ask.text.endswith("?")
        assert found.ask.options[0] in ("Yes, proceed (y)", "Allow once") and len(found.ask.options) == 3


@pytest.mark.parametrize("client", ["gemini", "opencode"])
def test_a_long_paste_is_known_by_the_badge_that_stands_for_it(client: str) -> None:
    name, rules = f"{client}/pasted.ansi", loader.get(client).composer
    lines, (x, y) = parse(rows(name)), INDEX[name]["cursor"]
    text = "\n".join(f"line {number} of a pasted spec, which is long enough" for number in range(1, 60))
    assert composer.holds(rules, lines, (x, y), text) == "ours"
    assert composer.holds(rules, lines, (x, y), text + "\nand\nmore\nof it") == "other"


def test_gemini_compressing_its_history_is_at_work_under_a_title_that_says_ready() -> None:
    harness = loader.get("gemini")
    shown = rows("gemini/after-turn.ansi")
    composer_at = next(y for y, row in enumerate(strip(shown)) if row.startswith("────"))
    shown[composer_at - 2] = "\x1b[38;5;141m⠹ \x1b[39mCompressing chat history"
    screen = evidence.from_screen(harness, strip(shown), 1)
    title = evidence.from_title(harness, "◇  Ready (sample)", 1)
    assert verdict([screen, title], 5_000).state == "working"


def test_the_list_of_commands_that_stands_on_the_composer_of_opencode_is_no_draft() -> None:
    name, rules = "opencode/after-turn.ansi", loader.get("opencode").composer
    shown = rows(name)
    texts = strip(shown)
    floor = max(y for y, row in enumerate(texts) if "╹▀▀▀" in row)
    box = ["  ┃ /compact   Compact session   ┃", "  ┃ /review   review changes   ┃", "  ┃", "  ┃  /compact", "  ┃"]
    shown[floor - 1 - len(box) : floor - 1] = box
    lines = parse(shown)
    assert composer.holds(rules, lines, (5, floor - 3), "/compact") == "ours"
