"""Does anything grow or go wrong with time? `python -m benchmarks.soak [--agents N] [--minutes M] [--out FILE]`.

N agents (two in three quiet, one in three working) run in the deck, a dashboard shows all of them in 400x100. Every
minute a scripted human zooms in and back, hides and shows an agent, opens and closes panels; then every visible tile is
compared, cell by cell, with the shown crop of its pane, and memory, file descriptors, threads and children of
dashboard, engine and tmux server are noted: one line of JSON a minute. The end is a verdict: growth per hour (least
squares over the second half: the histories of working agents fill for 45 minutes), what leaked, and tiles that were
not equal. Exit code 1 when it is not flat.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import tmux
from agentdeck.models.screen import Line, crop, parse
from benchmarks.rig import Rig, place, rig, rss
from tests.human import Place, title_at
from tests.ui.terminal import Cell, Terminal, cells_of
from tests.waiting import wait_for

COLUMNS, ROWS = 400, 100
COUNTED = ("fds", "threads", "children")
ROSTER = 30
GROWTH_MB = 3.0
"""Megabytes per hour below which memory counts as flat."""
PATIENCE = 10.0
"""Seconds in which a tile must come to equal its pane once the agents stand still."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--agents", type=int, default=32)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    out = options.out.absolute() if options.out else None
    with place() as repo, rig(repo) as deck:
        for number in range(options.agents):
            deck.add("typical" if number % 3 == 2 else "quiet")
        wait_for(lambda: len(deck.deck.panes()) == options.agents, 60, "all panes")
        terminal = deck.open(COLUMNS, ROWS)
        notes = run(deck, terminal, options.minutes * 60, out)
    sys.exit(0 if judge(notes) else 1)


def run(deck: Rig, terminal: Terminal, seconds: float, out: Path | None) -> list[dict[str, float]]:
    notes: list[dict[str, float]] = []
    started = time.monotonic()
    while (at := time.monotonic() - started) < seconds:
        use(deck, terminal, deck.agents[len(notes) % len(deck.agents)])
        note = {"minute": round(at / 60, 1), **facts(deck), **unequal(deck, terminal)}
        notes.append(note)
        print(json.dumps(note), flush=True)
        if out is not None:
            with out.open("a") as file:
                file.write(json.dumps(note) + "\n")
        time.sleep(max(0.0, min(started + len(notes) * 60, started + seconds) - time.monotonic()))
    return notes


def use(deck: Rig, terminal: Terminal, name: str) -> None:
    """What a human does every now and then; ends where it began."""
    terminal.keys("l", "Enter")
    terminal.wait("Ctrl+Q")
    terminal.keys("C-q")
    wait_for(lambda: "returns" not in terminal.text(), 15, "the grid")
    deck.deck.ok("hide", name)
    terminal.keys("$", "L", "L", "Space", "Space", "?")
    terminal.wait("Act on agents")
    terminal.keys("Escape")
    wait_for(lambda: "Act on agents" not in terminal.text(), 15, "the grid")
    deck.deck.ok("unhide", name)
    terminal.keys("j")


def facts(deck: Rig) -> dict[str, float]:
    """Megabytes, file descriptors, threads and children, by process."""
    found: dict[str, float] = {}
    for name, pid in (("dashboard", deck.dashboard), ("engine", deck.engine), ("tmux", deck.server)):
        home = Path(f"/proc/{pid}")
        found[f"{name}_mb"] = round(rss(pid), 2)
        found[f"{name}_fds"] = len(os.listdir(home / "fd"))
        found[f"{name}_threads"] = len(os.listdir(home / "task"))
        found[f"{name}_children"] = len((home / "task" / str(pid) / "children").read_text().split())
    found["database_mb"] = round(sum(file.stat().st_size for file in paths.data_dir().glob("deck.db*")) / 1e6, 2)
    return found


def unequal(deck: Rig, terminal: Terminal) -> dict[str, float]:
    """How many tiles were visible, and how many were not there or not equal to their pane within PATIENCE.

    All agents stand still meanwhile.
    """
    pause = deck.folder / "pause"
    pause.touch()
    try:
        panes = {known.deck_id: pane for pane, known in tmux.panes_now(paths.tmux_socket()).items()}
        ids = {row["name"]: row["id"] for row in deck.deck.ok("ls", "--json").json}
        deadline = time.monotonic() + PATIENCE
        while True:
            lines = terminal.lines()
            places = tiles(lines, deck.agents)  # each time anew: an agent shown again moves all others
            wrong = [name for name, where in places.items() if cells(lines, where) != wanted(panes[ids[name]], where)]
            missing = [name for name in deck.agents if name not in places]
            if not (wrong or missing) or time.monotonic() > deadline:
                return {"tiles": len(places), "unequal": len(wrong) + len(missing)}
    finally:
        pause.unlink()


def tiles(lines: tuple[Line, ...], names: list[str]) -> dict[str, Place]:
    """Where the screens of these agents stand, found by the titles above them: x, y, columns, rows."""
    found = {}
    for name in names:
        spots = ((title_at(line, name, ROSTER), y) for y, line in enumerate(lines))
        spot = next(((x, y) for x, y in spots if x is not None), None)
        if spot is not None:
            found[name] = spot
    places = {}
    for name, (x, y) in found.items():
        right = min([*(other for other, row in found.values() if row == y and other > x), COLUMNS])
        below = min([*(row for _, row in found.values() if row > y), ROWS - 1])
        places[name] = (x + 1, y + 1, right - x - 1, below - y - 2)
    return places


def cells(lines: tuple[Line, ...], where: Place) -> list[list[Cell]]:
    x, y, columns, rows = where
    return [cells_of(line, x, columns) for line in lines[y : y + rows]]


def wanted(pane: str, where: Place) -> list[list[Cell]]:
    _, _, columns, rows = where
    known = tmux.panes_now(paths.tmux_socket())[pane]
    cursor = known.cursor_y if known.cursor_visible else -1
    lines = crop(parse(tmux.capture_now(paths.tmux_socket(), pane, True)), cursor, columns, rows)
    return [cells_of(line, 0, columns) for line in [*lines, *[()] * (rows - len(lines))]]


def judge(notes: list[dict[str, float]]) -> bool:
    """Print the verdict; True when everything is flat and equal."""
    rest = notes[len(notes) // 2 :]
    if len(rest) < 2:
        print("too short to judge")
        return True
    flat = True
    for name in ("dashboard", "engine", "tmux"):
        growth = slope([(note["minute"] / 60, note[f"{name}_mb"]) for note in rest])
        last = {
            kind: (rest[0][f"{name}_{kind}"], rest[-1][f"{name}_{kind}"]) for kind in ("fds", "threads", "children")
        }
        grown = {kind: pair for kind, pair in last.items() if pair[1] > pair[0] + 2}
        flat = flat and growth < GROWTH_MB and not grown
        words = ", ".join(f"{kind} {before:g} -> {after:g}" for kind, (before, after) in last.items())
        print(f"{name:10} {rest[0][f'{name}_mb']:.1f} -> {rest[-1][f'{name}_mb']:.1f} MB, {growth:+.2f} MB/h; {words}")
    compared, wrong = sum(note["tiles"] for note in notes), sum(note["unequal"] for note in notes)
    print(f"{compared:g} tiles compared over {notes[-1]['minute']:g} minutes, {wrong:g} unequal")
    print("flat" if flat and not wrong else "NOT flat")
    return flat and not wrong


def slope(points: list[tuple[float, float]]) -> float:
    """Of the straight line through the points by least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


if __name__ == "__main__":
    main()
