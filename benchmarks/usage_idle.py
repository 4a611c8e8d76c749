"""What counting costs while nothing is used: `python -m benchmarks.usage_idle [--agents N] [--seconds N]`.

The meter runs as in the engine, on N agents whose transcripts of Claude Code (2 MB each, subagents among them) do not
change: once all agents are idle, once all are at work and have not answered yet. Processor time of the whole process
as a share of one core, less that of an empty loop. Beside it, what ccusage takes to be asked about the same files once
every ten seconds, which is how one would watch with it. JSON on stdout.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.status import State, Status
from agentdeck.services import rows
from agentdeck.services.usage.meter import Meter
from benchmarks import counter, histories
from benchmarks.rig import place
from benchmarks.usage import run

EVERY_SECONDS = 10  # that somebody who watches with the other counter asks it


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--agents", type=int, default=8)
    options.add_argument("--seconds", type=float, default=30)
    chosen = options.parse_args()
    logging.disable(logging.CRITICAL)
    with place() as repo:
        program, tree = counter.install(), repo.parent / "tree"
        histories.write(tree / "claude", chosen.agents * 2 + 1)
        transcripts = sorted((tree / "claude/projects").glob("*/*.jsonl"))[: chosen.agents]
        agents = [enter(number, repo, file) for number, file in enumerate(transcripts)]
        empty = asyncio.run(share(asyncio.sleep(10**6), chosen.seconds))
        megabytes = round(sum(file.stat().st_size for file in transcripts) / 1e6)
        found: dict[str, float] = {"agents": len(agents), "transcripts_mb": megabytes}
        for state in ("idle", "working"):
            found[f"{state} %"] = round(asyncio.run(metered(agents, state, chosen.seconds)) - empty, 2)
        asked = run(counter.command(program, "claude"), counter.environment(tree))
        found["ccusage every 10 s %"] = round(asked.cpu / EVERY_SECONDS * 100, 2)
        json.dump({**found, "goal %": 0.5, "load_average": round(os.getloadavg()[0], 1)}, sys.stdout, indent=2)
        print()


def enter(number: int, repo: Path, transcript: Path) -> Agent:
    """An agent that has said where its transcript is."""
    agent = Agent(f"a{number}", f"agent-{number}", "claude", str(repo), str(repo), "", "", "", "live")
    conn = store.write(paths.database_file())
    rows.insert(conn, "agents", rows.agent_columns(agent))
    told = (agent.id, transcript.stem, str(transcript), now_ms())
    conn.execute("INSERT INTO agent_sessions (agent, vendor_session, transcript, started) VALUES (?, ?, ?, ?)", told)
    conn.close()
    return agent


async def metered(agents: list[Agent], state: State, seconds: float) -> float:
    """The share while the meter runs and all is counted."""
    writer = store.Writer(paths.database_file())
    monitor: Any = SimpleNamespace(agents={agent.id: agent for agent in agents}, status=lambda agent: Status(state))
    meter = Meter(writer, monitor)
    await meter.count()
    try:
        return await share(meter.run(), seconds)
    finally:
        writer.close()


async def share(work: Coroutine[Any, Any, Any], seconds: float) -> float:
    """Percent of one processor that this process takes while `work` goes on."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(3)
    start, began = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    used, span = time.process_time() - start, time.monotonic() - began
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return used / span * 100


if __name__ == "__main__":
    main()
