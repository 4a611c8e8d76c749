"""From launch to an answer in three keys, to a dispatched spec in four: all of it real, in real tmux.

Keys are counted by the hand that presses them; what stood on the screen after each is kept and compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from tests import workclient
from tests.deck import Deck
from tests.ui.terminal import Terminal
from tests.waiting import wait_for

# What the dialogs show, recorded from the screen: the words within the frame, one a line.
ASKED = """\
bo asks
bash wants to run:
command: touch allowed
y allow once n deny t deny and say why Esc close"""
PICKED = """\
Specs of repo for cleo
find
Mend the parser # Mend the parser
parser.md
run: echo mended >parser
Enter hand it to cleo ↑ ↓ choose PgUp PgDn read Esc close"""
SPEC = "# Mend the parser\n\nrun: echo mended >parser\n"


class Hand:
    """Presses keys in a terminal, one by one, and keeps what it saw after each."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.pressed: list[str] = []
        self.seen: list[str] = []

    def sees(self, *marks: str) -> str:
        """The screen once all of these stand on it (regular expressions)."""

        def found() -> str:
            shown = self.terminal.text()
            return shown if all(re.search(mark, shown, re.MULTILINE) for mark in marks) else ""

        try:
            self.seen.append(wait_for(found, 30, f"{marks} on the screen"))
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.terminal.text()}") from error
        return self.seen[-1]

    def press(self, key: str, *marks: str) -> str:
        self.pressed.append(key)
        self.terminal.keys(key)
        return self.sees(*marks) if marks else ""


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    """One agent works, one stands before a permission dialog, one is idle; a spec lies in the repository."""
    paths.user_harnesses_dir().mkdir(parents=True)
    (paths.user_harnesses_dir() / "worker.toml").write_text(workclient.worker_harness("worker"))
    (git_repo / "specs").mkdir()
    (git_repo / "specs" / "parser.md").write_text(SPEC)
    deck = Deck(git_repo)
    for name in ("ada", "bo", "cleo"):
        deck.new(name, "worker", "--", *workclient.command(git_repo.parent / f"{name}.log"))
    for name in ("ada", "bo", "cleo"):
        deck.is_(name, "idle")
    deck.send("ada", f"run: until [ -e {git_repo.parent}/end ]; do sleep 0.1; done")
    deck.send("bo", "ask: touch allowed")
    deck.is_("ada", "working")
    deck.is_("bo", "needs_input")
    yield deck
    (git_repo.parent / "end").touch()
    deck.end()


@pytest.fixture(params=[(80, 24), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def hand(deck: Deck, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Hand]:
    argv = ["sh", "-c", 'cd "$0" && exec "$@"', str(deck.repo), *deck.argv()]
    with Terminal(tmp_path / "outer", argv, *request.param, {"COLORTERM": "truecolor"}) as terminal:
        yield Hand(terminal)


def framed(screen: str) -> str:
    """The words of the dialog on a screen."""
    rows = [" ".join(found[1].split()) for line in screen.splitlines() if (found := re.search("│(.*)│", line))]
    return "\n".join(row for row in rows if row)


@pytest.mark.slow
def test_launch_to_which_one_why_and_answered(deck: Deck, hand: Hand) -> None:
    hand.sees("1 needs you", "▌ ● ada .*working", "[^▌] [?] bo .*needs you: permission", "[^▌] ○ cleo .*idle")
    hand.press("w", "▌ [?] bo .*needs you: permission", "[^▌] ● ada ", "a answer")
    assert framed(hand.press("a", "allow once")) == ASKED
    assert not (Path(deck.row("bo")["worktree"]) / "allowed").exists()
    hand.press("y", "▌ ○ bo .*idle", "○ 2 idle")
    assert (Path(deck.row("bo")["worktree"]) / "allowed").exists()
    assert "needs you" not in hand.terminal.text().splitlines()[0]
    assert hand.pressed == ["w", "a", "y"], "at most three"


@pytest.mark.slow
def test_launch_to_a_dispatched_spec(deck: Deck, hand: Hand) -> None:
    hand.sees("▌ ● ada .*working", "[^▌] ○ cleo .*idle")
    hand.press("i", "▌ ○ cleo .*idle", "s spec")
    assert framed(hand.press("s", "hand it to cleo", "run: echo mended")).splitlines() == PICKED.splitlines()
    hand.press("Enter", "▌ . cleo .*#1 .*Mend the parser", "cleo gets: Mend the parser")
    hand.sees("▌ ○ cleo  deck/cleo/2  #1 .review. Mend the parser")
    tree = Path(deck.row("cleo")["worktree"])
    assert (tree / "parser").read_text() == "mended\n"
    assert hand.pressed == ["i", "s", "Enter"], "at most four"
