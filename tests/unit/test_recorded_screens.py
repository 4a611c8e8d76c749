"""What was recorded beside each screen: the pane's title and the client's own status file say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentdeck.harnesses import loader
from agentdeck.services.status import evidence
from agentdeck.services.status.monitor import strip
from agentdeck.services.status.verdict import verdict

SCREENS = Path(__file__).parents[1] / "screens"
INDEX: dict[str, dict[str, Any]] = json.loads((SCREENS / "index.json").read_text())


def test_every_recording_is_in_the_index() -> None:
    assert {file.name for file in SCREENS.glob("*.ansi")} == set(INDEX)


@pytest.mark.parametrize("file", [file for file in INDEX if INDEX[file]["status_file"]])
def test_title_and_status_file_never_contradict_the_screen(file: str) -> None:
    wanted = INDEX[file]
    harness = loader.get("claude")
    title = evidence.from_title(harness, wanted["title"], 1)
    assert not title.states or wanted["state"] in title.states
    told = {"status": wanted["status_file"], "waitingFor": wanted["waiting_for"]}
    own = evidence.from_status_file(harness, told, 1)
    assert own is not None
    assert wanted["state"] in own.states
    screen = evidence.from_screen(harness, strip((SCREENS / file).read_text().split("\n")), 1)
    assert verdict([own, title, screen], 5_000).reason == wanted["reason"], "2.1.197 calls a question a permission"
