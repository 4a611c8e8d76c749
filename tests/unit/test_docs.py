"""The documents say what is so: keys, commands, directories, themes and targets that exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from agentdeck.ui.actions import ACTIONS, keys_of
from agentdeck.ui.themes import listing
from scripts.write_docs import key_tables, with_keys

README = Path("README.md").read_text()
CONTRIBUTING = Path("CONTRIBUTING.md").read_text()


def test_the_keys_are_those_of_the_action_table() -> None:
    assert with_keys(README) == README, "run: .venv/bin/python scripts/write_docs.py"
    for action in ACTIONS:
        assert f"`{keys_of(action)[0]}`" in key_tables()


def commands(text: str) -> set[tuple[str, ...]]:
    """`agentdeck X [Y]` as the documents write it."""
    return {tuple(found.split()) for found in re.findall(r"(?:^|[`(&;] ?)agentdeck ([a-z]+(?: [a-z]+)?)", text, re.M)}


def test_every_command_and_option_exists() -> None:
    from agentdeck.cli import main

    named = commands(README) | commands(Path("CHANGELOG.md").read_text())
    assert {name[0] for name in named} >= {"new", "ls", "usage", "demo"}
    for words in named:
        command = main.commands.get(words[0])
        assert command is not None, words
        if isinstance(command, click.Group) and len(words) > 1:
            assert words[1] in command.commands, words
    for line in re.findall(r"^agentdeck .*$", README, re.M):
        for part in line.split("&&"):
            words = part.split()
            command = main.commands[words[1]]
            if isinstance(command, click.Group) and not words[2].startswith("-"):
                command = command.commands[words[2]]
            known = {option for parameter in command.params for option in parameter.opts}
            assert not [word for word in words if word.startswith("--") and word not in known], part


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_make_target_exists(text: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", Path("Makefile").read_text(), re.M))
    named = " ".join(re.findall(r"(?:^|`)make ((?:[a-z-]+ ?)+)", text, re.M)).split()
    assert "test" in named or "demo" in named
    assert set(named) <= targets


def test_every_link_and_path_exists() -> None:
    for text in (README, CONTRIBUTING):
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            if "://" not in link:
                assert Path(link).exists(), link
        for path in re.findall(r"`((?:agentdeck|tests|scripts|benchmarks)/[\w./-]+)`", text):
            assert Path(path).exists(), path


def test_the_built_in_themes_are_named() -> None:
    for row in listing():
        assert f"`{row['name']}`" in README


def test_the_rooms_are_all_named() -> None:
    for room in Path("agentdeck").iterdir():
        if room.is_dir() and (room / "__init__.py").exists():
            assert f"| `{room.name}` |" in CONTRIBUTING, room.name
