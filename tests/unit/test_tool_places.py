"""Where a tool can appear, told from the environment alone; nothing here opens anything."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agentdeck.config import Terminal
from agentdeck.services.tools import places
from agentdeck.services.tools.places import EMULATORS, MAC, Around, Emulator

KITTY = next(each for each in EMULATORS if each.name == "kitty")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH on which every known emulator is."""
    (tmp_path / "bin").mkdir()
    for each in EMULATORS:
        (tmp_path / "bin" / each.name).touch(mode=0o755)
    return tmp_path / "bin"


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[str]:
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(tmp_path / "own"))
        yield f"{tmp_path / 'own'},123,0"


def test_tmux_counts_when_its_socket_is_there(tmux: str) -> None:
    assert places.look({"TMUX": tmux}, Terminal(), False).tmux
    assert not places.look({"TMUX": "/tmp/deck-decoy/none,0,0"}, Terminal(), False).tmux
    assert not places.look({}, Terminal(), False).tmux


def test_an_emulator_counts_with_a_display_and_the_one_we_are_in_comes_first(path: Path) -> None:
    def name(**environ: str) -> str:
        found = places.look({"PATH": str(path), **environ}, Terminal(), False)
        return found.emulator.name if found.emulator else found.no_window

    assert name() == "there is no display here"
    assert name(DISPLAY=":0") == "kitty"
    assert name(DISPLAY=":0", KONSOLE_VERSION="240801") == "konsole"
    for each in EMULATORS:
        if each.name != "foot":
            (path / each.name).unlink()
    assert "no terminal emulator was found" in name(DISPLAY=":0")
    assert name(WAYLAND_DISPLAY="wayland-0") == "foot"


def test_on_a_mac_there_is_always_a_terminal() -> None:
    found = places.look({"PATH": ""}, Terminal(), True).emulator
    assert found is not None and found.name == "Terminal"
    assert places.window_argv(found, "/t/ada", []) == ["open", "-a", "Terminal", "/t/ada"]
    script = ["/bin/sh", "/state/tools/x.command"]
    assert places.window_argv(MAC[0], "/t/ada", script) == ["open", "-a", "iTerm", "/state/tools/x.command"]


def test_the_humans_own_emulator_is_believed_when_it_is_there(path: Path) -> None:
    own = Terminal(command=("alacritty", "--working-directory", "{worktree}"))
    found = places.look({"PATH": str(path)}, own, False)
    assert found.chosen and found.emulator is not None
    assert places.window_argv(found.emulator, "/t/a b", ["/bin/sh", "f"]) == [
        "alacritty", "--working-directory", "/t/a b", "-e", "/bin/sh", "f",
    ]  # fmt: skip
    gone = places.look({"PATH": ""}, own, False)
    assert (gone.emulator, gone.no_window) == (None, "alacritty is not on your PATH")


@pytest.mark.parametrize(
    ("words", "argv", "made"),
    [
        (("term", "{worktree}"), ["sh", "f"], ["term", "/t", "sh", "f"]),
        (("term", "-e", "{command}", "--hold"), ["sh", "f"], ["term", "-e", "sh", "f", "--hold"]),
        (("term", "run {command}"), ["sh", "a b"], ["term", "run sh 'a b'"]),
    ],
)
def test_a_command_goes_where_the_humans_emulator_wants_it(words, argv, made) -> None:
    assert places.window_argv(Emulator("term", words), "/t", argv) == made


def test_a_window_with_a_shell_names_the_worktree_and_nothing_else() -> None:
    assert places.window_argv(KITTY, "/t/ada", []) == ["kitty", "--directory", "/t/ada"]


@pytest.mark.parametrize(
    ("wish", "around", "place"),
    [
        ("auto", Around(), "fullscreen"),
        ("auto", Around(tmux=True), "popup"),
        ("auto", Around(tmux=True, emulator=KITTY), "popup"),
        ("auto", Around(tmux=True, emulator=KITTY, chosen=True), "os"),
        ("auto", Around(emulator=KITTY), "os"),
        ("auto", Around(emulator=KITTY, far=True), "fullscreen"),
        ("os", Around(emulator=KITTY, far=True), "os"),
        ("popup", Around(), "fullscreen"),
        ("window", Around(tmux=True), "window"),
        ("os", Around(tmux=True), "popup"),
        ("tile", Around(), "tile"),
        ("fullscreen", Around(tmux=True), "fullscreen"),
        ("background", Around(), "background"),
    ],
)
def test_a_place_is_the_one_wished_for_or_the_best_there_is(wish, around, place) -> None:
    assert places.choose(wish, around) == place


def test_why_a_place_cannot_be_had() -> None:
    assert places.why_not("popup", Around()) == "you are not inside tmux"
    assert places.why_not("os", Around(no_window="there is no display here")) == "there is no display here"
    assert places.why_not("tile", Around()) == ""
