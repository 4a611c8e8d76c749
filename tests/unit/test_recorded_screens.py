"""The harness file read against what the real client showed: scripts/record-screens.py made these."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentdeck.harnesses import loader
from agentdeck.models.screen import parse, plain
from agentdeck.services import composer, evidence

SCREENS = Path(__file__).parents[1] / "screens"
INDEX: dict[str, dict[str, Any]] = json.loads((SCREENS / "index.json").read_text())
SAID_BY_THE_PANE = ("exited",)


def lines(file: str) -> Any:
    return parse((SCREENS / file).read_text().split("\n")[:-1])


def test_every_recording_is_in_the_index() -> None:
    assert {file.name for file in SCREENS.glob("*.ansi")} == set(INDEX)


@pytest.mark.parametrize("file", INDEX)
def test_the_screen_alone_says_the_right_state(file: str) -> None:
    wanted = INDEX[file]
    harness = loader.get(file.split("-")[0])
    found = evidence.from_screen(harness, [plain(line) for line in lines(file)], 1)
    assert found.states == (() if wanted["state"] in SAID_BY_THE_PANE else (wanted["state"],)), found.why
    assert found.reason == wanted["reason"]


@pytest.mark.parametrize("file", [file for file in INDEX if INDEX[file]["status_file"]])
def test_title_and_status_file_never_contradict_it(file: str) -> None:
    wanted = INDEX[file]
    harness = loader.get(file.split("-")[0])
    title = evidence.from_title(harness, wanted["title"], 1)
    assert not title.states or wanted["state"] in title.states
    told = {"status": wanted["status_file"], "waitingFor": wanted["waiting_for"]}
    own = evidence.from_status_file(harness, told, 1)
    assert own is not None
    assert wanted["state"] in own.states
    assert own.reason == wanted["reason"]


@pytest.mark.parametrize("file", INDEX)
def test_only_an_empty_composer_is_taken_for_one(file: str) -> None:
    wanted = INDEX[file]
    found = composer.read(loader.get("claude").composer, lines(file), wanted["cursor"][1])
    if wanted["draft"]:
        assert found.state == "draft"
    elif wanted["state"] in ("needs_input", "exited"):
        assert found.state == "absent"
    else:
        assert found.state == "empty"
