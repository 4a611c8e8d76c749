"""Histories made and then mistreated at random: ours are the sums that a slow and plain reading of the rules gives."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import genai_prices  # noqa: F401 - the list is in memory, so no process is started to ask it
import pytest
import zstandard

from agentdeck.adapters.database import store
from agentdeck.services.usage.usage import Ingest
from agentdeck.services.usage.usage_import import discover
from tests import usage_corpus, usage_oracle, usage_threads
from tests.usage_cases import CASES

COUNTS = "COUNT(*), SUM(input), SUM(cache_read), SUM(cache_write_5m), SUM(cache_write_1h), SUM(output)"
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress, ".xz": lzma.compress, ".zst": zstandard.compress,
}  # fmt: skip
JUNK = (b"\n", b"[]\n", b"not a row\n", b'{"type":"later"}\n', b"\0" * 99, b'{"type":"user","torn":"', b"\xff\xfe\n")


class Mistreated:
    """Lays histories below `root`, as a disk, a crash and a tidy person leave them; `seed` decides everything."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root, self._pick = root, random.Random(seed)

    def lay(self, path: str, data: bytes) -> None:
        pick, cut_off = self._pick, path.endswith(".jsonl") and "codex" not in path
        if path.endswith(".jsonl"):
            data = self._with_junk(data)
            if cut_off and pick.random() < 0.2:
                data = data[: pick.randrange(len(data))]  # as a full disk leaves it
            if pick.random() < 0.2:
                data = data.rstrip(b"\n")
        for suffix, pack in PACKERS.items() if path.endswith(".jsonl") else ():
            if pick.random() < 0.1:
                self._put(f"{path}{suffix}", pack(data))
        if pick.random() < 0.15:  # another copy, under another root
            self._put(path.replace("/", "/second/", 1), data)
        self._put(path, data)

    def _with_junk(self, data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        for _ in range(self._pick.randrange(4)):
            lines.insert(self._pick.randrange(len(lines) + 1), self._pick.choice(JUNK))
        if self._pick.random() < 0.1:
            lines = [line.replace(b"\n", b"\r\n") for line in lines]
        return (b"\xef\xbb\xbf" if self._pick.random() < 0.1 else b"") + b"".join(lines)

    def _put(self, path: str, data: bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def history(root: Path, seed: int) -> None:
    made = Mistreated(root, seed)
    for path, data in usage_corpus.corpus(seed, turns=2 + seed % 4).files.items():
        made.lay(f"claude/projects/-w/{path}", data)
    for path, data in usage_threads.threads(seed, root).files.items():
        made.lay(path, data)
    chat = next((root / "gemini").rglob("*-resumed.jsonl"), None)
    told = next((row["$set"]["messages"] for row in usage_oracle.rows(chat) if "$set" in row), []) if chat else []
    if told:  # the same once more as the document that older versions kept
        document = {"sessionId": "gemini-9", "projectHash": "0", "messages": told}
        made.lay("gemini/.gemini/tmp/p/chats/session-0.json", json.dumps(document, indent=2).encode())
    for number, answer in enumerate(usage_threads.answers(root)[: 1 + seed % 3]):  # and as files before the database
        message = json.dumps({**answer, "id": "x", "sessionID": "main"}, indent=2)
        made.lay(f"opencode/storage/message/main/msg_{number}.json", message.encode())


def ours(file: Path) -> usage_oracle.Sums:
    conn = store.read(file)
    assert conn is not None
    found = {row[0]: tuple(row[1:]) for row in conn.execute(f"SELECT model, {COUNTS} FROM usage GROUP BY 1")}
    conn.close()
    return found


@pytest.mark.parametrize("seed", range(int(os.environ.get("ORACLE_SEEDS", "5"))))
async def test_random_histories(tmp_path: Path, seed: int) -> None:
    history(tmp_path / "h", seed)
    sources = discover([str(tmp_path / "h")]).sources
    random.Random(seed).shuffle(sources)
    writer = store.Writer(tmp_path / "deck.db")
    try:
        await Ingest(writer).scan(sources, settle=0)
        assert ours(tmp_path / "deck.db") == usage_oracle.sums(tmp_path / "h")
    finally:
        writer.close()


def test_the_oracle_itself_agrees_with_what_was_summed_by_hand(tmp_path: Path) -> None:
    """Of the cases that it knows the rules of; what it leaves out is named."""
    unknown = {"subagents of old layouts", "errors", "a rollout that two versions wrote", "nulls, floats, spaces"}
    for case in CASES:
        if case.name in unknown:
            continue
        root = tmp_path / case.name.replace("/", " ")
        for path, data in case.files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        found = {model: tuple(counts[1:]) for model, counts in usage_oracle.sums(root).items()}
        assert found == dict(case.sums), case.name
        shutil.rmtree(root)
