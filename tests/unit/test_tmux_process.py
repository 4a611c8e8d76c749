"""Which tmux, how old, what it may see; and rows of list-panes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agentdeck.adapters import tmux
from agentdeck.adapters.tmux import rows
from agentdeck.adapters.tmux.process import environment
from agentdeck.errors import AgentDeckError


@pytest.fixture
def bin_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def program(directory: Path, name: str, script: str = "") -> None:
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)


@pytest.mark.parametrize(
    ("said", "found"),
    [("tmux 3.3a", (3, 3)), ("tmux 3.2", (3, 2)), ("tmux next-3.7", (3, 7)), ("tmux 3.10-rc2", (3, 10)),
     ("tmux master", (99, 0)), ("tmux openbsd-7.6", (7, 6))],
)  # fmt: skip
def test_versions_that_are_new_enough(bin_only: Path, said: str, found: tuple[int, int]) -> None:
    program(bin_only, "tmux", f"echo '{said}'")
    assert tmux.version() == found


@pytest.mark.parametrize(
    ("manager", "command"),
    [("apt-get", "sudo apt-get install tmux"), ("brew", "brew install tmux"), ("dnf", "sudo dnf install tmux"),
     ("nothing", "with your system's package manager")],
)  # fmt: skip
def test_a_missing_tmux_names_the_command_that_installs_it(bin_only: Path, manager: str, command: str) -> None:
    program(bin_only, manager)
    with pytest.raises(AgentDeckError, match="tmux is not installed") as caught:
        tmux.version()
    assert command in caught.value.hint


@pytest.mark.parametrize(
    ("script", "title"),
    [("echo tmux 3.1c", "tmux 3.1c is too old: agentdeck needs 3.2"), ("echo tmux 2.9", "too old"),
     ("echo hello", "says 'hello'"), ("exit 1", "says ''")],
)  # fmt: skip
def test_a_tmux_that_will_not_do(bin_only: Path, tmp_path: Path, script: str, title: str) -> None:
    program(bin_only, "tmux", script)
    with pytest.raises(AgentDeckError, match=title) as caught:
        tmux.ensure_server(tmp_path / "run" / "tmux", tmp_path / "conf")
    assert "Install tmux 3.2 or newer" in caught.value.hint
    assert not (tmp_path / "run").exists()


def test_the_environment_is_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMUX", "TMUX_PANE", "TMUX_TMPDIR", "ANTHROPIC_API_KEY", "DECK_AGENT_ID", "EDITOR"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PYTHONPATH", "/lib")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("LC_ALL", "")
    monkeypatch.setenv("LANG", "de_DE.utf8")
    env = environment()
    assert (env["PYTHONPATH"], env["XDG_DATA_HOME"], env["LANG"]) == ("/lib", "/data", "de_DE.utf8")
    assert {"PATH", "HOME", "TERM", "DECK_HOME"} <= set(env)
    assert not {"TMUX", "TMUX_PANE", "TMUX_TMPDIR", "ANTHROPIC_API_KEY", "DECK_AGENT_ID", "EDITOR", "LC_ALL"} & set(env)


@pytest.mark.parametrize("charset", ["", "C", "POSIX", "de_DE.ISO-8859-1"])
def test_a_locale_without_utf8_is_replaced(monkeypatch: pytest.MonkeyPatch, charset: str) -> None:
    monkeypatch.setenv("LC_ALL", charset)
    monkeypatch.setenv("LC_CTYPE", "C")
    monkeypatch.setenv("LANG", "C")
    env = environment()
    assert env["LANG"].endswith(".UTF-8")
    assert "LC_ALL" not in env and "LC_CTYPE" not in env


SEP = "\u241f"


def row(**changed: str) -> str:
    fields = {"id": "%1", "window": "@2", "deck": "a1", "pid": "77", "dead": "0", "status": "", "signal": "",
              "cols": "120", "rows": "40", "x": "3", "y": "4", "cursor": "1", "alternate": "0", "mode": "0",
              "activity": "1795426886", "history": "12",
              "all": "0", "button": "0", "standard": "0", "sgr": "0",
              "command": "claude", "title": "t"}  # fmt: skip
    return SEP.join((fields | changed).values())


def test_rows_without_a_deck_id_are_left_out() -> None:
    assert list(rows.parse([row(), row(id="%2", deck=""), row(id="%3"), "", "junk"])) == ["%1", "%3"]


def test_a_separator_in_the_title_and_a_newline_in_the_command_do_no_harm() -> None:
    first, second = row(command="odd\nname", title=f"a{SEP}b").split("\n")
    panes = rows.parse([first, second, row(id="%2")])
    assert (panes["%1"].command, panes["%1"].title) == ("odd name", f"a{SEP}b")
    assert panes["%2"].pid == 77


@pytest.mark.parametrize(
    ("status", "name", "wanted"),
    [
        ("0", "", (0, None)),
        ("3", "", (3, None)),
        ("", "9", (None, 9)),
        ("", "TERM", (None, 15)),
        ("", "?", (None, None)),
    ],
)
def test_how_a_pane_died(status: str, name: str, wanted: tuple[int | None, int | None]) -> None:
    pane = rows.parse([row(dead="1", status=status, signal=name)])["%1"]
    assert (pane.dead, pane.dead_status, pane.dead_signal) == (True, *wanted)


def test_importing_the_package_loads_nothing_slow() -> None:
    check = (
        "import sys; from agentdeck.adapters.tmux import panes_now, server_alive, attach_argv;"
        "assert not {'asyncio', 'libtmux', 'textual'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_libtmux_can_be_imported_where_stdout_is_textuals() -> None:
    """Textual's stand-in for stdout has no `encoding`, which libtmux reads when it is imported."""
    check = (
        "import sys, pathlib\n"
        "from agentdeck.adapters.tmux import sessions\n"
        "class Captured:\n    def write(self, text): ...\n    def flush(self): ...\n"
        "captured = sys.stdout = Captured()\n"
        "sessions._library(pathlib.Path('/tmp/none'))\n"
        "assert sys.stdout is captured\n"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_every_exported_name_is_there() -> None:
    for name in tmux.__all__:
        assert getattr(tmux, name) is not None
    with pytest.raises(AttributeError):
        _ = tmux.no_such_name
