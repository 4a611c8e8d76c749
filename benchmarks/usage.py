"""How fast usage is counted, beside ccusage: `python -m benchmarks.usage [--megabytes N] [--pairs N]`.

Prints one JSON object. Whole processes are measured, ours and the other in turn, on a history made for it (1000 MB by
default, removed afterwards): processor seconds of the process and its children, the peak memory of the largest of
them, wall seconds. What is compared is named by its goal.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters.database.store import Writer
from agentdeck.services.usage.usage import Ingest, Source
from benchmarks import counter, histories
from tests import usage_corpus

ROOT = Path(__file__).parents[1]
APPENDS = 60


@dataclass(frozen=True)
class Run:
    cpu: float
    wall: float
    megabytes: float


def run(argv: list[str], environ: dict[str, str]) -> Run:
    """Run a program to its end, its output thrown away."""
    start = time.perf_counter()
    out = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_DUP2, 1, 2)]
    pid = os.posix_spawn(argv[0], argv, environ, file_actions=out)
    _, status, used = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, argv
    return Run(used.ru_utime + used.ru_stime, time.perf_counter() - start, used.ru_maxrss / 1024)


def deck(home: Path) -> dict[str, str]:
    return {"DECK_HOME": str(home), "HOME": str(home), "PATH": os.environ["PATH"], "TZ": "UTC"}


def first_scans(program: Path, tree: Path, pairs: int) -> tuple[list[Run], list[Run]]:
    ours, theirs = [], []
    for number in range(pairs):
        home = tree.parent / f"deck-{number}"
        theirs.append(run(counter.command(program, "claude"), counter.environment(tree)))
        ours.append(run([agentdeck(), "usage", "import", str(tree)], deck(home)))
        if number < pairs - 1:
            shutil.rmtree(home)
    return ours, theirs


def agentdeck() -> str:
    return str(Path(sys.executable).parent / "agentdeck")


def warm_reports(program: Path, tree: Path, home: Path, times: int) -> tuple[list[Run], list[Run]]:
    ours, theirs = [], []
    for _ in range(times):
        theirs.append(run(counter.command(program, "claude"), counter.environment(tree)))
        ours += [run([agentdeck(), "usage", "--by", "model", "--json"], deck(home)) for _ in range(5)]
    return ours, theirs


def appends(folder: Path) -> list[float]:
    """Milliseconds from an appended row to its place in the database, prices known."""
    writer, taken = usage_corpus.Writer(10**6), []
    file = folder / "live.jsonl"
    source = Source("", "claude", "/repo", "live", "claude", (str(file),), plain=True)
    store = Writer(folder / "live.db")
    with asyncio.Runner() as runner, open(file, "ab", buffering=0) as opened:
        ingest = Ingest(store)
        for _ in range(APPENDS):
            opened.write(usage_corpus.dump(writer.response("live")) + b"\n")
            start = time.perf_counter()
            runner.run(ingest.scan([source], 0))
            taken.append((time.perf_counter() - start) * 1000)
    store.close()
    return taken[3:]  # the first have the price list to load


def median(runs: list[Run], what: str) -> float:
    return statistics.median(getattr(one, what) for one in runs)


def ratio(ours: list[Run], theirs: list[Run], what: str) -> float:
    """The median of the pairs' ratios."""
    return round(statistics.median(getattr(a, what) / getattr(b, what) for a, b in zip(ours, theirs, strict=True)), 3)


def measure(root: Path, megabytes: int, pairs: int) -> dict[str, object]:
    program, tree = counter.install(), root / "tree"
    responses = histories.write(tree / "claude", megabytes)
    size = sum(file.stat().st_size for file in tree.rglob("*.jsonl"))
    ours, theirs = first_scans(program, tree, pairs)
    warm, again = warm_reports(program, tree, root / f"deck-{pairs - 1}", pairs)
    late = sorted(appends(root))
    return {
        "megabytes": round(size / 1e6), "responses": responses, "pairs": pairs, "load": os.getloadavg()[0],
        "first scan": {
            "ours": _told(ours), "ccusage": _told(theirs),
            "cpu ratio (goal 0.8, aim 0.6)": ratio(ours, theirs, "cpu"),
            "memory ratio (goal 0.25)": ratio(ours, theirs, "megabytes"),
            "wall ratio": ratio(ours, theirs, "wall"),
        },
        "warm report": {
            "ours ms": round(median(warm, "wall") * 1000, 1), "ours cpu ms": round(median(warm, "cpu") * 1000, 1),
            "wall ratio (goal 0.02)": round(median(warm, "wall") / median(again, "wall"), 4),
        },
        "appended row to database, ms": {
            "median": round(statistics.median(late), 1), "p95 (goal 50)": round(late[int(len(late) * 0.95)], 1),
        },
    }  # fmt: skip


def _told(runs: list[Run]) -> dict[str, float]:
    return {
        "cpu s": round(median(runs, "cpu"), 2), "wall s": round(median(runs, "wall"), 2),
        "MiB": round(median(runs, "megabytes"), 1),
    }  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--megabytes", type=int, default=1000)
    options.add_argument("--pairs", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="deck-bench-") as root:
        json.dump(measure(Path(root), chosen.megabytes, chosen.pairs), sys.stdout, indent=2)
        print()


if __name__ == "__main__":
    main()
