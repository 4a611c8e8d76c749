"""Rows in which anything may stand in anything's place: no reader crashes, and what it makes of them can be stored."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from agentdeck.harnesses.readers import reader
from agentdeck.models.usage import UsageRecord
from tests.usage_cases import CASES as FIRST
from tests.usage_cases_more import CASES as MORE

JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, float("nan"), float("inf"), 10**30, "", "x", "2026-13-45T99:99:99Z", [], [[]], [1], {},
    {"a": 1}, {"usage": {"input_tokens": 1}}, "\ud800", "\0", [None] * 3, {"type": "gemini"}, "9" * 400,
)  # fmt: skip
READERS = ("claude", "codex", "gemini", "opencode")


def sound(name: str) -> list[tuple[str, list[Any]]]:
    """The whole rows of every case of a client, by path."""
    files = [pair for case in (*FIRST, *MORE) for pair in case.files.items()]
    mine = [(path, data) for path, data in files if path.startswith(name) and path.endswith((".jsonl", ".json"))]
    return [(path, whole(data.splitlines() if path.endswith(".jsonl") else [data])) for path, data in mine]


def whole(lines: list[bytes]) -> list[Any]:
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def mistreated(value: Any, pick: random.Random) -> Any:
    if pick.random() < 0.08:
        return pick.choice(JUNK)
    if isinstance(value, dict):
        return {key: mistreated(each, pick) for key, each in value.items() if pick.random() > 0.03}
    return [mistreated(each, pick) for each in value] if isinstance(value, list) else value


def check(record: UsageRecord) -> None:
    texts = (record.key, record.session, record.model, record.sidechain, record.cwd, record.message, record.variant)
    assert all(isinstance(text, str) and text.encode() is not None for text in texts)
    assert all(isinstance(count, int) and 0 <= count <= 10**12 for count in (*record.tokens, record.searches))
    assert isinstance(record.ts, int) and 0 <= record.ts < 1 << 62
    assert record.client_cost is None or 0 <= record.client_cost < 1 << 62


@pytest.mark.parametrize("name", READERS)
def test_no_value_of_any_kind_in_any_place_crashes_a_reader(name: str) -> None:
    pick, read, files = random.Random(name), reader(name).read, sound(name)
    for _ in range(1500):
        path, rows = pick.choice(files)
        chunk = b"".join(json.dumps(mistreated(row, pick)).encode() + b"\n" for row in rows)
        found = read(chunk, f"/nowhere/{path}", "")
        for record in found.records:
            check(record)
        read(chunk, f"/nowhere/{path}", found.state)
