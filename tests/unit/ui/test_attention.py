"""What the terminal's title says, and who counts as needing a human."""

from __future__ import annotations

from agentdeck.models.agent import Agent
from agentdeck.models.status import State, Status
from agentdeck.services.fleet import AgentRow, Fleet
from agentdeck.ui.attention import needing, sequence, title


def fleet(**states: State) -> Fleet:
    rows = (
        AgentRow(Agent(name, name, "shell", "/r", "/t", "", "", "", "live", created=1), Status(state))
        for name, state in states.items()
    )
    return Fleet(tuple(rows))


def test_the_title_counts_who_needs_a_human() -> None:
    assert title(fleet(a="working", b="needs_input", c="failed"), "site") == "(2) agentdeck: site"
    assert title(fleet(a="working", b="idle"), "site") == "agentdeck: site"
    assert title(fleet(), "") == "agentdeck"
    assert set(needing(fleet(a="hung", b="limited", c="unknown", d="exited"))) == {"a", "b"}


def test_a_title_cannot_carry_a_terminal_sequence() -> None:
    assert sequence("a\x1b]0;evil\x07\nb") == "\x1b]2;a]0;evilb\x1b\\"
