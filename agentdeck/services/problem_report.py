"""What somebody else needs to know of a problem on this machine: no secrets, no prompts, no contents of files."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

from agentdeck import paths
from agentdeck.models.clock import iso, now_ms
from agentdeck.services import doctor, fleet


def write(conn: sqlite3.Connection | None, directory: Path, lines: int) -> str:
    """The report as Markdown; the home directory is written as `~`. Blocks for seconds."""
    parts = [f"# agentdeck, {iso(now_ms())}", "## Machine", *_findings(directory)]
    if conn is not None:
        parts += ["## Agents", *_agents(conn), "## Events of the last hour", *_events(conn)]
    parts += [f"## The last {lines} lines of the engine's log", *_log(lines)]
    return "\n".join(parts).replace(str(Path.home()), "~")


def _findings(directory: Path) -> list[str]:
    return [f"- {found.verdict}: {found.topic}: {found.text}" for found in doctor.examine(directory)]


def _agents(conn: sqlite3.Connection) -> list[str]:
    return [
        f"- {row.agent.id} ({row.agent.harness}): {row.status.state}, by {row.status.source or 'nobody'}"
        for row in fleet.load(conn).rows
    ] or ["none"]


def _events(conn: sqlite3.Connection) -> list[str]:
    rows = conn.execute("SELECT kind FROM events WHERE ts > ?", (now_ms() - 3_600_000,))
    return [f"- {kind}: {count}" for kind, count in Counter(row["kind"] for row in rows).most_common()] or ["none"]


def _log(lines: int) -> list[str]:
    try:
        text = paths.log_file("engine").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return ["none"]
    return ["```", *text[-lines:], "```"]
