"""A disk that does not answer holds up the files that lie on it and no other."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from agentdeck.services.status import status_files
from agentdeck.services.status.probes import read_json
from agentdeck.services.status.status_files import StatusFiles
from tests.waiting import wait_for


@pytest.fixture
def homes(tmp_path: Path) -> dict[str, str]:
    """One status file on a disk that answers, one that is a pipe nobody writes to: to open it takes for ever."""
    files = {"good": tmp_path / "good" / "1.json", "stalled": tmp_path / "stalled" / "2.json"}
    for file in files.values():
        file.parent.mkdir()
    files["good"].write_text(json.dumps({"status": "busy"}))
    os.mkfifo(files["stalled"])
    return {agent: str(file) for agent, file in files.items()}


def release(fifo: str, text: str) -> None:
    """The disk answers again: who waits gets what stands in the file, and so does everybody after."""
    with open(fifo, "w") as file:
        file.write(text)
    os.unlink(fifo)
    Path(fifo).write_text(text)


def test_the_others_are_read_while_one_disk_hangs_and_all_again_once_it_answers(homes: dict[str, str]) -> None:
    files = StatusFiles(read_json)
    assert files.look(homes) == {"good": {"status": "busy"}}
    Path(homes["good"]).write_text(json.dumps({"status": "idle"}))
    for _ in range(5):  # the one that hangs is not asked again meanwhile
        assert files.look(homes) == {"good": {"status": "idle"}}
    assert len([one for one in threading.enumerate() if one.name == "status-files"]) == 2
    release(homes["stalled"], json.dumps({"status": "waiting"}))
    wait_for(lambda: files.look(homes).get("stalled") == {"status": "waiting"}, 5, "the disk that answers again")
    os.unlink(homes["stalled"])
    assert files.look(homes)["stalled"] is None  # it has answered: there is no file
    files.look({})
    wait_for(lambda: not [one for one in threading.enumerate() if one.name == "status-files"], 5, "its threads' end")


def test_what_was_read_too_late_for_one_round_is_of_no_later_one(homes: dict[str, str]) -> None:
    """A value that came late is not passed off as one of now."""
    files = StatusFiles(read_json)
    files.look(homes)
    release(homes["stalled"], json.dumps({"status": "busy"}))
    wait_for(lambda: files.look(homes).get("stalled"), 5, "the disk that answers again")
    Path(homes["stalled"]).write_text(json.dumps({"status": "idle"}))
    assert files.look(homes)["stalled"] == {"status": "idle"}
    files.look({})


def test_a_round_without_trouble_does_not_wait(homes: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_files, "PATIENCE_SECONDS", 60.0)
    files = StatusFiles(read_json)
    del homes["stalled"]
    begun = time.monotonic()
    assert files.look(homes) == {"good": {"status": "busy"}}
    assert time.monotonic() - begun < 30
    files.look({})
