"""Histories of real panes, captured and searched beside transcripts, without disturbing anybody."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters import tmux
from agentdeck.adapters.database import store
from agentdeck.adapters.tmux import ControlClient
from agentdeck.models.agent import Agent
from agentdeck.models.screen import Style
from agentdeck.services import rows
from agentdeck.services.reading import history
from agentdeck.services.reading.search import Found, Searcher
from tests.deck import Deck
from tests.waiting import wait_until

# Coloured lines; number 700 is longer than a row and stands where two captures of 500 rows meet.
PRINTER = r"""
import sys, time
for n in range(1239):
    word = 'long ' * 40 if n == 700 else ''
    print(f'\x1b[3{1 + n % 6}mline {n:04} {word}\x1b[0m')
sys.stdout.write('prompt> '); sys.stdout.flush()
time.sleep(3600)
"""


def agent(name: str, pane: str = "", **more: str) -> Agent:
    made = Agent(name, name, "builtin", "/r", "/r", f"deck/{name}/1", "main", "", "live", pane=pane)
    return replace(made, **more)


@pytest.fixture
def socket() -> Iterator[Path]:
    socket = paths.make_private(paths.runtime_dir()) / "tmux"
    tmux.ensure_server(socket, paths.tmux_conf())
    yield socket
    tmux.kill_server(socket)


@pytest.fixture
async def client(socket: Path) -> AsyncIterator[ControlClient]:
    client = await ControlClient.open(socket)
    yield client
    await client.close()


def spawn(socket: Path, name: str, script: str = PRINTER) -> str:
    argv = ["env", "PYTHONUTF8=1", sys.executable, "-c", script]
    return tmux.spawn_agent(socket, deck_id=name, directory=Path("/"), argv=argv)[0]


async def printed(client: ControlClient, pane: str, text: str = "prompt>") -> None:
    async def shown() -> bool:
        return any(text in line for line in (await tmux.capture(client, [pane]))[pane])

    await wait_until(shown, 20)


def said(agent: str, *texts: str) -> None:
    """A transcript of our own agent."""
    paths.transcripts_dir().mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"type": "user", "ts": 0, "session": agent, "content": text}) + "\n" for text in texts]
    (paths.transcripts_dir() / f"{agent}-1.jsonl").write_text("".join(lines))


async def test_all_of_a_history_is_read_in_its_colours_and_in_whole_lines(socket: Path, client: ControlClient) -> None:
    pane = spawn(socket, "ada")
    await printed(client, pane)
    document = await history.screen(client, agent("ada", pane))
    assert len(document.texts) == 1240 and document.texts[-1] == "prompt>"
    assert document.texts[700] == ("line 0700 " + "long " * 40).rstrip()
    for number in (0, 699, 700, 701, 1238):
        text, style = document.line(number)[0]
        assert text.startswith(f"line {number:04}") and style == Style(fg=f"3{1 + number % 6}"), number
    (plain,) = (await tmux.history_texts(client, [(pane, "ada")])).values()
    assert [line.rstrip() for line in plain][: len(document.texts)] == document.texts


async def test_rows_back_are_those_that_scrolled_off_and_no_stranger_s(socket: Path, client: ControlClient) -> None:
    pane = spawn(socket, "ada")
    await printed(client, pane)
    found = await tmux.history_rows(client, pane, "ada", -10, -6)
    size = found.size
    assert (found.first, found.limit, len(found.rows)) == (-10, 5000, 5) and size > 1190
    above = (await tmux.history_rows(client, pane, "ada", -size - 50, -size + 1)).rows
    assert [row.split()[-1].split("\x1b")[0] for row in above] == ["0000", "0001"]
    with pytest.raises(tmux.TmuxError, match="not the pane of agent"):
        await tmux.history_rows(client, pane, "bo", -10, -6)
    assert await tmux.history_texts(client, [(pane, "bo"), ("%99", "ada")]) == {}
    # the pane itself never left its live end: a delivery would go through
    assert await client.command("display-message", "-p", "-t", pane, "#{pane_in_mode}") == ["0"]


async def test_screens_and_sessions_of_all_agents_are_searched(socket: Path, client: ControlClient) -> None:
    pane = spawn(socket, "ada")
    await printed(client, pane)
    said("bo", "mend line 0812 of it", "nothing")
    agents = [agent("ada", pane), agent("bo", life="stopped", session="bo-1"), agent("cleo", "%77")]
    found: list[Found] = []
    searcher = Searcher(lambda: client)
    assert await searcher.search("LINE 0812", agents, found.append) == "" and found == []
    assert await searcher.search("line 0812", agents, found.append) == ""
    seen = {each.agent.name: [each.source, each.texts[each.matches[0].line]] for each in found}
    assert seen == {"ada": ["screen", "line 0812"], "bo": ["transcript", "› mend line 0812 of it"]}
    said("bo", "and now something else")
    found.clear()
    await searcher.search("something else", agents, found.append)
    assert [each.agent.name for each in found] == ["bo"]


async def test_without_a_connection_sessions_are_searched_and_it_is_said() -> None:
    said("bo", "mend it")
    found: list[Found] = []
    agents = [agent("ada", "%1"), agent("bo", session="bo-1")]
    trouble = await Searcher(lambda: None).search("mend", agents, found.append)
    assert "no connection to tmux" in trouble and [each.agent.name for each in found] == ["bo"]


async def test_the_command_finds_both_and_says_where(socket: Path, client: ControlClient, git_repo: Path) -> None:
    pane = spawn(socket, "ada")
    await printed(client, pane)
    said("bo", 'say "hi" to line 0003')
    with closing(store.write(paths.database_file())) as conn:
        for made in (agent("ada", pane), agent("bo", life="stopped", session="bo-1")):
            rows.insert(conn, "agents", rows.agent_columns(made))
    deck = Deck(git_repo)
    assert deck.ok("search", "line 0003", "--json").json == [
        {"agent": "ada", "source": "screen", "line": 4, "text": "line 0003"},
        {"agent": "bo", "source": "transcript", "line": 1, "text": '› say "hi" to line 0003'},
    ]
    assert deck.ok("search", "line 0003", "--agent", "bo").out == 'bo:transcript:1: › say "hi" to line 0003\n'
    assert deck.ok("search", "no such thing", "--json").json == []
    assert deck.run("search", "x", "--agent", "nobody").code == 2 and deck.run("search", " ").code == 2
    await client.close()
    tmux.kill_server(socket)
    assert [row["agent"] for row in deck.ok("search", "line 0003", "--json").json] == ["bo"]
