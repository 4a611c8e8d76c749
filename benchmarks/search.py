"""How fast a text is found in all agents' histories: `python -m benchmarks.search [--agents N] [--megabytes M]`.

N panes with full histories (5000 lines), each agent with a transcript of M megabytes. Prints one JSON object: the
time to the first and the last match, of a search that has read nothing yet and of the next letter typed, how long the
event loop was kept waiting meanwhile, and in the same run what a shell would do: a `tmux capture-pane` process a pane
into grep, and grep over the transcripts (which finds raw JSON, not lines that can be read).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable
from functools import partial
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import tmux
from agentdeck.models.agent import Agent
from agentdeck.services.reading.search import Found, Searcher
from benchmarks.rig import place
from tests.waiting import wait_until

LINES = 5000
NEEDLE = "needle 3141"
PRINTER = r"""
import sys, time
words = ('parser', 'lexer', 'token', 'error', 'mend', 'return', 'self', 'value')
for n in range(5400):
    print(f'\x1b[3{n % 8}m{n:05}\x1b[0m', *(words[(n * k) % 8] for k in range(1, 12)), 'src/app.py:%d' % n)
print('needle 3141'); sys.stdout.flush()
time.sleep(3600)
"""


def agents(socket: Path, count: int, megabytes: float) -> list[Agent]:
    """Agents with full histories and long transcripts; one transcript in eight holds the text."""
    paths.transcripts_dir().mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        name = f"a{number}"
        argv = ["env", sys.executable, "-c", PRINTER]
        pane = tmux.spawn_agent(socket, deck_id=name, directory=Path("/"), argv=argv)[0]
        (paths.transcripts_dir() / f"{name}.jsonl").write_text(transcript(number, megabytes))
        made.append(Agent(name, name, "builtin", "/", "/", "", "", "", "live", pane=pane, session=name))
    return made


def transcript(number: int, megabytes: float) -> str:
    """Prompts and long results, as in life."""
    rows, size = [], 0
    while size < megabytes * 1e6:
        text = "\n".join(f"line {len(rows)} of a long result with a few words in it" for _ in range(60))
        rows.append(json.dumps({"type": "tool_result", "tool_use_id": "t", "content": text, "is_error": False}))
        size += len(rows[-1])
    if number % 8 == 0:
        rows.append(json.dumps({"type": "user", "content": f"where is {NEEDLE}?"}))
    return "\n".join(rows) + "\n"


async def lag(stop: asyncio.Event) -> float:
    """The longest that the loop was late, in seconds."""
    worst = 0.0
    while not stop.is_set():
        start = time.perf_counter()
        await asyncio.sleep(0.002)
        worst = max(worst, time.perf_counter() - start - 0.002)
    return worst


async def timed(searcher: Searcher, text: str, all_agents: list[Agent]) -> dict[str, float]:
    stop, found, start = asyncio.Event(), [], time.perf_counter()
    watch = asyncio.create_task(lag(stop))

    def take(each: Found) -> None:
        found.append((time.perf_counter() - start, len(each.matches)))

    await searcher.search(text, all_agents, take)
    end = time.perf_counter() - start
    stop.set()
    worst = await watch
    return {
        "first_ms": round(found[0][0] * 1000) if found else 0, "all_ms": round(end * 1000),
        "matches": sum(count for _, count in found), "loop_late_ms": round(worst * 1000),
    }  # fmt: skip


def by_shell(socket: Path, all_agents: list[Agent]) -> dict[str, float]:
    """The same question by processes."""
    start = time.perf_counter()
    for agent in all_agents:
        capture = ["tmux", "-S", str(socket), "capture-pane", "-p", "-J", "-S", "-", "-t", agent.pane]
        lines = subprocess.run(capture, capture_output=True, check=True).stdout
        subprocess.run(["grep", "-n", "-i", "-F", NEEDLE], input=lines, capture_output=True, check=False)
    screens = time.perf_counter() - start
    files = sorted(map(str, paths.transcripts_dir().glob("*.jsonl")))
    subprocess.run(["grep", "-n", "-i", "-F", NEEDLE, *files], capture_output=True, check=False)
    return {"all_ms": round((time.perf_counter() - start) * 1000), "screens_ms": round(screens * 1000)}


async def full(client: tmux.ControlClient) -> bool:
    return min(pane.history for pane in (await tmux.list_panes(client)).values()) >= LINES * 0.9


async def measure(socket: Path, all_agents: list[Agent]) -> dict[str, Awaitable[float] | object]:
    client = await tmux.ControlClient.open(socket)
    try:
        await wait_until(partial(full, client), 120)
        searcher = Searcher(lambda: client, most=500)
        cold = await timed(searcher, NEEDLE, all_agents)
        again = await timed(searcher, NEEDLE[:-1], all_agents)
        common = await timed(searcher, "error", all_agents)
    finally:
        await client.close()
    return {"cold": cold, "next_letter": again, "common_word": common}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=64)
    parser.add_argument("--megabytes", type=float, default=1.0)
    given = parser.parse_args()
    with place():
        socket = paths.make_private(paths.runtime_dir()) / "tmux"
        tmux.ensure_server(socket, paths.tmux_conf())
        try:
            all_agents = agents(socket, given.agents, given.megabytes)
            result = asyncio.run(measure(socket, all_agents))
            shell = by_shell(socket, all_agents)
        finally:
            tmux.kill_server(socket)
    print(json.dumps({"agents": given.agents, "megabytes_each": given.megabytes, **result, "shell": shell}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
