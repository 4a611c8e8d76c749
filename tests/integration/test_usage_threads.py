"""Codex, Gemini CLI and opencode, made at random: the sums are the true ones, in any order and any pieces."""

from __future__ import annotations

import random
from dataclasses import asdict
from pathlib import Path

import genai_prices  # noqa: F401 - the list is in memory, so no process is started to ask it
import pytest

from agentdeck.adapters.database import store
from agentdeck.services.usage.usage import Ingest
from agentdeck.services.usage.usage_import import discover
from tests.usage_corpus import Corpus, Truth
from tests.usage_threads import threads

COLUMNS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")


def check(file: Path, corpus: Corpus) -> None:
    conn = store.read(file)
    assert conn is not None
    sums = ", ".join(f"SUM({name})" for name in COLUMNS)
    found = {row[0]: Truth(*row[1:]) for row in conn.execute(f"SELECT session, {sums}, COUNT(*) FROM usage GROUP BY 1")}
    conn.close()
    assert {name: asdict(one) for name, one in found.items()} == {
        name: asdict(one) for name, one in corpus.truth.items()
    }


@pytest.mark.parametrize("seed", range(6))
async def test_in_any_order_cut_at_any_byte_and_twice(tmp_path: Path, seed: int) -> None:
    root, file = tmp_path / "history", tmp_path / "deck.db"
    corpus = threads(seed, root)
    pick = random.Random(seed)
    writer = store.Writer(file)
    try:
        # A fork of Codex is known by its parent's history, which is whole when the fork begins.
        for path in sorted(corpus.files, key=lambda path: (b"forked_from_id" in corpus.files[path], pick.random())):
            data, place = corpus.files[path], root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            cuts = [0, *sorted(pick.randrange(len(data)) for _ in range(seed % 3)), len(data)]
            for start, end in zip(cuts, cuts[1:], strict=False):
                with place.open("ab") as opened:
                    opened.write(data[start:end])
                await Ingest(writer).scan(discover([str(root)]).sources, settle=0)
        check(file, corpus)
        await Ingest(writer).scan(discover([str(root)]).sources, settle=0)
        check(file, corpus)
    finally:
        writer.close()
