"""A usage limit or an outage that several agents meet is one matter: who is parked for it, and until when. Pure.

Agents of one client on one account share its usage limit; agents of one client share the service behind it. A limit is
believed of all when two of them are at it, an outage when two have been retrying for ten seconds. Parked agents are
handed nothing; a limit ends at its reset, an outage when nobody retries any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agentdeck.models.status import Status

SEVERAL = 2
OUTAGE_MS = 10_000  # a client that retries for less has had a hiccup

Kind = Literal["limit", "outage"]
Key = tuple[Kind, str, str]
"""Kind, harness, and for a limit the account."""


@dataclass(frozen=True, slots=True)
class Member:
    """An agent as parking sees it. `account` is where its client keeps its login."""

    agent: str
    harness: str
    account: str
    status: Status


@dataclass(frozen=True, slots=True)
class Park:
    """`seen` are the agents that met it, `parked` all that wait for its end. Times in UTC milliseconds, 0: unknown."""

    kind: Kind
    harness: str
    until: int
    since: int
    seen: tuple[str, ...]
    parked: tuple[str, ...]

    @property
    def words(self) -> str:
        """`usage limit of claude until Wed 20:50, met by 3 agents`."""
        met = f"met by {len(self.seen)} agents"
        if self.kind == "outage":
            return f"{self.harness} gets no answer from its service, {met}"
        until = f" until {datetime.fromtimestamp(self.until / 1000):%a %H:%M}" if self.until else ""
        return f"usage limit of {self.harness}{until}, {met}"


def parks(members: Iterable[Member], before: Mapping[Key, Park], now: int) -> dict[Key, Park]:
    """What agents are parked for now."""
    groups: dict[Key, list[Member]] = defaultdict(list)
    for member in members:
        groups["limit", member.harness, member.account].append(member)
        groups["outage", member.harness, ""].append(member)
    found = {}
    for key, everybody in groups.items():
        seen = [member for member in everybody if _meets(key[0], member, now)]
        least = 1 if key in before else SEVERAL
        if len(seen) < least:
            continue
        until = max((member.status.until for member in seen), default=0) if key[0] == "limit" else 0
        since = before[key].since if key in before else now
        ids = tuple(sorted(member.agent for member in seen))
        found[key] = Park(key[0], key[1], until, since, ids, tuple(sorted(member.agent for member in everybody)))
    return found


def _meets(kind: Kind, member: Member, now: int) -> bool:
    status = member.status
    if kind == "limit":
        return status.state == "limited" and (not status.until or now < status.until)
    return status.state == "retrying" and now - status.since >= OUTAGE_MS
