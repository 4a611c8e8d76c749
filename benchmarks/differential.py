"""Ours against ccusage, count by count: `python -m benchmarks.differential [--megabytes N]`.

On a clean history both must say the same, by day and model, to the token and to a millionth of a dollar. Of the nasty
histories of `tests/usage_cases.py` every difference is listed with the reason why ours is right; one that is not
expected, or one that is expected and gone, ends it with exit code 1.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from agentdeck.adapters.database import store
from agentdeck.services.usage.usage import Ingest
from agentdeck.services.usage.usage_import import discover
from benchmarks import counter, histories
from benchmarks.counter import Sums
from tests.usage_cases import CASES

# Case -> why ours is right where the two differ.
REASONS = {
    "no request id": "a null in place of the request's id is no reason to drop the response",
    "nulls, floats, spaces": "a null, a float or a space is no reason to drop a response that was paid",
    "usage in a tool's data": "a null in a tool's own data is no reason to drop the response that called it",
    "a fork with zeroed copies": "a copy whose four counts are 0 used nothing, whatever the nested object still says",
    "damage": "a row with bad characters in its text was paid like any other",
    "records and events of Codex": "a compaction has a record and no event",
    "a rollout that two versions wrote": "what the older version told by events was paid as well",
    "a fork that goes on from a total": "its records are there without events",
    "archived, and twins": "two threads that used the same in one moment are two",
    "a model that changes": "records without events count",
    "a clock that is wrong": "a response without a time was paid; the file's own time stands in",
}
Found = dict[tuple[str, str], Sums]
"""(day, model) -> counts."""


def ours(tree: Path) -> tuple[Found, Sums, float]:
    """By day and model, in all, and the cost in dollars."""
    with tempfile.TemporaryDirectory(prefix="deck-diff-") as place:
        writer = store.Writer(Path(place) / "deck.db")
        try:
            asyncio.run(Ingest(writer).scan(discover([str(tree)]).sources, settle=0))
        finally:
            writer.close()
        conn = store.read(Path(place) / "deck.db")
        if conn is None:
            return {}, (0, 0, 0, 0), 0.0
        try:
            return _read(conn)
        finally:
            conn.close()


def _read(conn: Any) -> tuple[Found, Sums, float]:
    sums = "SUM(input), SUM(cache_read), SUM(cache_write_5m + cache_write_1h), SUM(output)"
    by_day = f"SELECT date(day / 1000, 'unixepoch'), model, {sums} FROM usage_days GROUP BY 1, 2"
    found = {(row[0], row[1]): (row[2], row[3], row[4], row[5]) for row in conn.execute(by_day)}
    row = conn.execute(f"SELECT {sums}, SUM(cost) FROM usage_ever").fetchone()
    return found, (row[0] or 0, row[1] or 0, row[2] or 0, row[3] or 0), (row[4] or 0) / 1e9


def theirs(report: dict[str, Any]) -> Found:
    names = ("inputTokens", "cacheReadTokens", "cacheCreationTokens", "outputTokens")
    return {
        (day["date"], one["modelName"]): tuple(one[name] for name in names)
        for day in report["daily"]
        for one in day["modelBreakdowns"]
    }


def clean(program: Path, megabytes: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="deck-diff-") as place:
        responses = histories.write(Path(place) / "claude", megabytes)
        found, sums, cost = ours(Path(place))
        report = counter.ask(program, "claude", Path(place))
    their_sums, their_cost = counter.total(report)
    same = found == theirs(report) and abs(cost - their_cost) < 1e-6
    print(f"clean, {responses:,} responses, {len(found)} days and models: {'identical' if same else 'DIFFERENT'}")
    print(f"  ours    {sums} ${cost:.6f}\n  ccusage {their_sums} ${their_cost:.6f}")
    return same


def nasty(program: Path) -> bool:
    right = True
    for case in CASES:
        with tempfile.TemporaryDirectory(prefix="deck-diff-") as place:
            for path, data in case.files.items():
                file = Path(place, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
            _, sums, cost = ours(Path(place))
            client = next(iter(case.files)).partition("/")[0]
            their_sums, their_cost = counter.total(counter.ask(program, client, Path(place)))
        differs = sums != their_sums
        reason = REASONS.get(case.name, "")
        right = right and differs == bool(reason)
        verdict = "as expected" if differs == bool(reason) else "NOT EXPECTED"
        print(f"{case.name}: {'differs' if differs else 'same tokens'} ({verdict})")
        if differs:
            print(f"  ours    {sums}\n  ccusage {their_sums}\n  {reason}")
        elif abs(cost - their_cost) >= 1e-6:
            why = "its table does not know this model" if their_cost < cost else "DEARER THAN OURS"
            right = right and their_cost < cost
            print(f"  ours ${cost:.6f}, ccusage ${their_cost:.6f}: {why}")
    return right


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--megabytes", type=int, default=50)
    megabytes = options.parse_args().megabytes
    program = counter.install()
    results = [clean(program, megabytes), nasty(program)]
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
