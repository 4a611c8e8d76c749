"""The words around a tile's screen."""

from __future__ import annotations

from dataclasses import replace

from agentdeck.models.agent import Agent
from agentdeck.models.status import Status
from agentdeck.services.fleet import AgentRow, Diff, TaskRef
from agentdeck.ui.widgets.tile_text import blank, foot, title

AGENT = Agent("id", "ann", "builtin", "/r", "/t", "deck/ann/1", "", "", "live", created=1)


def test_a_task_says_where_it_stands_unless_it_runs() -> None:
    row = AgentRow(AGENT, Status("idle"), task=TaskRef(3, "Mend the parser", "review"))
    assert "#3 [review] Mend the parser" in title(row, 90, 0).plain
    running = AgentRow(AGENT, Status("working"), task=TaskRef(3, "Mend the parser", "running"))
    assert "#3 Mend the parser" in title(running, 90, 0).plain


def test_a_change_without_lines_is_still_a_change() -> None:
    assert "1 file " in foot(AgentRow(AGENT, Status(), diff=Diff(1, 0, 0)), 60).plain
    assert "+2 −1" in foot(AgentRow(AGENT, Status(), diff=Diff(1, 2, 1)), 60).plain
    assert "file" not in foot(AgentRow(AGENT, Status(), diff=Diff(0, 0, 0)), 60).plain


def test_an_ended_agent_without_a_picture_says_how_it_ended_and_what_is_kept() -> None:
    gone = AgentRow(replace(AGENT, life="stopped", ended=1_800_000_000_000, exit_code=3), Status("exited"))
    assert blank(gone, 90).plain.strip().endswith("with exit 3; its tree, branch and conversation are kept")
    assert blank(gone, 12).cell_length == 12
