"""Answers to questions that are painted late, and to clients that take no key."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from tests.deck import Deck

HARNESS = """
name = "boxes"
title = "Boxes"
own_command = true

[start]
argv = []

[hooks]
PermissionRequest = { states = ["needs_input"], reason = "permission" }

[[patterns]]
state = "needs_input"
reason = "permission"
match = '1\\. Yes'

[[patterns]]
state = "working"
match = 'took'

[answer]
allow = ["1"]
"""
# Says by a hook that it asks, paints the question a second later, and loses what was typed until shortly after that.
LATE = """
import os, sys, termios, time, tty
tty.setcbreak(0)
spool = os.environ["DECK_SPOOL"]
with open(spool + "/.tmp.x", "w") as file:
    file.write('{"hook_event_name": "PermissionRequest", "tool_name": "bash", "tool_input": {"command": "ls"}}')
os.rename(spool + "/.tmp.x", spool + "/e.x")
time.sleep(1)
print("Run ls?\\n 1. Yes\\n 2. No", flush=True)
time.sleep(0.2)
termios.tcflush(0, termios.TCIFLUSH)
key = os.read(0, 1).decode()
print("\\x1b[2J\\x1b[Htook", key, flush=True)
time.sleep(600)
"""
DEAF = """
import os, sys, time, tty
tty.setcbreak(0)
print("Run ls?\\n 1. Yes\\n 2. No", flush=True)
while key := os.read(0, 1):
    with open(sys.argv[1], "ab") as file:
        file.write(key)
"""


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    paths.user_harnesses_dir().mkdir(parents=True)
    (paths.user_harnesses_dir() / "boxes.toml").write_text(HARNESS)
    made = Deck(git_repo)
    yield made
    made.end()


def program(folder: Path, text: str) -> Path:
    file = folder / "program.py"
    file.write_text(text)
    return file


def test_a_key_waits_until_the_question_has_stood_on_the_screen(deck: Deck, tmp_path: Path) -> None:
    deck.new("anna", "boxes", "--", sys.executable, str(program(tmp_path, LATE)))
    deck.is_("anna", "needs_input")
    deck.ok("answer", "anna", "allow")
    deck.until(lambda: "took 1" in deck.ok("screen", "anna").out, "the key")
    assert deck.events("answer") == [{"answer": "allow", "taken": True}]


def test_a_question_that_stays_is_answered_once_and_said_to_stand(deck: Deck, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    deck.new("anna", "boxes", "--", sys.executable, str(program(tmp_path, DEAF)), str(keys))
    deck.is_("anna", "needs_input")
    done = deck.run("answer", "anna", "allow")
    assert done.code == 3 and "still stands on its screen" in done.err
    assert keys.read_bytes() == b"1"
    assert deck.events("answer") == [{"answer": "allow", "taken": False}]
    chain = deck.events("status")[-1]["chain"]
    assert (chain[0]["source"], chain[0]["part"], chain[0]["states"]) == ("screen", "decides", ["needs_input"])
