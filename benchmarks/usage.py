"""How fast usage is counted: `python -m benchmarks.usage [--megabytes N]`.

Prints one JSON object. Everything is measured in the same run on a corpus made for it, in CPU
seconds; the ratios are against the plain way, parsing every line of every file each time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agentdeck.adapters import prices
from agentdeck.adapters.database.store import Writer, read
from agentdeck.services import usage_report
from agentdeck.services.usage import Ingest, Source
from tests import usage_corpus

NOISE = json.dumps({"type": "user", "message": {"content": [{"type": "tool_result", "content": "lorem ipsum " * 400}]}})


def make(folder: Path, megabytes: int) -> tuple[list[Source], int]:
    """Sessions of about 1 MB: most of it tool output, as in life. Returns them and the count of responses."""
    sources, responses = [], 0
    noise = NOISE.encode() + b"\n"
    for number in range(megabytes):
        name = f"session-{number}"
        writer = usage_corpus.Writer(number)
        usage_corpus.session(writer, name, turns=60)
        responses += writer.corpus.truth[name].messages
        for path, data in writer.corpus.files.items():
            lines = data.replace(b'"msg_', f'"msg_{number}_'.encode()).splitlines(keepends=True)
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"".join(line + noise for line in lines))
        patterns = (f"{folder}/{name}.jsonl", f"{folder}/{name}/subagents/agent-*.jsonl")
        sources.append(Source("a", "claude", "/repo", name, "claude", patterns))
    return sources, responses


def parse_everything(folder: Path) -> int:
    """What a counter without a memory does: every line of every file."""
    found: dict[str, dict[str, int]] = {}
    for file in folder.rglob("*.jsonl"):
        with file.open("rb") as lines:
            for line in lines:
                row = json.loads(line)
                if row.get("type") == "assistant":
                    found[row["message"]["id"]] = row["message"]["usage"]
    return len(found)


def cpu(work: Callable[[], object], times: int = 1) -> float:
    """Median CPU seconds of all threads of this process."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--megabytes", type=int, default=100)
    megabytes = options.parse_args().megabytes
    with tempfile.TemporaryDirectory(prefix="deck-bench-") as root:
        folder = Path(root) / "project"
        sources, responses = make(folder, megabytes)
        json.dump(measure(Path(root), folder, sources, responses), sys.stdout, indent=2)
        print()


def measure(root: Path, folder: Path, sources: list[Source], responses: int) -> dict[str, object]:
    size = sum(file.stat().st_size for file in folder.rglob("*.jsonl"))
    plain = cpu(lambda: parse_everything(folder), 3)
    writer = Writer(root / "deck.db")
    with asyncio.Runner() as runner:
        ingest = Ingest(writer)
        runner.run(ingest.scan([]))
        price_list = cpu(lambda: prices.find("claude-opus-5-5", "", "2026-11-20"))
        first = cpu(lambda: runner.run(ingest.scan(sources, 0)))
        warm = cpu(lambda: runner.run(ingest.scan(sources, 0)), 20)
        append = wall_of_appends(runner, ingest, sources[0])
    writer.close()
    conn = read(root / "deck.db")
    assert conn is not None
    counted = conn.execute("SELECT SUM(messages) FROM usage_rollup").fetchone()[0]
    report = cpu(lambda: usage_report.report(conn, "day", tz="UTC"), 20)
    conn.close()
    return {
        "megabytes": round(size / 1e6, 1),
        "responses": responses,
        "counted": counted,
        "parse_every_line_s": round(plain, 4),
        "price_list_import_s": round(price_list, 4),
        "first_scan_into_database_s": round(first, 4),
        "warm_scan_s": round(warm, 6),
        "report_by_day_s": round(report, 6),
        "append_to_row_ms_median": round(append * 1000, 2),
        "first_to_plain": round(first / plain, 3),
        "warm_to_plain": round(warm / plain, 6),
    }


def wall_of_appends(runner: asyncio.Runner, ingest: Ingest, source: Source) -> float:
    """Seconds from an appended row to its place in the database, prices known."""
    writer, taken = usage_corpus.Writer(10**6), []
    with open(source.patterns[0], "ab", buffering=0) as file:
        for number in range(30):
            row = writer.response(source.session)
            row["message"]["id"] = f"appended_{number}"
            file.write(usage_corpus.dump(row) + b"\n")
            start = time.perf_counter()
            runner.run(ingest.scan([source], 0))
            taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


if __name__ == "__main__":
    main()
