"""Texts to clients that are idle, busy, deaf for a while, at a dialog, dying, resized, typed into: what comes of each.

    python -m benchmarks.delivery [--texts 1000] [--agents 21] [--seed 1] [--dashboards 2]

The clients are ours (tests/fakeclient.py) and record exactly what reached them and in which state; the humans among
them type as a dashboard's zoom does. With dashboards the first is zoomed into an agent whose human types there, the
second goes about in its grid, and both must say the same of every agent in the end. Prints counts, faults (lost,
doubled, into a dialog or a draft, late) and the time from the opening of each text's gate to its receipt. Exit code 1
when there is any fault.
`python -m benchmarks.delivery_real` does the same with real clients.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from random import Random

from agentdeck import paths
from benchmarks.dashboards import Dashboard, compare, dashboards
from benchmarks.delivery_world import KINDS, Tally, World
from benchmarks.rig import place
from tests.deck import Deck


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--agents", type=int, default=21)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--dashboards", type=int, default=0, choices=(0, 1, 2))
    args = parser.parse_args()
    with place() as repo:
        paths.make_private(paths.state_dir())
        deck, world = Deck(repo), World(repo, Random(args.seed))
        started = time.monotonic()
        try:
            differing = asyncio.run(_live(world, args.agents, args.texts, args.kinds.split(","), args.dashboards))
            tally = world.judge()
            tally.faults += differing
            story = "" if not tally.faults else deck.story()
        finally:
            deck.end()
    print(f"{args.texts} texts to {args.agents} clients in {time.monotonic() - started:.0f} s, "
          f"{args.dashboards} dashboards, load average {os.getloadavg()[0]:.1f}")  # fmt: skip
    report(tally)
    print(story)
    raise SystemExit(bool(tally.faults))


async def _live(world: World, agents: int, texts: int, kinds: Sequence[str], watching: int) -> list[str]:
    """What the dashboards said otherwise in the end than the deck knew it."""
    await world.build(agents, kinds)
    names = [agent.name for agent in world.agents]
    with dashboards(world.repo, watching, names) as opened:
        over = asyncio.Event()
        strollers = [asyncio.create_task(_stroll(one, over)) for one in opened[1:]]
        typed = next((agent for agent in world.agents if agent.kind == "typed"), None)
        if opened and typed is not None:
            await asyncio.to_thread(opened[0].zoom, world.agents.index(typed) + 1)
            world.hands[typed.name] = opened[0].press
        await world.live(texts, patience=90)
        over.set()
        await asyncio.gather(*strollers)
        if opened and typed is not None:
            await asyncio.to_thread(opened[0].leave)
        return await asyncio.to_thread(compare, opened, names)


async def _stroll(dashboard: Dashboard, over: asyncio.Event) -> None:
    """Somebody who goes from tile to tile."""
    step = 0
    while not over.is_set():
        await asyncio.to_thread(dashboard.keys, "hjkl"[step % 4])
        step += 1
        await asyncio.sleep(0.7)


def report(tally: Tally) -> None:
    """Counts, what was refused and why, percentiles, faults."""
    print(", ".join(f"{count} {state}" for state, count in tally.states.most_common()))
    for reason, count in tally.reasons.most_common():
        print(f"  {count} {reason}")
    print("seconds from the opening of the gate to the receipt:")
    for kind, waits in [("all", tally.waits), *sorted(tally.kinds.items())]:
        ranked = sorted(waits) or [0.0]
        marks = {name: ranked[min(len(ranked) - 1, int(len(ranked) * part))] for name, part in
                 (("median", 0.5), ("p95", 0.95), ("p99", 0.99))}  # fmt: skip
        shown = ", ".join(f"{name} {value:.2f}" for name, value in marks.items())
        print(f"  {kind:8} {len(waits):5}: {shown}, worst {ranked[-1]:.2f}")
    print(f"{tally.by_hand} stood in the composer and were sent by its human's own Enter")
    print(f"{tally.early} pasted in the moment that work began there; their Enter waited")
    print(f"{len(tally.faults)} faults")
    for fault in tally.faults[:40]:
        print(f"  {fault}")


if __name__ == "__main__":
    main()
