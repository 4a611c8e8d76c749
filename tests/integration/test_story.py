"""The main job from the first word typed to the last: one human, one terminal, a deck of real agents."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.demo.sample import make_sample
from agentdeck.demo.server import ScriptedModel
from tests.deck import Deck, running
from tests.human import PROMPT, Human, pane_cells
from tests.waiting import wait_for

COLOURS = r"printf '\033[31mred \033[1;48;2;10;90;200mblue\033[0m \033[7m漢字 🎉\033[0m\n'"
TALLY = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


@pytest.fixture
def deck(own_machine: Path, model: ScriptedModel) -> Iterator[Deck]:
    deck = Deck(make_sample(own_machine / "wordkit"), model)
    yield deck
    deck.end()


@pytest.mark.parametrize(("columns", "rows", "in_tmux"), [(200, 60, False), (80, 24, True)])
def test_the_main_job(tmp_path: Path, deck: Deck, model: ScriptedModel, columns: int, rows: int, in_tmux: bool) -> None:
    env = {"ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "none"}
    with Human(tmp_path, deck.repo, (columns, rows), env, in_tmux=in_tmux) as human:
        human.sees(PROMPT)
        human.command("agentdeck", "Press n to start one")
        starts_two(human)
        talks_in_zoom(human)
        hands_out_tasks(human, deck)
        answers_a_question(human, deck)
        hides_and_filters(human)
        reads_the_cost(human, model)
        opens_a_shell(human, deck)
        leaves_and_comes_back(human, deck)
        loses_the_dashboard(human, deck)


@pytest.mark.parametrize("in_shell", [False, True])
def test_a_terminal_that_closes_takes_the_dashboard_along(
    tmp_path: Path, deck: Deck, model: ScriptedModel, in_shell: bool
) -> None:
    deck.new("ann")
    with Human(tmp_path, deck.repo, (80, 24), {}, in_tmux=False) as human:
        human.sees(PROMPT)
        human.command("agentdeck", "▌ ○ ann ")
        (pid,) = wait_for(lambda: [row[0] for row in deck.sql("SELECT pid FROM dashboards")])
        if in_shell:
            human.press("t", f"^{PROMPT} *$")
    wait_for(lambda: not running(pid), what="the dashboard's end")
    assert deck.is_("ann", "idle")


def starts_two(human: Human) -> None:
    human.press("n", "New agent in wordkit")
    human.type("ann")
    human.sees(r"name +ann ")
    human.keys("C-s")
    human.misses("New agent")
    human.sees("▌ ○ ann ")
    human.sees("1 idle|○1")
    human.press("n", "New agent in wordkit")
    human.type("hal")
    human.keys("Tab")
    human.keys("Down")
    human.press("Down", r"│ command")
    human.keys("Tab")
    human.type(f'/bin/sh -c "{COLOURS}; exec sh"')
    human.sees("exec sh")
    human.keys("C-s")
    human.misses("New agent")
    human.sees("漢字")
    human.sees("▌ . hal ")
    wait_for(lambda: len(human.tiles(["ann", "hal"])) == 2, what="two tiles")


def talks_in_zoom(human: Human) -> None:
    focuses(human, "ann")
    human.press("Enter", "Ctrl.Q")
    human.type("Say something ::say Hello out there.")
    human.sees("::say Hello out there")
    human.press("Enter", "^ *│? *Hello out there")
    human.press("C-q", "▌ ○ ann ")


def focuses(human: Human, name: str) -> None:
    """Move about until the thick edge is at this agent."""
    for key in ("g", "l", "j"):
        human.keys(key)
        try:
            human.sees(f"▌ . {name} ", 2)
        except AssertionError:
            continue
        return
    human.sees(f"▌ . {name} ", 0)


def hands_out_tasks(human: Human, deck: Deck) -> None:
    human.keys("S")
    human.type("snqx, mend it ::say Mended.")  # not waiting for the line: all of it is the task, nothing a command
    human.press("Enter", "#1 snqx, mend")
    comes_to(deck, 1, "review")
    human.sees("○ ann ")
    human.press("s", "Specs of wordkit for ann")
    human.type("shorten")
    human.press("Enter", "#2 Shorten")
    comes_to(deck, 2, "failed")  # the model knows no script for it: only words came, three times


def comes_to(deck: Deck, task: int, state: str) -> None:
    query = "SELECT state FROM tasks WHERE id = ?"
    deck.until(lambda: [row[0] for row in deck.sql(query, task)] == [state], f"task {task} {state}")


def answers_a_question(human: Human, deck: Deck) -> None:
    human.press("m", "Message to ann")
    human.type("Please ::bash touch allowed ::say Made it.")
    human.press("C-s", "1 needs you|[?]1", 20)
    focuses(human, "hal")
    human.press("w", "▌ [?] ann ")
    human.press("a", "ann asks")
    human.sees("touch allowed")
    human.press("y", "2 idle|○2")
    assert (Path(deck.row("ann")["worktree"]) / "allowed").exists()


def hides_and_filters(human: Human) -> None:
    human.press("v", "hidden: ○ 1 idle|h:○1")
    assert set(human.tiles(["ann", "hal"])) == {"hal"}
    human.keys("V")
    wait_for(lambda: set(human.tiles(["ann", "hal"])) == {"ann", "hal"}, what="the hidden one shown")
    focuses(human, "ann")
    human.keys("v")
    human.misses("hidden: ○ 1 idle|h:○1")
    human.keys("/")
    human.type("hal")
    wait_for(lambda: set(human.tiles(["ann", "hal"])) == {"hal"}, what="the filter's effect")
    human.press("Enter", "/hal 1 of 2")
    human.keys("Escape")
    human.misses("/hal 1 of 2")
    wait_for(lambda: set(human.tiles(["ann", "hal"])) == {"ann", "hal"}, what="everybody again")


def reads_the_cost(human: Human, model: ScriptedModel) -> None:
    focuses(human, "ann")
    human.press("u", "0 of 2 accepted")
    human.keys("q")
    human.press("$", "uncached input")
    served = sum(getattr(request.usage, name) for request in model.requests for name in TALLY)
    human.sees(rf"total tokens +{served:,}")
    human.keys("Escape")
    human.misses("uncached input")


def opens_a_shell(human: Human, deck: Deck) -> None:
    human.press("t", rf"^(.*│)?{PROMPT} *(│.*)?$")
    human.sees("ann's work tree on deck/ann/3; exit returns")
    human.command("echo in $(git branch --show-current) $((6 * 7))", "in deck/ann/3 42")
    human.type("exit")
    human.keys("Enter")
    human.misses("in deck/ann/3 42")
    human.sees("○ ann ")


def leaves_and_comes_back(human: Human, deck: Deck) -> None:
    human.press("v", "hidden: ○ 1 idle|h:○1")
    same(human, deck, ["hal"])
    engine = deck.engine()["pid"]
    human.press("q", f"^{PROMPT} *$")
    human.command("clear; agentdeck ls", r"^.*ann .*\n(.*\n)*.*hal ")
    assert deck.engine()["pid"] == engine
    assert running(engine)
    human.command("clear; agentdeck", "hidden: ○ 1 idle|h:○1")
    same(human, deck, ["hal"])
    human.keys("V")
    same(human, deck, ["ann", "hal"])


def loses_the_dashboard(human: Human, deck: Deck) -> None:
    (pid,) = [row[0] for row in deck.sql("SELECT pid FROM dashboards")]
    os.kill(pid, signal.SIGKILL)
    human.sees("Killed")
    human.type("stty sane; clear")
    human.press("C-j", f"^{PROMPT} *$")
    human.command("agentdeck", "hidden: ○ 1 idle|h:○1")
    human.keys("V")
    same(human, deck, ["ann", "hal"])
    human.press("q", f"^{PROMPT} *$")


def same(human: Human, deck: Deck, names: list[str]) -> None:
    """Just these are shown, and every tile equals its pane, cell by cell, once what lies over it has gone."""
    wait_for(lambda: sorted(human.tiles(["ann", "hal"])) == names, what=f"just {names} shown")
    panes = {row["name"]: row["pane"] for row in deck.sql("SELECT name, pane FROM agents")}

    def unlike() -> list[str]:
        places = human.tiles(names)
        shown = {name: human.cells(place) for name, place in places.items()}
        wanted = {name: pane_cells(paths.tmux_socket(), panes[name], *place[2:]) for name, place in places.items()}
        return [name for name in names if shown.get(name) != wanted.get(name)]

    wait_for(lambda: not unlike(), 15, f"{names} equal to their panes")
    for name, place in human.tiles(names).items():
        assert any(cell[0].strip() for line in human.cells(place) for cell in line), f"{name} shows nothing"
