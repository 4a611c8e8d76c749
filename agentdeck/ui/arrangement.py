"""The order of a view: pinned agents, then groups, each in the order given by hand. All of it is pure.

Nobody moves by himself: an agent's place follows from the view and from when he was made, from nothing he does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from agentdeck.models.view import GROUPINGS, Grouping, View
from agentdeck.services.fleet import AgentRow

PINNED = "pinned"


@dataclass(frozen=True, slots=True)
class Section:
    """Agents that stand together, in order. `title` is '' where a view has nothing to name.

    `group` is what they have in common, None for the pinned.
    """

    title: str
    rows: tuple[AgentRow, ...]
    group: str | None

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(row.agent.id for row in self.rows)


def marked_by(rows: Iterable[AgentRow], view: View) -> tuple[AgentRow, ...]:
    """The rows with `hidden` and `pinned` as this view has them."""
    return tuple(_marked(row, row.agent.id in view.hidden, row.agent.id in view.pinned) for row in rows)


def _marked(row: AgentRow, hidden: bool, pinned: bool) -> AgentRow:
    if (row.hidden, row.pinned) == (hidden, pinned):
        return row
    return replace(row, hidden=hidden, pinned=pinned)


def by_hand(rows: Sequence[AgentRow], view: View) -> list[AgentRow]:
    """In the order given by hand, whoever it does not name behind them in the order they come."""
    places = {agent: place for place, agent in enumerate(view.order)}
    return sorted(rows, key=lambda row: places.get(row.agent.id, len(places)))


def sections(rows: Sequence[AgentRow], view: View) -> list[Section]:
    """Who stands with whom: the pinned first, then the groups by name, those without a team before the others."""
    ordered = sorted(by_hand(rows, view), key=lambda row: _key(row, view))
    together = {key: tuple(found) for key, found in groupby(ordered, key=lambda row: _key(row, view))}
    titles = _titles(list(together), view.grouping)
    return [
        Section(title, found, group if rest else None)
        for title, ((rest, group), found) in zip(titles, together.items(), strict=True)
    ]


def arranged(rows: Sequence[AgentRow], view: View) -> tuple[AgentRow, ...]:
    """All of them in the order of the view."""
    return tuple(row for section in sections(rows, view) for row in section.rows)


def _key(row: AgentRow, view: View) -> tuple[bool, str]:
    return (False, "") if row.agent.id in view.pinned else (True, group_of(row, view.grouping))


def group_of(row: AgentRow, grouping: Grouping) -> str:
    """What the agents of one group have in common."""
    return {"team": row.agent.team, "repository": row.agent.repo, "none": ""}[grouping]


def _titles(keys: Sequence[tuple[bool, str]], grouping: Grouping) -> list[str]:
    """A heading for each section; none at all where there is nothing to tell apart."""
    if grouping == "none" or {group for _, group in keys} == {""}:
        return [""] * len(keys)
    names = group_names([group for rest, group in keys if rest], grouping)
    return [names[group] if rest else PINNED for rest, group in keys]


def group_names(groups: Collection[str], grouping: Grouping) -> dict[str, str]:
    """What each group is called: a repository by its own name, with its directory where two have the same."""
    if grouping == "team":
        return {group: group or "no team" for group in groups}
    same = Counter(Path(group).name for group in groups)
    return {group: "/".join(Path(group).parts[-1 if same[Path(group).name] < 2 else -2 :]) for group in groups}


def groups(rows: Iterable[AgentRow], grouping: Grouping) -> dict[str, tuple[AgentRow, ...]]:
    """Everybody by group, the pinned and the hidden ones too; groups by name."""
    found: dict[str, list[AgentRow]] = {}
    for row in rows:
        found.setdefault(group_of(row, grouping), []).append(row)
    return {group: tuple(found[group]) for group in sorted(found)}


def following_grouping(grouping: Grouping) -> Grouping:
    return GROUPINGS[(GROUPINGS.index(grouping) + 1) % len(GROUPINGS)]


def moved(
    rows: Sequence[AgentRow], view: View, shown: Collection[str], targets: Collection[str], step: int
) -> tuple[str, ...]:
    """The order by hand once `targets` have gone one place earlier (-1) or later (+1) among those that are shown.

    Nobody leaves his section, and targets at its end stay there; agents that are not shown keep their places.
    The order is that of all `rows`, so that agents made later come after them.
    """
    order = [row.agent.id for row in by_hand(rows, view)]
    for section in sections(rows, view):
        seen = [agent for agent in section.ids if agent in shown]
        places = [order.index(agent) for agent in seen]
        for place, agent in zip(places, _shifted(seen, targets, step), strict=True):
            order[place] = agent
    return tuple(order)


def _shifted(ids: Sequence[str], targets: Collection[str], step: int) -> list[str]:
    found = list(ids) if step < 0 else list(reversed(ids))
    for at in range(1, len(found)):
        if found[at] in targets and found[at - 1] not in targets:
            found[at - 1], found[at] = found[at], found[at - 1]
    return found if step < 0 else found[::-1]
