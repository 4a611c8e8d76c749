"""A deck without an engine: rows made by hand, and a bridge that remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.message_pump import MessagePump

from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.collision import Collision
from agentdeck.models.delivery import Delivery
from agentdeck.models.status import Ask, Reason, State, Status
from agentdeck.models.trash import TrashEntry
from agentdeck.models.usage import Tokens
from agentdeck.models.view import View, ViewChange
from agentdeck.services.away import Absence
from agentdeck.services.fleet import AgentRow, Context, Diff, EngineNote, Fleet, ForeignRow, UsageSum
from agentdeck.services.trees.loss_report import Report
from agentdeck.services.usage.stats import AgentStats
from agentdeck.services.usage.usage_view import By, Span, UsageView
from agentdeck.services.views import ViewNote
from agentdeck.ui.app import DeckApp
from agentdeck.ui.arrangement import marked_by
from agentdeck.ui.bridge import Bridge, FleetChanged


def row(
    name: str,
    state: State = "idle",
    *,
    team: str = "",
    hidden: bool = False,
    reason: Reason = "",
    ask: Ask | None = None,
    life: str = "live",
    repo: str = "/repo/shop",
    harness: str = "builtin",
) -> AgentRow:
    """One agent in one state, for three minutes now."""
    number = sum(name.encode()) % 90
    agent = Agent(
        id=f"id-{name}", name=name, harness=harness, repo=repo, worktree=f"/trees/{name}", branch=f"deck/{name}/1",
        base="main", base_oid="0" * 40, life=life, team=team, pane=f"%{number}", window=f"@{number}",
    )  # fmt: skip
    status = Status(state, "hook", now_ms() - 180_000, "a test says so", reason, ask)
    usage = UsageSum(Tokens(1000 + number, 20_000, 300, 0, 500, 100), 12, 34_500_000, 0)
    return AgentRow(agent, status, usage, diff=Diff(2, 30, 4), context=Context(42_000, 200_000), hidden=hidden)


class FakeBridge(Bridge):
    """Answers from `replies` (by kind; an exception is raised), and keeps the view as the database does."""

    def __init__(self, target: MessagePump, view: str, rows: Sequence[AgentRow]) -> None:
        super().__init__(target, view)
        self.rows = tuple(rows)
        self.stored = View(view, hidden=frozenset(one.agent.id for one in self.rows if one.hidden))
        self.asked: list[tuple[str, str, dict[str, object]]] = []
        self.replies: dict[str, Any] = {}
        self.delivered: tuple[str, str] = ("acknowledged", "prompt hook")
        self.outbox: list[Delivery] = []
        self.used = AgentStats()
        self.usage = UsageView("agent", "today", 0)
        self.looks: list[tuple[By, Span]] = []
        self.absence = Absence()
        self.collisions: tuple[Collision, ...] = ()
        self.foreign: tuple[ForeignRow, ...] = ()
        self.reports: dict[str, Report] = {}
        self.removed: list[TrashEntry] = []
        self.survivors: list[str] = []
        self.rung: list[list[str]] = []  # for whom a bell was claimed, one entry a bell
        self.changes: list[ViewChange] = []
        self.refuses: Exception | None = None
        self.others: dict[str, View] = {}

    def start(self) -> None:
        self.tell()

    def stop(self) -> None:
        pass

    def tell(self) -> None:
        today = UsageSum(Tokens(1_000_000, 0, 0, 0, 200_000), 40, 3_410_000_000, 0)
        rows = marked_by(self.rows, self.stored)
        fleet = Fleet(
            rows, EngineNote(True, 1, 5), today, self.stored, collisions=self.collisions, foreign=self.foreign
        )
        self.target.post_message(FleetChanged(fleet))

    def change(self, name: str, **changes: Any) -> None:
        """Change fields of an agent's status and tell the dashboard."""
        self.rows = tuple(
            replace(one, status=replace(one.status, **changes)) if one.agent.name == name else one for one in self.rows
        )
        self.tell()

    async def ask(self, kind: str, agent: str = "", *, timeout: float = 30.0, **args: object) -> dict[str, object]:
        self.asked.append((kind, agent, args))
        reply = self.replies.get(kind, {"delivery": "d1"})
        reply = reply(args) if callable(reply) else reply
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def ask_with_environment(self, kind: str, agent: str = "", **args: object) -> dict[str, object]:
        return await self.ask(kind, agent, **args)

    async def losses(self, agents: Sequence[str]) -> list[Report]:
        if missing := [agent for agent in agents if agent not in self.reports]:
            raise AgentDeckError(f"nothing is known of {missing}", "Give the fake a report.")
        return [self.reports[agent] for agent in agents]

    async def trash(self) -> list[TrashEntry]:
        return self.removed

    async def away(self, since: int, patience: float = 0.0) -> Absence:
        return replace(self.absence, since=since or self.absence.since)

    async def note_seen(self, *seen: tuple[str, Status]) -> None:
        now, ids = now_ms(), {agent for agent, _ in seen}
        self.rows = tuple(replace(one, seen=now) if one.agent.id in ids else one for one in self.rows)
        self.tell()

    async def claim_bell(self, told: Sequence[tuple[str, Status]]) -> bool:
        self.rung.append([agent for agent, _ in told])
        return True

    async def retry(self, task: int) -> None:
        self.asked.append(("retry", str(task), {}))

    async def stats(self, agent: str) -> AgentStats:
        return self.used

    async def usage_view(self, by: By, span: Span) -> tuple[UsageView, int]:
        self.looks.append((by, span))
        return replace(self.usage, by=by, span=span, now=now_ms()), 120

    async def receipt(self, delivery: str, seconds: float) -> tuple[str, str]:
        return self.delivered

    async def waiting(self, agents: Sequence[str]) -> list[Delivery]:
        return [one for one in self.outbox if one.agent in agents]

    async def change_view(self, view: str, change: ViewChange) -> int:
        self.changes.append(change)
        if self.refuses is not None:
            raise self.refuses
        self.change_elsewhere(change)
        return self.stored.revision

    async def views(self) -> list[ViewNote]:
        return [ViewNote(self.stored, 1), *(ViewNote(view, 0) for view in self.others.values())]

    async def show_view(self, name: str) -> View:
        self.others[self.view] = self.stored
        self.stored = self.others.pop(name, replace(self.stored, name=name, revision=1))
        self.view = name
        return self.stored

    def change_elsewhere(self, change: ViewChange) -> None:
        """As another dashboard on the same view does it."""
        self.stored = replace(change.applied(self.stored), revision=self.stored.revision + 1)
        self.tell()

    async def ensure_engine(self) -> None:
        pass

    async def strays(self) -> list[str]:
        return self.survivors


def make_app(*rows: AgentRow, repo: Path | None = Path("/repo/shop"), view: str = "default", **more: Any) -> DeckApp:
    def bridge(target: MessagePump, view: str) -> FakeBridge:
        return FakeBridge(target, view, rows)

    return DeckApp(view, repo, bridge=bridge, live=None, **more)


def fake(app: DeckApp) -> FakeBridge:
    assert isinstance(app.bridge, FakeBridge)
    return app.bridge


async def until(pilot: Any, true: Callable[[], object], what: str = "the condition") -> None:
    """Let the app work until `true()`, at most five seconds."""
    import asyncio

    deadline = asyncio.get_running_loop().time() + 5
    while not true():
        assert asyncio.get_running_loop().time() < deadline, f"{what} did not come true"
        await pilot.pause(0.01)
