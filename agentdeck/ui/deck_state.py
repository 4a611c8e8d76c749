"""What the keys of the dashboard depend on, as one value: who is shown, who is focused, where we stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentdeck.models.clock import age
from agentdeck.models.view import View
from agentdeck.services.fleet import AgentRow, Fleet, ForeignRow
from agentdeck.ui import arrangement
from agentdeck.ui.badges import WORDS
from agentdeck.ui.levels import ALL


@dataclass(frozen=True, slots=True)
class DeckState:
    """`rows` are the agents shown, in their order; `targets` those that a key acts on: the marked, else the focused.

    `filter` is the one in force: while it is typed, another one than that of the view.
    `level` is the stage's, as in `ui/levels`; `whereabouts` says which part of the agents is visible, '' for all.
    """

    fleet: Fleet = Fleet()
    rows: tuple[AgentRow, ...] = ()
    focused: AgentRow | None = None
    marked: frozenset[str] = frozenset()
    repo: Path | None = None
    show_hidden: bool = False
    filter: str = ""
    view: View = View()
    level: int = ALL
    whereabouts: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)  # why a tool cannot be opened, by its name; '': the editor

    @property
    def agents(self) -> tuple[AgentRow, ...]:
        """The rows without companions: what is counted, numbered and sought."""
        return tuple(row for row in self.rows if not row.agent.beside)

    @property
    def targets(self) -> tuple[AgentRow, ...]:
        marked = tuple(row for row in self.rows if row.agent.id in self.marked)
        if marked:
            return marked
        return (self.focused,) if self.focused else ()


def kept(new: tuple[AgentRow, ...], old: tuple[AgentRow, ...]) -> tuple[AgentRow, ...]:
    """The new rows, but the very same objects wherever nothing differs: to compare them again costs nothing."""
    known = {row.agent.id: row for row in old}
    return tuple(before if (before := known.get(row.agent.id)) == row and before else row for row in new)


def ages(rows: Iterable[AgentRow | ForeignRow], now: int) -> tuple[str, ...]:
    """How long each has been in its state, as it is told: what changes while nothing else does."""
    return tuple(age(now - row.status.since) if row.status.since else "" for row in rows)


def matches(row: AgentRow, text: str) -> bool:
    """Does every word of the filter occur in the agent's name, team, harness, branch, repository, task or status?"""
    agent = row.agent
    parts = [agent.name, agent.team, agent.harness, agent.model, agent.branch, Path(agent.repo).name]
    parts += [row.status.state, WORDS[row.status.state], row.status.reason, row.task.title if row.task else ""]
    hay = " ".join(parts).lower()
    return all(word in hay for word in text.lower().split())


def shown(
    rows: Iterable[AgentRow], text: str = "", show_hidden: bool = False, view: View | None = None
) -> tuple[AgentRow, ...]:
    """The agents a view shows, in its order, each with the terminals beside it: no row moves by itself."""
    rows = tuple(rows)
    kept = [row for row in rows if not row.agent.beside and (show_hidden or not row.hidden) and matches(row, text)]
    return with_companions(arrangement.arranged(kept, view or View()), rows, show_hidden)


def with_companions(
    agents: Iterable[AgentRow], rows: Iterable[AgentRow], show_hidden: bool = False
) -> tuple[AgentRow, ...]:
    """Each of `agents` followed by the terminals that are open beside it, which come and go with it."""
    beside: dict[str, list[AgentRow]] = {}
    for row in rows:
        if row.agent.beside and (show_hidden or not row.hidden):
            beside.setdefault(row.agent.beside, []).append(row)
    return tuple(each for row in agents for each in (row, *beside.get(row.agent.id, ())))


def after_move(state: DeckState, step: int) -> tuple[str, ...]:
    """The order by hand once the targets have gone one place earlier (-1) or later (+1)."""
    shown_ids = {row.agent.id for row in state.agents}
    targets = {row.agent.beside or row.agent.id for row in state.targets}
    return arrangement.moved(state.fleet.agents, state.view, shown_ids, targets, step)


def can_move(state: DeckState, step: int) -> bool:
    """Whether that changes anything."""
    after = replace(state.view, order=after_move(state, step))
    return arrangement.arranged(state.agents, state.view) != arrangement.arranged(state.agents, after)


def following(rows: tuple[AgentRow, ...], focused: AgentRow | None, states: tuple[str, ...], step: int = 1) -> str:
    """The id of the next (or previous) agent in one of `states`, going round from the focused one; '' for none."""
    ids = [row.agent.id for row in rows]
    start = ids.index(focused.agent.id) if focused and focused.agent.id in ids else -step
    for distance in range(1, len(rows) + 1):
        row = rows[(start + step * distance) % len(rows)]
        if row.status.state in states and not row.agent.beside:
            return row.agent.id
    return ""
