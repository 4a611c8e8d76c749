"""Four research loops and eight agents on one deck: is any key dropped?

    python -m benchmarks.research_keys [--keys 200]

A real dashboard in a real terminal. KEYS random characters, thirty a second, are typed to the zoomed pane of an agent
that writes down every byte it gets; then as many `h` and `l` are pressed in the deck, ten at a time, and the focus is
compared with where they lead. Prints counts, the experiments that were done meanwhile, and exits with 1 for a loss.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import string
import subprocess
import time
from pathlib import Path

from agentdeck.demo.laboratory import make_laboratory
from benchmarks.rig import Rig, place, rig
from tests.ui.terminal import Terminal
from tests.waiting import wait_for

LOOPS, AGENTS, BURST = 4, 8, 10
PAUSE = 1 / 30
CHARACTERS = string.ascii_letters + string.digits + ".,:!?()[]{}<>/*-+=_#$%&@"  # tmux takes `;` for its own


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=200)
    keys = parser.parse_args().keys
    with place() as repo, rig(repo) as deck:
        for number in range(LOOPS):
            _loop(deck, repo.parent / f"loop-{number}")
        for _ in range(AGENTS - 1):
            deck.add("typical")
        heard = repo.parent / "heard"
        deck._new("listener", ["sh", "-c", f"stty raw -echo; printf ready; exec cat > {heard}"])
        deck.agents.append("listener")
        terminal = deck.open()
        before = _experiments(deck)
        zoomed = _to_the_agent(terminal, heard, keys)
        moved = _to_the_deck(terminal, keys)
        done = _experiments(deck) - before
        deck.agents.remove("listener")
        for loop in range(LOOPS):
            subprocess.run(
                deck.deck.argv("research", "stop", f"loop-{loop}", "--now"), env=deck.deck.environ, check=True
            )
    print(f"{LOOPS} loops ({done} experiments meanwhile), {AGENTS} agents, load average {os.getloadavg()[0]:.1f}")
    print(f"to the zoomed agent: {keys} keys, {zoomed} dropped or changed")
    print(f"to the deck: {keys} keys, {moved} groups of {BURST} that led elsewhere")
    return int(bool(zoomed or moved))


def _loop(deck: Rig, where: Path) -> None:
    make_laboratory(where)
    subprocess.run(deck.deck.argv("research", "start", str(where)), env=deck.deck.environ, check=True)
    deck.agents.append(where.name)


def _experiments(deck: Rig) -> int:
    told = subprocess.run(
        deck.deck.argv("research", "ls", "--json"), env=deck.deck.environ, check=True, capture_output=True
    )
    return sum(row["experiments"] for row in json.loads(told.stdout))


def _to_the_agent(terminal: Terminal, heard: Path, keys: int) -> int:
    """How many of the keys did not arrive as they were typed."""
    terminal.keys("G", "Enter")
    terminal.wait("every key goes to the agent")
    typed = "".join(random.Random(5).choices(CHARACTERS, k=keys))
    for character in typed:
        terminal.type(character)
        time.sleep(PAUSE)
    deadline = time.monotonic() + 5
    while len(heard.read_bytes()) < keys and time.monotonic() < deadline:
        time.sleep(0.05)
    got = heard.read_bytes().decode(errors="replace")
    terminal.keys("C-q")
    wait_for(lambda: "every key goes to the agent" not in terminal.text(), 10, "the deck")
    return max(len(typed), len(got)) - sum(one == other for one, other in zip(typed, got, strict=False))


def _to_the_deck(terminal: Terminal, keys: int) -> int:
    """How many groups of keys led to another agent than they should."""
    dice, at, wrong = random.Random(6), LOOPS + AGENTS - 1, 0
    for _ in range(keys // BURST):
        for _ in range(BURST):
            key = dice.choice("hl")
            at = max(0, min(LOOPS + AGENTS - 1, at + (1 if key == "l" else -1)))
            terminal.keys(key)
        deadline = time.monotonic() + 5
        while (seen := _focus(terminal)) != at and time.monotonic() < deadline:
            time.sleep(0.05)
        wrong += seen != at
        at = seen
    return wrong


def _focus(terminal: Terminal) -> int:
    """The focused agent's place in the roster, from 0; -1 when none is seen."""
    marks = (n for n, line in enumerate(terminal.text().splitlines()) if line.startswith("▸"))
    return next(marks, 0) - 1  # the roster stands below one line


if __name__ == "__main__":
    raise SystemExit(main())
