"""Every case summed by hand: as it lies, in any order of its files, cut anywhere, and taken in twice."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import genai_prices  # noqa: F401 - the list is in memory, so no process is started to ask it
import pytest

from agentdeck.adapters.database import store
from agentdeck.services.usage import usage_auxiliary
from agentdeck.services.usage.usage import Ingest
from agentdeck.services.usage.usage_import import discover
from tests.usage_cases import CASES as FIRST
from tests.usage_cases import Case
from tests.usage_cases_more import CASES as MORE

CASES = [*FIRST, *MORE]
GROWING = (".jsonl",)  # compressed files and documents are written at once
SUMS = "SUM(input), SUM(cache_read), SUM(cache_write_5m), SUM(cache_write_1h), SUM(output)"


class Intake:
    """A database that takes in what lies in a folder, each time like a new process."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "history"
        self.folder.mkdir()
        self.file = root / "deck.db"
        self.writer = store.Writer(self.file)

    async def take_in(self) -> None:
        await Ingest(self.writer).scan(discover([str(self.folder)]).sources, settle=0)

    def put(self, path: str, data: bytes, mode: str = "wb") -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open(mode) as opened:
            opened.write(data)

    def check(self, case: Case) -> None:
        conn = store.read(self.file)
        assert conn is not None
        try:
            _check(conn, case)
        finally:
            conn.close()


def _check(conn: sqlite3.Connection, case: Case) -> None:
    for table in ("usage", "usage_rollup", "usage_days", "usage_ever", "usage_quarters"):
        sums = {row[0]: tuple(row[1:]) for row in conn.execute(f"SELECT model, {SUMS} FROM {table} GROUP BY 1")}
        assert sums == case.sums, table
    messages, cost = conn.execute("SELECT SUM(messages), SUM(cost) FROM usage_ever").fetchone()
    assert messages == case.messages
    if case.dollars is not None:
        assert round(cost / 1e9, 6) == case.dollars
    by_session = dict(conn.execute("SELECT session, SUM(output) FROM usage GROUP BY 1").fetchall())
    assert {name: by_session.get(name) for name in case.sessions} == case.sessions
    by_day = dict(
        conn.execute("SELECT date(day / 1000, 'unixepoch'), SUM(output) FROM usage_days GROUP BY 1").fetchall()
    )
    assert not case.days or by_day == case.days
    assert usage_auxiliary.auxiliary(conn)["tokens"] == case.auxiliary


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database to be copied: to make one takes longer than what most cases ask of it."""
    file = tmp_path_factory.mktemp("empty") / "deck.db"
    store.write(file).close()
    return file


@pytest.fixture
async def intake(tmp_path: Path, empty: Path) -> AsyncIterator[Intake]:
    shutil.copy(empty, tmp_path / "deck.db")
    made = Intake(tmp_path)
    yield made
    made.writer.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_as_it_lies(intake: Intake, case: Case) -> None:
    for path, data in case.files.items():
        intake.put(path, data)
    await intake.take_in()
    intake.check(case)
    conn = store.read(intake.file)
    assert conn is not None
    assert conn.execute("SELECT SUM(diagnostics) FROM file_states").fetchone()[0] == case.damaged
    conn.close()
    await intake.take_in()
    intake.check(case)


@pytest.mark.parametrize("case", [case for case in CASES if len(case.files) > 1], ids=lambda case: case.name)
async def test_its_files_in_another_order(intake: Intake, case: Case) -> None:
    """One by one, the last first. A copied history of Codex is told by its parent's, which is there in any order."""
    for path, data in reversed(case.files.items()):
        intake.put(path, data)
        if "forked_from_id" not in str(case.files):
            await intake.take_in()
    await intake.take_in()
    intake.check(case)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if not case.damaged and all(path.endswith(GROWING) for path in case.files)],
    ids=lambda case: case.name,
)
async def test_growing_piece_by_piece(intake: Intake, case: Case) -> None:
    """Cut at any byte, files in turn, read after each piece."""
    pick = random.Random(case.name)
    for path, data in case.files.items():
        cuts = [0, *sorted(pick.randrange(len(data)) for _ in range(4)), len(data)]
        for start, end in zip(cuts, cuts[1:], strict=False):
            intake.put(path, data[start:end], "ab")
            await intake.take_in()
    intake.check(case)
