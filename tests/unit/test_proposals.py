"""Which conversations are a research loop's: what its file says, torn lines and clients of yesterday included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters.database.store import Writer
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.services.usage.proposals import FILE, YOUNG_MS, Proposals


@pytest.fixture
def writer(deck_home: Path) -> Iterator[Writer]:
    made = Writer(paths.database_file())
    yield made
    made.close()


def loop(place: Path) -> Agent:
    return Agent("a1", "lab", "loop", str(place), str(place), "main", "", "", "live", argv=(str(place),))


def line(session: str, age: int = 0, harness: str = "claude") -> str:
    told = {"at": now_ms() - age, "harness": harness, "session": session, "transcript": "", "home": "/h"}
    return json.dumps({**told, "config_home": "/h/.claude"}) + "\n"


async def test_each_is_looked_at_while_it_is_young_and_a_broken_line_costs_no_other(
    writer: Writer, tmp_path: Path
) -> None:
    file, known = tmp_path / FILE, Proposals()
    half = line("half")[:40]
    file.write_text(f"{line('one')}{half}{line('glued')}[1]\n{line('gone', harness='of-yesterday')}{line('two')}{half}")
    found = await known.look(writer, [loop(tmp_path)])
    assert [source.session for source in found] == ["one", "two"]
    assert {source.agent for source in found} == {"a1"}
    with open(file, "a") as more:
        more.write(line("half")[40:])
    assert [source.session for source in await known.look(writer, [loop(tmp_path)])] == ["one", "two", "half"]
    entered = await writer.run(lambda conn: conn.execute("SELECT vendor_session FROM agent_sessions").fetchall())
    assert {row[0] for row in entered} == {"one", "gone", "two", "half"}


async def test_an_old_one_is_looked_at_once_and_a_loop_that_went_is_forgotten(writer: Writer, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(line("old", YOUNG_MS + 1000))
    known = Proposals()
    assert [source.session for source in await known.look(writer, [loop(tmp_path)])] == ["old"]
    assert await known.look(writer, [loop(tmp_path)]) == []
    assert await known.look(writer, []) == []
    assert [source.session for source in await known.look(writer, [loop(tmp_path)])] == ["old"], "all of it anew"
