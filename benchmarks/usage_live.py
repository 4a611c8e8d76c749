"""From a row in a transcript to the new numbers on the screen: `python -m benchmarks.usage_live`.

Agents print all the time; one of them appends a response to its transcript, and the terminal is asked every two
milliseconds until both its tile and the top line show the new sum. In the same run, as the plain way: how long one
`agentdeck ls --json` takes, which is what a person does who asks a counter again. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters.tmux import ControlClient
from agentdeck.models.clock import iso, now_ms
from benchmarks import latency
from benchmarks.rig import Rig, cpu_seconds, place, rig
from tests import spender
from tests.waiting import wait_for


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--agents", type=int, default=8)
    options.add_argument("--appends", type=int, default=60)
    chosen = options.parse_args()
    with place() as repo, rig(repo) as deck:
        spender.install()
        for number in range(chosen.agents):
            deck.deck.new(f"agent-{number}", "spender", "--", "0.5", "0")
        deck.agents = [f"agent-{number}" for number in range(chosen.agents)]
        json.dump(asyncio.run(measure(deck, chosen.appends)), sys.stdout, indent=2)
        print()


async def measure(deck: Rig, appends: int) -> dict[str, object]:
    terminal = deck.open(220, 60)
    wait_for(lambda: "working" in terminal.text(), 20, "agents at work")
    await asyncio.sleep(4)  # until all is loaded
    row = deck.deck.sql("SELECT session FROM agents WHERE name = 'agent-0'")[0]
    file = paths.transcripts_dir() / f"{row['session']}.jsonl"
    busy = cpu_seconds(deck.engine), cpu_seconds(deck.dashboard), time.monotonic()
    times = await append_times(deck, file, row["session"], appends)
    span = time.monotonic() - busy[2]
    return {
        "agents": len(deck.agents),
        "appends": appends,
        "append_to_screen_ms": {
            "p50": round(statistics.median(times), 1),
            "p95": round(statistics.quantiles(times, n=20, method="inclusive")[18], 1),
            "worst": round(max(times), 1),
        },
        "goal_ms": 150,
        "plain_way_ms": round(plain(deck), 1),
        "engine_percent": round((cpu_seconds(deck.engine) - busy[0]) / span * 100, 1),
        "dashboard_percent": round((cpu_seconds(deck.dashboard) - busy[1]) / span * 100, 1),
        "load_average": round(os.getloadavg()[0], 1),
    }


async def append_times(deck: Rig, file: Path, session: str, appends: int) -> list[float]:
    """Milliseconds from each append until tile and top line have it."""
    client = await ControlClient.open(deck.folder / "outer", "t")
    taken = []
    try:
        for number in range(1, appends + 1):
            line = response(session, number)
            started = time.perf_counter()
            with file.open("ab", buffering=0) as out:
                out.write(line)
            shown = f"{number}.0k tok"
            taken.append(await latency.until(started, lambda shown=shown: twice(client, shown), deck))
            await latency.pause(number)
    finally:
        await client.close()
    return taken[1:]  # the first looks up the price


async def twice(client: ControlClient, shown: str) -> bool:
    lines = await client.command("capture-pane", "-p", "-t", "t")
    return any(shown in line for line in lines[:1]) and any(shown in line for line in lines[1:])


def response(session: str, number: int) -> bytes:
    row = {
        "type": "assistant", "ts": iso(now_ms()), "session": session, "id": f"m{number}", "model": spender.MODEL,
        "usage": {"input_tokens": 900, "output_tokens": 100},
    }  # fmt: skip
    return json.dumps(row).encode() + b"\n"


def plain(deck: Rig) -> float:
    """Milliseconds of asking again from the command line, the median of five."""
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run(deck.deck.argv("ls", "--json"), env=deck.deck.environ, check=True, stdout=subprocess.DEVNULL)
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
