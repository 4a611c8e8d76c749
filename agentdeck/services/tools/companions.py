"""Companions: a shell or tool of the human's in a pane of ours, in the worktree of the agent beside whom it stands.

It is a row of `agents` with `beside`, so that every view shows it, zooms it and finds it again
after a crash; `here` keeps every removal away from the worktree, which is the agent's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence

from agentdeck.errors import AgentDeckError, TryAgain
from agentdeck.models.agent import NAME, Agent
from agentdeck.services import rows
from agentdeck.services.lives.lives import Order
from agentdeck.services.status.evidence import is_prompt_shell

_LONGEST = 32


def name(agent: Agent, what: str, taken: Collection[str]) -> str:
    """`ada-sh`, `ada-lazygit`, `ada-lazygit2`: a name nobody has."""
    tail = "".join(c if c.isascii() and c.isalnum() else "-" for c in what.lower()).strip("-") or "tool"
    for number in ("", *map(str, range(2, 1000))):
        end = f"-{tail[:12].strip('-')}{number}"
        found = agent.name[: _LONGEST - len(end)].rstrip("-") + end
        if found not in taken and NAME.match(found):
            return found
    raise AgentDeckError(f"too many terminals are open beside '{agent.name}'", "Close some: exit, or x on a tile.")


def order(agent: Agent, what: str, argv: Sequence[str], taken: Collection[str]) -> Order:
    """What to make for `argv` beside `agent`; `what` names it. No argv: the human's own shell."""
    if agent.beside:
        raise AgentDeckError(f"'{agent.name}' is no agent", "Open it beside the agent.")
    if not agent.worktree:
        raise TryAgain(f"'{agent.name}' is still being made", "Try again in a moment.")
    return Order(
        name(agent, what, taken), "shell", agent.worktree, here=True, team=agent.team, beside=agent.id,
        args=tuple(argv), setup="skip",
    )  # fmt: skip


def of(everybody: Iterable[Agent], agent_id: str) -> list[Agent]:
    """The companions beside one agent."""
    return [each for each in everybody if each.beside == agent_id]


def release(conn: sqlite3.Connection, agent: Agent) -> list[Agent]:
    """The companions that go when `agent` is removed. Raises while one of them runs in its worktree."""
    found = of(rows.agents(conn), agent.id)
    running = [each.name for each in found if each.life in ("creating", "live")]
    if running:
        raise AgentDeckError(
            f"you have a terminal open beside '{agent.name}': {', '.join(running)}",
            "Leave it (exit), or stop it, then remove the agent.",
        )
    return found


def spent(agent: Agent) -> bool:
    """Whether an ended companion goes by itself: always, but for a tool that failed and has something to say."""
    if not agent.beside or agent.life != "stopped":
        return False
    return not agent.exit_code or is_prompt_shell(agent.argv)
