"""What the monitor makes of a tmux that did not answer for a while, and of silence that was another state's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from agentdeck.adapters import tmux
from agentdeck.models.agent import Agent
from agentdeck.models.pane import Pane
from agentdeck.models.status import Evidence, Status
from agentdeck.services.status import monitor as module
from agentdeck.services.status.monitor import GAP_MS, Monitor

T = 1_700_000_000_000
AGENT = Agent(id="a1", name="ann", harness="builtin", repo="/r", worktree="/t", branch="b", base="main",
              base_oid="0" * 40, life="live", pane="%1", pid=1)  # fmt: skip
PANE = Pane("%1", "@1", "a1", 1, "python", "? ann", False, None, None, 120, 40, 0, 0, True, False, False,
            T // 1000 - 100, 0)  # fmt: skip


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the time, in ms after T."""
    monkeypatch.setattr(module, "now_ms", lambda: T)
    return lambda after: monkeypatch.setattr(module, "now_ms", lambda: T + after)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether tmux answers, by its last item."""
    said = [True]

    async def list_panes(client: object, *, timeout: float = 10.0) -> dict[str, Pane]:
        if not said[-1]:
            raise tmux.TmuxError("no answer")
        return {"%1": PANE}

    monkeypatch.setattr(tmux, "list_panes", list_panes)
    return said


async def test_nobody_was_silent_while_tmux_did_not_answer(clock: Callable[[int], None], answers: list[bool]) -> None:
    watching = Monitor()
    client: tmux.ControlClient = object()  # type: ignore[assignment]
    panes = await watching._panes(client)
    assert panes and panes["%1"].activity == T // 1000  # nothing is known of the time before either
    clock(1_000)
    assert (await watching._panes(client) or {})["%1"].activity == T // 1000
    assert watching.hears
    answers.append(False)
    clock(2_000)
    assert await watching._panes(client) is None
    clock(1_000 + GAP_MS)
    assert not watching.hears
    answers.append(True)
    clock(30_000)
    assert (await watching._panes(client) or {})["%1"].activity == T // 1000 + 30
    assert watching.hears


def test_silence_that_was_measured_in_another_state_says_nothing_of_who_waits(clock: Callable[[int], None]) -> None:
    """An agent that stood still for a moment before it asked would be said to hang a little later."""
    watching = Monitor()
    watching.know([AGENT])
    watched = watching.watched["a1"]
    asks = Evidence("hook", ("needs_input",), T, T, "a hook", "permission")
    watched.status, watched.pane, watched.busy = Status("needs_input", since=T), PANE, False
    watched.evidence["hook"] = asks
    watching._measure_silent(T)
    assert watched.busy is None
    clock(20_000)
    watching._observe(AGENT, watched, {"%1": replace(PANE, deck_id="a1")}, False, T + 20_000)
    watching._judge("a1", T + 20_000)
    assert watching.status("a1").state == "needs_input"


@pytest.mark.parametrize(("behind", "state"), [(True, "working"), (False, "hung")])
def test_work_in_the_background_moves_nothing_on_a_screen(
    clock: Callable[[int], None], behind: bool, state: str
) -> None:
    watching = Monitor()
    watching.know([AGENT])
    watched = watching.watched["a1"]
    watched.status, watched.pane, watched.busy = Status("working", since=T), PANE, False
    watched.evidence["hook"] = Evidence("hook", ("working",), T, T, "a hook", background=behind)
    watching._observe(AGENT, watched, {"%1": replace(PANE, deck_id="a1", title="")}, False, T + 20_000)
    watching._judge("a1", T + 20_000)
    assert watching.status("a1").state == state


def test_what_a_resumed_client_told_while_it_was_being_entered_stays() -> None:
    """Its first hook may come before the deck has written down that it runs; of its last life nothing stays."""
    watching = Monitor()
    watching.know([AGENT])
    held = watching.watched["a1"].evidence
    held["hook"] = Evidence("hook", ("working",), T + 40, T + 40, "a hook of this life")
    held["tmux"] = Evidence("tmux", ("exited",), T + 10, T + 10, "seen of the last one")
    watching.fresh_start("a1", T)
    assert list(watching.watched["a1"].evidence) == ["hook"]
    assert watching.watched["a1"].dirty == {"hook"}, "the row of it is written again"
    watching.fresh_start("a1", T + 41)
    assert not watching.watched["a1"].evidence
