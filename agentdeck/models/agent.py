"""One named instance of a harness: one pane, one worktree, one branch at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agentdeck.errors import UsageError

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\Z")
NAME_RULE = "1 to 32 of a-z, 0-9 and '-', beginning and ending with a letter or digit"
TEAM_LENGTH = 40
TEAM_RULE = f"at most {TEAM_LENGTH} printable characters"


def is_team(text: str) -> bool:
    """Whether a team can be called so; '' is no team."""
    return len(text) <= TEAM_LENGTH and text == text.strip() and text.isprintable()


def check_team(text: str) -> None:
    """Raise UsageError unless a team can be called so."""
    if not is_team(text):
        raise UsageError(f"{text!r} cannot be a team's name", f"It is {TEAM_RULE}.")


@dataclass(frozen=True, slots=True)
class Agent:
    """A row of `agents`. Everything keys on `id`; `name` can change. Times are UTC milliseconds.

    `life` is a stored fact about the process: `creating`, `live`, `stopped` (it ended or
    was stopped; the tree is kept) or `removed`. What the agent is doing is its status.

    With `beside` it is no agent but a companion: a shell or tool that the human opened in the
    worktree of the agent with that id. It has a pane and a tile, takes no task, is counted
    nowhere, and goes when its program ends; the worktree is never its own.
    """

    id: str
    name: str
    harness: str
    repo: str
    worktree: str
    branch: str
    base: str
    base_oid: str
    life: str
    model: str = ""
    team: str = ""
    here: bool = False
    pane: str = ""
    window: str = ""
    pid: int = 0
    pid_start: float = 0.0
    cols: int = 120
    rows: int = 40
    argv: tuple[str, ...] = ()
    session: str = ""
    task_count: int = 0
    created: int = 0
    ended: int = 0
    exit_code: int | None = None
    home: str = ""  # the HOME the client was started with: its own files live there
    beside: str = ""
    config_home: str = ""  # the client's own configuration directory, when its environment moved it
