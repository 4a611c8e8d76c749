"""What binds the queue now, read from the rows and the user's config: for the dispatcher, `task why` and the board."""

from __future__ import annotations

import sqlite3
from collections import Counter

from agentdeck.config import Config
from agentdeck.services.queue import breaker, dependencies
from agentdeck.services.queue.assignment import Load, Rules


def read(conn: sqlite3.Connection, settings: Config) -> tuple[Rules, Load]:
    """The rules and the load they are applied to."""
    queue = settings.queue
    rules = Rules(
        per_repo=queue.per_repo, per_harness=queue.per_harness, per_account=queue.per_account,
        review_cap=queue.review_cap,
        routes={name: [(one.harness, one.model) for one in found] for name, found in settings.niches.items()},
        waits=dependencies.waits(conn), paused=breaker.paused(conn, queue.breaker),
    )  # fmt: skip
    return rules, load(conn)


def load(conn: sqlite3.Connection) -> Load:
    """What runs, and how much waits for a human."""
    query = """SELECT t.repo, a.harness, a.config_home FROM attempts a JOIN tasks t ON t.id = a.task
        WHERE a.outcome = 'running'"""
    running = conn.execute(query).fetchall()
    review = conn.execute("SELECT COUNT(*) FROM tasks WHERE state = 'review'").fetchone()[0]
    return Load(
        Counter(row["repo"] for row in running),
        Counter(row["harness"] for row in running),
        Counter(f"{row['harness']} {row['config_home']}" for row in running),
        review,
    )
