"""A copy of every agent's row outside the database: what brings the agent back when that is lost, or is an old one.

One copy lies in the admin directory of its worktree, where it moves and goes with the tree; another in the
agent's scratch folder, found by the id that its pane carries.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from agentdeck import paths
from agentdeck.adapters import git_links
from agentdeck.models.agent import NAME, Agent
from agentdeck.services import rows

FILE = "deck-agent.json"
_FIELDS = tuple(field.name for field in fields(Agent))


class Records:
    """Keeps the copies up to date; `sync` writes only what has changed since it last looked."""

    def __init__(self) -> None:
        self._kept: dict[str, Agent] = {}

    def changed(self, agents: Iterable[Agent]) -> list[Agent]:
        """Those whose copies are not as the rows are. Only comparing: cheap enough for a beat."""
        return [agent for agent in agents if agent.life in ("live", "stopped") and self._kept.get(agent.id) != agent]

    def sync(self, agents: Iterable[Agent]) -> None:
        """Write the copies of these agents. Blocks; one that cannot be written now is written with the next change."""
        for agent in agents:
            self._kept[agent.id] = agent
            text = json.dumps(rows.agent_columns(agent), ensure_ascii=False, indent=1)
            for folder in _homes(agent):
                with contextlib.suppress(OSError):
                    _write(folder / FILE, text)


def _homes(agent: Agent) -> list[Path]:
    own = paths.agent_dir(agent.id)
    homes = [own] if own.is_dir() else []
    if not agent.here and agent.worktree:
        link, admin = git_links.read(Path(agent.worktree))
        homes += [admin] if link == "file" and admin is not None else []
    return homes


def _write(file: Path, text: str) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", errors="surrogateescape") as handle:
        handle.write(text)
    os.replace(beside, file)


def of_pane(deck_id: str) -> Agent | None:
    """The agent whose pane carries this id."""
    found = _read(paths.agent_dir(deck_id) / FILE)
    return found if found is not None and found.id == deck_id else None


def of_tree(tree: Path) -> Agent | None:
    """The agent that a worktree was made for."""
    link, admin = git_links.read(tree)
    found = _read(admin / FILE) if link == "file" and admin is not None else None
    if found is not None:
        return found
    real = os.path.realpath(tree)  # git has forgotten the tree, and its admin directory is gone
    scratch = (_read(file) for file in sorted(paths.agent_dir("x").parent.glob(f"*/{FILE}")))
    return next((one for one in scratch if one is not None and os.path.realpath(one.worktree) == real), None)


def _read(file: Path) -> Agent | None:
    """The copy in `file`; None when there is none that makes sense."""
    try:
        data: dict[str, Any] = json.loads(file.read_text(errors="surrogateescape"))
        known = {name: data[name] for name in _FIELDS if name in data}
        known |= {"argv": tuple(json.loads(known["argv"])), "here": bool(known["here"])}
        found = Agent(**known)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    texts = (found.id, found.name, found.harness, found.repo, found.worktree, found.session)
    return found if all(isinstance(text, str) for text in texts) and NAME.match(found.name) else None
