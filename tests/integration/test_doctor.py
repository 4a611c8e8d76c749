"""The doctor on a whole deck: what it finds, and that it changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters import git
from tests.deck import Deck


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    made = Deck(git_repo)
    yield made
    made.end()


def findings(deck: Deck, code: int, cwd: Path | None = None) -> dict[str, list[dict[str, str]]]:
    done = deck.run("doctor", "--json", cwd=cwd)
    assert done.code == code, done
    found: dict[str, list[dict[str, str]]] = {}
    for row in done.json:
        found.setdefault(row["topic"], []).append(row)
    return found


def test_a_fresh_machine_is_well_and_stays_untouched(deck: Deck, tmp_path: Path) -> None:
    found = findings(deck, 0)
    assert found["tmux"][0]["verdict"] == found["git"][0]["verdict"] == "ok"
    assert "none yet" in found["database"][0]["text"] and "none yet" in found["socket"][0]["text"]
    assert not paths.data_dir().exists() and not paths.state_dir().exists() and not paths.runtime_dir().exists()
    outside = tmp_path / "outside"
    outside.mkdir()
    assert "is in no git repository" in findings(deck, 0, outside)["git"][-1]["text"]


def test_a_running_deck_and_a_lock_nobody_holds(deck: Deck) -> None:
    made = deck.new("anna", "shell", "--", "cat")
    lock = git.git_path(Path(made["worktree"]), "index.lock")
    lock.touch()
    os.utime(lock, (time.time() - 3600, time.time() - 3600))
    found = findings(deck, 0)
    assert "runs as process" in found["engine"][0]["text"] and "answers at" in found["socket"][0]["text"]
    assert "whole" in found["database"][0]["text"]
    assert str(lock) in found["locks"][0]["text"] and str(lock) in found["locks"][0]["mend"]
    deck.kill_engine()
    (engine,) = findings(deck, 0)["engine"]
    assert engine["verdict"] == "warn" and engine["mend"]


def test_what_is_malformed_or_damaged_is_named_with_its_next_step(deck: Deck) -> None:
    paths.config_dir().mkdir(parents=True)
    paths.config_file().write_text("theme = 3\n")
    paths.database_file().parent.mkdir(parents=True)
    paths.database_file().write_bytes(b"no database" * 1000)
    found = findings(deck, 1)
    assert found["config"][0]["verdict"] == "bad" and "config.toml, line 1" in found["config"][0]["text"]
    assert found["database"][0]["verdict"] == "bad" and found["database"][0]["mend"]
    told = deck.run("doctor").out
    assert "✗ config" in told and "✓ git" in told
    paths.database_file().unlink()  # nobody has used it: there is nothing to end


def test_without_tmux_the_command_that_installs_it_is_named(deck: Deck, own_machine: Path) -> None:
    folder = own_machine / "few"
    folder.mkdir()
    (folder / "git").symlink_to("/usr/bin/git")
    done = deck.run("doctor", "--json", env={"PATH": str(folder)})
    tmux = next(row for row in done.json if row["topic"] == "tmux")
    assert done.code == 1 and tmux["text"] == "tmux is not installed" and "tmux 3.2" in tmux["mend"]


def test_a_report_tells_the_state_and_nothing_private(deck: Deck, own_machine: Path) -> None:
    made = deck.new("secretname", "shell", "--", "sh", "-c", "echo private words; exec cat")
    deck.is_("secretname", "working", "idle")
    told = deck.ok("report").out
    assert f"- {made['id']} (shell): " in told and "- ok: tmux:" in told and "## The last 60 lines" in told
    assert "private words" not in told and "secretname" not in told and str(own_machine / "home") not in told


def test_themes_are_listed(deck: Deck) -> None:
    names = [row["name"] for row in deck.ok("themes", "--json").json]
    assert {"deck-dark", "deck-light", "terminal"} <= set(names)
    assert "deck-light" in deck.ok("themes").out
