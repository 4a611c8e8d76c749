"""How long the usage screen takes: `python -m benchmarks.usage_panel [--responses N]`.

A history of N responses of twelve agents over 90 days is made by the deck's own store. Then, each the median (and the
slowest) of several: what one look at the screen asks of the database, by group and span, beside the plain way of
summing the responses themselves; and from the key `u` to the sums on the screen of a real terminal. JSON on stdout.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.adapters.tmux import ControlClient
from agentdeck.models.clock import now_ms
from agentdeck.models.price import CLASSES, Quote, Rates
from agentdeck.models.usage import Tokens, UsageRecord
from agentdeck.services.usage import usage_store, usage_view
from agentdeck.services.usage.usage_owner import Owners
from benchmarks import latency
from benchmarks.rig import Rig, place, rig

AGENTS, DAYS, BATCH = 12, 90, 20_000
MODELS = ("opus", "sonnet", "gpt", "gemini")
PLAIN = "SELECT agent, model, SUM(input + cache_read + output), SUM(cost) FROM usage WHERE ts >= ? GROUP BY 1, 2"


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--responses", type=int, default=1_000_000)
    chosen = options.parse_args()
    with place() as repo, rig(repo) as deck:
        deck.deck.new("agent-0", "shell", "--", "sleep", "1000")
        deck.agents = ["agent-0"]
        fill(chosen.responses)
        found = {"responses": chosen.responses, **queries(), "open": asyncio.run(openings(deck, 15))}
        json.dump({**found, "load_average": round(os.getloadavg()[0], 1)}, sys.stdout, indent=2)
        print()


def fill(count: int) -> None:
    """The history, in the working hours of 90 days."""
    conn, luck, now = store.write(paths.database_file()), random.Random(1), now_ms()
    repo = conn.execute("SELECT repo FROM agents").fetchone()[0]
    first = now - DAYS * usage_view.DAY_MS
    for number in range(1, AGENTS):
        conn.execute(
            "INSERT INTO agents (id, name, harness, team, repo, worktree, life, created) "
            "VALUES (?, ?, 'h', ?, ?, '', 'stopped', ?)",
            (f"a{number}", f"past-{number}", ("red", "blue", "")[number % 3], repo, first),
        )
    sessions = [(f"a{1 + number % (AGENTS - 1)}", f"s{number}", first) for number in range(AGENTS * DAYS)]
    conn.executemany("INSERT INTO agent_sessions (agent, vendor_session, started) VALUES (?, ?, ?)", sessions)
    rates = Rates(dict.fromkeys(CLASSES, ((0, 1000000),)))
    for start in range(0, count, BATCH):
        some = [one_of(luck, number, sessions, now) for number in range(start, min(count, start + BATCH))]
        quotes = {usage_store.price_key(record): Quote("t", rates, record.model, 1) for record, _ in some}
        with store.transaction(conn):
            usage_store.store(conn, some, Owners(conn), quotes)
    conn.close()


def one_of(luck: random.Random, number: int, sessions: list[tuple[str, str, int]], now: int) -> tuple[UsageRecord, str]:
    day = luck.randrange(DAYS)
    ts = now - day * usage_view.DAY_MS - luck.randrange(8 * usage_view.HOUR_MS)
    session = sessions[day * AGENTS + luck.randrange(AGENTS)][1]
    tokens = Tokens(luck.randrange(4000), luck.randrange(90_000), luck.randrange(6000), 0, luck.randrange(3000))
    return UsageRecord(f"h:{number}/r", "h", session, ts, luck.choice(MODELS), tokens, message=f"h:{number}"), ""


def queries() -> dict[str, object]:
    conn = store.read(paths.database_file())
    assert conn is not None
    found: dict[str, object] = {}
    for by, span in (("agent", "today"), ("model", "7 days"), ("day", "30 days"), ("task", "all"), ("agent", "all")):
        taken = ms(lambda by=by, span=span: usage_view.load(conn, by, span, now_ms()))  # type: ignore[arg-type]
        found[f"look_{by}_{span.replace(' ', '_')}_ms"] = taken
    found["groups_agent_today_ms"] = ms(lambda: usage_view.groups(conn, "agent", usage_view.since("today", now_ms())))
    found["groups_agent_all_ms"] = ms(lambda: usage_view.groups(conn, "agent", 0))
    found["slowest_query_ms (goal 5)"] = slowest(conn)
    found["plain_sum_30_days_ms"] = ms(lambda: plain(conn), 3)
    conn.close()
    return found


class Timed:
    """A connection that keeps the processor milliseconds of each query."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn
        self.taken: dict[str, list[float]] = {}

    def execute(self, query: str, values: object = ()) -> Rows:
        started = time.thread_time()
        rows = Rows(self.conn.execute(query, values).fetchall())  # type: ignore[arg-type]
        self.taken.setdefault(query, []).append((time.thread_time() - started) * 1000)
        return rows


class Rows(list[sqlite3.Row]):
    def fetchall(self) -> list[sqlite3.Row]:
        return self

    def fetchone(self) -> sqlite3.Row | None:
        return self[0] if self else None


def slowest(conn: sqlite3.Connection) -> dict[str, float]:
    """The median of the slowest query of a look, by span, over all groupings."""
    found: dict[str, float] = {}
    for span in usage_view.SPANS:
        timed: Any = Timed(conn)
        for by in usage_view.BYS * 5:
            usage_view.load(timed, by, span, now_ms())
        found[span] = round(max(statistics.median(taken) for taken in timed.taken.values()), 2)
    return found


def plain(conn: sqlite3.Connection) -> object:
    return conn.execute(PLAIN, (now_ms() - 30 * usage_view.DAY_MS,)).fetchall()


def ms(work: Callable[[], object], times: int = 15) -> float:
    """The median in milliseconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return round(statistics.median(taken), 2)


async def openings(deck: Rig, times: int) -> dict[str, float]:
    """From the key to the sums on the screen."""
    deck.open(120, 40)
    await asyncio.sleep(4)
    client, taken = await ControlClient.open(deck.folder / "outer", "t"), []
    try:
        for number in range(times):
            started = time.perf_counter()
            await client.command("send-keys", "-t", "t", "u")
            taken.append(await latency.until(started, lambda: shows(client, "cache hit"), deck))
            await client.command("send-keys", "-t", "t", "q")
            await latency.until(time.perf_counter(), lambda: shows(client, "agent-0"), deck)
            await latency.pause(number)
    finally:
        await client.close()
    return {"first_ms": round(taken[0], 1), "p50_ms": round(statistics.median(taken[1:]), 1),
            "worst_ms": round(max(taken[1:]), 1)}  # fmt: skip


async def shows(client: ControlClient, text: str) -> bool:
    return any(text in line for line in await client.command("capture-pane", "-p", "-t", "t"))


if __name__ == "__main__":
    main()
