"""What a view needs to know of all agents, read in a few queries from the database alone."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass, replace

from agentdeck.adapters import processes
from agentdeck.models.agent import Agent
from agentdeck.models.budget import Act
from agentdeck.models.clock import iso, midnight, now_ms
from agentdeck.models.collision import Collision
from agentdeck.models.delivery import OPEN
from agentdeck.models.foreign import Foreign
from agentdeck.models.status import Ask, Status
from agentdeck.models.tree import DiskUse, TreeState
from agentdeck.models.usage import Tokens
from agentdeck.models.usage_sum import UsageSum, usage_json
from agentdeck.models.view import View
from agentdeck.services import rows, views
from agentdeck.services.asking import attention
from agentdeck.services.budgets import budget_rows
from agentdeck.services.radar import collisions
from agentdeck.services.radar.collisions import Clash
from agentdeck.services.usage.pace import Pace

STALE_MS = 10_000  # an engine that has not beaten for this long is not alive


@dataclass(frozen=True, slots=True)
class TaskRef:
    id: int
    title: str
    state: str


@dataclass(frozen=True, slots=True)
class Diff:
    files: int
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Context:
    used_tokens: int
    window_tokens: int | None


@dataclass(frozen=True, slots=True)
class DeliveryNote:
    """The delivery in hand for an agent and how many are open; else the newest, within a minute of its end."""

    state: str
    reason: str
    open: int = 0


@dataclass(frozen=True, slots=True)
class AgentRow:
    agent: Agent
    status: Status
    usage: UsageSum = UsageSum()
    task: TaskRef | None = None
    diff: Diff | None = None
    context: Context | None = None
    hidden: bool = False
    delivery: DeliveryNote | None = None
    pinned: bool = False
    tree: TreeState = TreeState()
    disk: DiskUse | None = None
    clashes: tuple[Clash, ...] = ()
    budget: Act | None = None
    parked: str = ""  # why it waits together with others: a usage limit, an outage
    seen: int = 0  # when a human saw what it needs now (UTC ms), 0: nobody has


@dataclass(frozen=True, slots=True)
class EngineNote:
    alive: bool = False
    pid: int = 0
    age_ms: int = 0


@dataclass(frozen=True, slots=True)
class ForeignRow:
    """A session that was started outside the deck; it is no agent, and never free."""

    session: Foreign
    status: Status
    usage: UsageSum = UsageSum()


@dataclass(frozen=True, slots=True)
class Fleet:
    rows: tuple[AgentRow, ...] = ()
    engine: EngineNote = EngineNote()
    today: UsageSum = UsageSum()
    view: View = View()
    queued: int = 0
    review: int = 0
    low_disk: str = ""  # what is left, while a file system is below the floor
    collisions: tuple[Collision, ...] = ()

    leases: int = 0  # on agents' sizes, by zooms of any dashboard
    trashed: int = 0  # removed agents that can be brought back
    pace: Pace = Pace()  # when it was asked for
    foreign: tuple[ForeignRow, ...] = ()  # sessions started outside the deck, when they were asked for

    @property
    def agents(self) -> tuple[AgentRow, ...]:
        """The rows without companions, which are shown and counted nowhere."""
        return tuple(row for row in self.rows if not row.agent.beside)


USAGE_SUM = """SUM(input) input, SUM(cache_read) cache_read, SUM(cache_write_5m) cache_write_5m,
    SUM(cache_write_1h) cache_write_1h, SUM(output) output, SUM(reasoning) reasoning,
    SUM(messages) messages, SUM(cost) cost, SUM(unpriced_tokens) unpriced_tokens"""


CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")


def usage_sum(row: sqlite3.Row | None) -> UsageSum:
    if row is None or row["messages"] is None:
        return UsageSum()
    tokens = Tokens(*(row[name] for name in CLASSES))
    return UsageSum(tokens, row["messages"], row["cost"], row["unpriced_tokens"])


def engine_note(conn: sqlite3.Connection, now: int) -> EngineNote:
    row = conn.execute("SELECT pid, heartbeat FROM engine").fetchone()
    if row is None or not row["heartbeat"] or row["pid"] <= 0:
        return EngineNote()
    age = now - row["heartbeat"]
    return EngineNote(alive=age < STALE_MS and processes.runs(row["pid"]), pid=row["pid"], age_ms=age)


# One query a fact, each keyed by agent: their cost does not grow with what hidden agents print.
TASKS = """SELECT a.agent, t.id, t.title, t.state FROM attempts a JOIN tasks t ON t.id = a.task
    WHERE a.started = (SELECT MAX(b.started) FROM attempts b WHERE b.agent = a.agent)
    AND t.state IN ('running', 'verifying', 'review')"""
NOTES = """SELECT agent, state, reason FROM deliveries
    WHERE state IN ('queued', 'pasted', 'submitted') OR settled > ? ORDER BY created"""
SPENT = f"""SELECT agent, {USAGE_SUM} FROM usage_ever
    WHERE agent IN (SELECT id FROM agents WHERE life != 'removed') GROUP BY agent"""
TODAY = f"SELECT {USAGE_SUM} FROM usage_quarters WHERE quarter >= ?"
NOTE_MS = 60_000


def load(conn: sqlite3.Connection | None, view: str = "default", now: int | None = None) -> Fleet:
    """The fleet as `view` sees it; an empty one when there is no database yet."""
    if conn is None:
        return Fleet(view=View(view))
    now = now or now_ms()
    arrangement = views.load(conn, view)
    count = conn.execute("SELECT SUM(state = 'queued'), SUM(state = 'review') FROM tasks").fetchone()
    clashing = collisions.load(conn)
    return Fleet(
        _rows(conn, arrangement, now, clashing),
        engine_note(conn, now),
        usage_sum(conn.execute(TODAY, (midnight(now),)).fetchone()),
        arrangement,
        count[0] or 0,
        count[1] or 0,
        collisions=clashing,
        leases=conn.execute("SELECT COUNT(*) FROM size_leases").fetchone()[0],
        trashed=conn.execute("SELECT COUNT(*) FROM trash WHERE state = 'trashed'").fetchone()[0],
    )


def settled(fleet: Fleet) -> Fleet:
    """The fleet without what changes every second and nobody looks at: two that look alike are equal."""
    shown = tuple(replace(row, status=replace(row.status, checked=0)) for row in fleet.rows)
    return replace(fleet, rows=shown, engine=replace(fleet.engine, age_ms=0))


def _rows(conn: sqlite3.Connection, view: View, now: int, clashing: tuple[Collision, ...] = ()) -> tuple[AgentRow, ...]:
    known = rows.agents(conn)
    clashes = collisions.clashes(clashing, {agent.id: agent.name for agent in known}) if clashing else {}
    states = {row["agent"]: rows.status(row) for row in conn.execute("SELECT * FROM status")}
    spent = {row["agent"]: usage_sum(row) for row in conn.execute(SPENT)}
    tasks = {row["agent"]: TaskRef(row["id"], row["title"], row["state"]) for row in conn.execute(TASKS)}
    diffs = {r["agent"]: Diff(r["files"], r["added"], r["removed"]) for r in conn.execute("SELECT * FROM diffs")}
    fills = {r["agent"]: Context(r["used_tokens"], r["window_tokens"]) for r in conn.execute("SELECT * FROM context")}
    notes = _notes(conn, now)
    trees = {r["agent"]: rows.tree(r) for r in conn.execute("SELECT * FROM trees")}
    disks = {r["agent"]: rows.disk_use(r) for r in conn.execute("SELECT * FROM disk_use")}
    acts = budget_rows.acts(conn)
    parked: dict[str, str] = dict(conn.execute("SELECT agent, why FROM parked").fetchall())
    seen = attention.load(conn)
    return tuple(
        AgentRow(
            _as_git_says(agent, trees.get(agent.id)),
            states.get(agent.id, Status()),
            spent.get(agent.id, UsageSum()),
            tasks.get(agent.id),
            diffs.get(agent.id),
            fills.get(agent.id),
            agent.id in view.hidden,
            notes.get(agent.id),
            agent.id in view.pinned,
            trees.get(agent.id, TreeState()),
            disks.get(agent.id),
            clashes.get(agent.id, ()),
            acts.get(agent.id),
            parked.get(agent.id, ""),
            attention.seen_at(seen.get(agent.id), states.get(agent.id, Status())),
        )
        for agent in known
    )


def _notes(conn: sqlite3.Connection, now: int) -> dict[str, DeliveryNote]:
    found: dict[str, DeliveryNote] = {}
    for row in conn.execute(NOTES, (now - NOTE_MS,)):  # oldest first
        known = found.get(row["agent"])
        if row["state"] not in OPEN:
            found[row["agent"]] = known if known and known.open else DeliveryNote(row["state"], row["reason"])
        elif known and known.open:
            found[row["agent"]] = replace(known, open=known.open + 1)
        else:
            found[row["agent"]] = DeliveryNote(row["state"], row["reason"], 1)
    return found


def _as_git_says(agent: Agent, tree: TreeState | None) -> Agent:
    """With the branch that is checked out, should it be another than the one the deck gave it."""
    if tree is None or not tree.head or not (agent.here or tree.trouble):
        return agent
    return replace(agent, branch=tree.branch)


def status_json(status: Status) -> dict[str, object]:
    return {
        "state": status.state,
        "reason": status.reason,
        "ask": None if status.ask is None else _ask_json(status.ask),
        "source": status.source,
        "since": iso(status.since),
        "why": status.why,
    }


def _ask_json(ask: Ask) -> dict[str, object]:
    return {**asdict(ask), "options": list(ask.options)}


def as_json(row: AgentRow) -> dict[str, object]:
    """One row of `ls --json`."""
    agent = row.agent
    return {
        "id": agent.id, "name": agent.name, "harness": agent.harness, "model": agent.model, "team": agent.team,
        "repo": agent.repo, "worktree": agent.worktree, "branch": agent.branch, "base": agent.base,
        "pane_id": agent.pane, "pid": agent.pid, "hidden": row.hidden,
        "status": status_json(row.status),
        "task": None if row.task is None else asdict(row.task),
        "session_id": agent.session,
        "context": None if row.context is None else asdict(row.context),
        "usage": usage_json(row.usage),
        "diff": None if row.diff is None else asdict(row.diff),
    }  # fmt: skip
