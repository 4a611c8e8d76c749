"""A named arrangement of the deck: whom it shows, in which order, and how; and a change of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, cast, get_args

VIEW_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")
VIEW_NAME_RULE = "1 to 32 letters, digits, '.', '_' or '-', beginning with a letter or digit"
DEFAULT = "default"

Grouping = Literal["team", "repository", "none"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)


def grouping_of(text: str) -> Grouping:
    """A grouping as it was stored; `team` for one that this version does not know."""
    return cast(Grouping, text) if text in GROUPINGS else "team"


@dataclass(frozen=True, slots=True)
class View:
    """Agents by id. `order` is the order given by hand: whoever is not in it comes after, as they were made.

    `level` and `panel` are words of the dashboard's own ('' is its usual one, and no panel).
    `revision` grows with every change that is stored.
    """

    name: str = DEFAULT
    filter: str = ""
    grouping: Grouping = "team"
    level: str = ""
    panel: str = ""
    hidden: frozenset[str] = frozenset()
    pinned: frozenset[str] = frozenset()
    order: tuple[str, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True)
class ViewChange:
    """What is to become of a view; None, and an agent not named, leaves it as it is.

    `hidden` and `pinned` say it per agent, so that two dashboards that hide different agents at once both do;
    an order is given as a whole.
    """

    filter: str | None = None
    grouping: Grouping | None = None
    level: str | None = None
    panel: str | None = None
    hidden: Mapping[str, bool] = field(default_factory=dict)
    pinned: Mapping[str, bool] = field(default_factory=dict)
    order: tuple[str, ...] | None = None

    def then(self, later: ViewChange) -> ViewChange:
        """Both changes as one."""
        return ViewChange(
            filter=self.filter if later.filter is None else later.filter,
            grouping=self.grouping if later.grouping is None else later.grouping,
            level=self.level if later.level is None else later.level,
            panel=self.panel if later.panel is None else later.panel,
            hidden={**self.hidden, **later.hidden},
            pinned={**self.pinned, **later.pinned},
            order=self.order if later.order is None else later.order,
        )

    def applied(self, view: View) -> View:
        """The view after this change; its revision is the store's to say."""
        return replace(
            view,
            filter=view.filter if self.filter is None else self.filter,
            grouping=view.grouping if self.grouping is None else self.grouping,
            level=view.level if self.level is None else self.level,
            panel=view.panel if self.panel is None else self.panel,
            hidden=_with(view.hidden, self.hidden),
            pinned=_with(view.pinned, self.pinned),
            order=view.order if self.order is None else self.order,
        )


def _with(members: frozenset[str], said: Mapping[str, bool]) -> frozenset[str]:
    return members - said.keys() | {agent for agent, member in said.items() if member}
