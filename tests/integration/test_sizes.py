"""Leases on a real pane's size: what follows from them in tmux, and what never does."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters import processes, tmux
from agentdeck.adapters.database import store
from agentdeck.adapters.tmux.sizes import resize
from agentdeck.models.agent import Agent
from agentdeck.services import sizes
from tests.ui.terminal import Terminal
from tests.waiting import wait_until

SLEEP = ["tail", "-f", "/dev/null"]


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    socket = tmp_path / "run" / "tmux"
    tmux.ensure_server(socket, tmp_path / "tmux.conf")
    yield socket
    tmux.kill_server(socket)


@pytest.fixture
async def client(socket: Path) -> AsyncIterator[tmux.ControlClient]:
    client = await tmux.ControlClient.open(socket)
    yield client
    await client.close()


@pytest.fixture
def agent(socket: Path) -> Agent:
    pane, window, pid = tmux.spawn_agent(socket, deck_id="ada", directory=socket.parent, argv=SLEEP)
    return Agent("ada", "ada", "shell", "/", "/", "", "", "", "live", pane=pane, window=window, pid=pid)


def size(socket: Path, agent: Agent) -> tuple[int, int]:
    pane = tmux.panes_now(socket)[agent.pane]
    return pane.cols, pane.rows


class Zoom:
    """Another process with a lease: a killed one leaves its row behind."""

    def __init__(self, agent: Agent, room: tuple[int, int]) -> None:
        self.process = subprocess.Popen(SLEEP)
        sizes.hold(agent, agent.window, room)
        found = processes.identify(self.process.pid)
        assert found is not None
        with closing(store.write(paths.database_file())) as conn:
            change = "UPDATE size_leases SET pid = ?, pid_start = ? WHERE pid = ?"
            conn.execute(change, (found.pid, found.start, os.getpid()))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


async def settle(client: tmux.ControlClient) -> None:
    await sizes.settle(lambda wanted: resize(client, wanted))


async def test_all_zooms_see_the_whole_screen_and_the_last_one_leaves_its_own_size(
    socket: Path, client: tmux.ControlClient, agent: Agent
) -> None:
    wide, high = Zoom(agent, (200, 50)), Zoom(agent, (160, 70))
    await settle(client)
    assert size(socket, agent) == (160, 50)
    sizes.hold(agent, agent.window, (150, 60))
    await settle(client)
    assert size(socket, agent) == (150, 50)
    wide.kill()
    await settle(client)
    assert size(socket, agent) == (150, 60)
    sizes.give_back("ada")
    await settle(client)
    assert size(socket, agent) == (160, 70) and len(sizes.read()) == 1
    high.kill()
    await settle(client)
    assert size(socket, agent) == (120, 40) and sizes.read() == []


async def test_a_human_who_is_attached_keeps_his_size_until_he_leaves(
    tmp_path: Path, socket: Path, client: tmux.ControlClient, agent: Agent
) -> None:
    argv = ["env", "-u", "TMUX", *tmux.attach_argv(socket, agent.window)]
    with Terminal(tmp_path / "outer", argv, 90, 30, {}):
        await wait_until(lambda: size(socket, agent) == (90, 30))
        sizes.hold(agent, agent.window, (160, 50))
        await settle(client)
        assert size(socket, agent) == (90, 30)

    async def right() -> bool:
        await settle(client)
        return size(socket, agent) == (160, 50)

    await wait_until(right)
    sizes.give_back("ada")
    await settle(client)
    assert size(socket, agent) == (120, 40)


async def test_a_window_that_is_not_the_agents_any_more_is_left_alone(
    socket: Path, client: tmux.ControlClient, agent: Agent
) -> None:
    tmux.spawn_agent(socket, deck_id="bo", directory=socket.parent, argv=SLEEP)
    windows = {pane.deck_id: pane.window for pane in tmux.panes_now(socket).values()}
    sizes.hold(agent, windows["bo"], (160, 50))  # as after the end of a server: the ids begin anew
    sizes.give_back("ada")
    await settle(client)
    assert {(pane.cols, pane.rows) for pane in tmux.panes_now(socket).values()} == {(120, 40)}
    assert sizes.read() == []


async def test_whoever_resizes_late_looks_again(socket: Path, client: tmux.ControlClient, agent: Agent) -> None:
    sizes.hold(agent, agent.window, (160, 50))
    slow, once = asyncio.Event(), asyncio.Event()

    async def late(wanted: object) -> None:
        once.set()
        await slow.wait()
        await resize(client, wanted)  # type: ignore[arg-type]

    other = asyncio.create_task(sizes.settle(late))
    await once.wait()
    sizes.give_back("ada")
    await settle(client)
    assert size(socket, agent) == (120, 40) and sizes.read() == []
    slow.set()
    await other
    assert size(socket, agent) == (120, 40)


async def test_without_a_server_the_lease_waits_for_one(socket: Path, client: tmux.ControlClient, agent: Agent) -> None:
    sizes.hold(agent, agent.window, (160, 50))
    sizes.give_back("ada")
    await client.close()
    with pytest.raises(tmux.TmuxError):
        await settle(client)
    assert len(sizes.read()) == 1
