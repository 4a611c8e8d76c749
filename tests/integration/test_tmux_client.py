"""The control client, panes and sessions against a real tmux server."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agentdeck.adapters import tmux
from agentdeck.errors import AgentDeckError
from tests.waiting import wait_for, wait_until


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    socket = tmp_path / "run" / "tmux"
    tmux.ensure_server(socket, tmp_path / "tmux.conf")
    return socket


@pytest.fixture
async def client(socket: Path) -> AsyncIterator[tmux.ControlClient]:
    client = await tmux.ControlClient.open(socket)
    yield client
    await client.close()


def spawn(socket: Path, script: str, deck_id: str = "a1", **kwargs) -> str:
    return tmux.spawn_agent(socket, deck_id=deck_id, directory=socket.parent, argv=["sh", "-c", script], **kwargs)[0]


@pytest.mark.parametrize(
    "text",
    ["a b", ";", "x;", "a ; kill-server", "#", "#{pane_id}", "$HOME", "${HOME}", "~", "{}", "'", '"', "\\", "\\;", "%%",
     "%if 1", "\n", "a\r\nb\tc", "\x1b[31m", "\x01\x7f", "é漢👩‍👩‍👧\u00a0", "", " ", "-p"],
)  # fmt: skip
async def test_an_argument_reaches_tmux_as_it_is(client: tmux.ControlClient, socket: Path, text: str) -> None:
    await client.command("set-buffer", "-b", "probe", "--", f"<{text}>")
    show = ["tmux", "-u", "-S", str(socket), "show-buffer", "-b", "probe"]
    assert subprocess.check_output(show).decode() == f"<{text}>"
    if text:  # by itself too: some characters mean more at the start or the end of an argument
        await client.command("set-buffer", "-b", "probe", "--", text)
        assert subprocess.check_output(show).decode() == text


async def test_replies_match_their_commands_and_an_error_stays_its_own(client: tmux.ControlClient) -> None:
    replies = await client.batch(
        [
            ("display-message", "-p", "one"),
            ("no-such-command",),
            ("display-message", "-p", "%%end 1 2 1"),
            ("list-keys",),
        ]
    )
    assert replies[0] == ["one"]
    assert isinstance(replies[1], tmux.TmuxError) and "unknown command: no-such-command" in replies[1].title
    assert replies[2] == ["%end 1 2 1"]
    with pytest.raises(tmux.TmuxError, match="can't find pane"):
        await client.command("send-keys", "-t", "%99", "x")
    assert await client.command("display-message", "-p", "two") == ["two"]


async def test_many_callers_at_once_each_get_their_own_reply(client: tmux.ControlClient) -> None:
    async def one(n: int) -> None:
        assert await client.command("display-message", "-p", str(n)) == [str(n)]

    await asyncio.gather(*(one(n) for n in range(200)))


async def test_blocks_of_hooks_do_not_shift_replies(client: tmux.ControlClient) -> None:
    await client.command("set-hook", "-g", "after-set-option", "display-message -p from-the-hook")
    for n in range(20):
        assert await client.command("set-option", "-g", "@probe", str(n)) == []
        assert await client.command("display-message", "-p", f"#{{@probe}} {n}") == [f"{n} {n}"]


async def test_a_cancelled_caller_leaves_the_order_intact(client: tmux.ControlClient) -> None:
    task = asyncio.create_task(client.command("display-message", "-p", "lost"))
    await asyncio.sleep(0)
    task.cancel()
    assert await client.command("display-message", "-p", "kept") == ["kept"]


async def test_a_long_line_is_refused_and_nothing_of_the_batch_is_run(client: tmux.ControlClient) -> None:
    with pytest.raises(tmux.TmuxError, match="limit is 14000"):
        await client.batch([("set-option", "-g", "@probe", "set"), ("set-option", "-g", "@probe", "x" * 14_000)])
    assert await client.command("display-message", "-p", "[#{@probe}]") == ["[]"]


async def test_a_stopped_server_is_reported_and_taken_up_again(client: tmux.ControlClient) -> None:
    pid = int((await client.command("display-message", "-p", "#{pid}"))[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(tmux.TmuxError, match="did not answer") as caught:
            await client.command("display-message", "-p", "late", timeout=0.3)
        assert caught.value.exit_code == 3
    finally:
        os.kill(pid, signal.SIGCONT)
    assert await client.command("display-message", "-p", "again") == ["again"]


async def test_a_server_that_ends_fails_what_is_pending(client: tmux.ControlClient, socket: Path) -> None:
    pid = int((await client.command("display-message", "-p", "#{pid}"))[0])
    os.kill(pid, signal.SIGSTOP)
    waiting = asyncio.create_task(client.command("display-message", "-p", "never"))
    await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(tmux.TmuxError, match="connection to tmux is closed"):
        await waiting
    await asyncio.wait_for(client.closed.wait(), 5)
    with pytest.raises(tmux.TmuxError, match="closed"):
        await client.command("display-message", "-p", "x")
    assert not tmux.server_alive(socket)
    assert tmux.panes_now(socket) == {}


async def test_opening_without_a_server_says_so_and_starts_none(tmp_path: Path) -> None:
    with pytest.raises(tmux.TmuxError, match="error connecting|no server"):
        await tmux.ControlClient.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()


async def test_a_pane_is_listed_with_all_its_facts(client: tmux.ControlClient, socket: Path) -> None:
    script = "printf '\\033]0;a \\342\\220\\237 title; #{pid}\\033\\\\\\033[?1049h\\033[?25l\\033[3;5Hx'; exec sleep 60"
    pane, window, pid = tmux.spawn_agent(
        socket, deck_id="Ab-1_", directory=socket.parent, argv=["sh", "-c", script], cols=100, rows=30
    )
    await wait_until(lambda: shown(client, pane, "x"))
    panes = await tmux.list_panes(client)
    assert list(panes) == [pane]  # neither the placeholder nor anything else
    found = panes[pane]
    assert (found.id, found.window, found.deck_id, found.pid) == (pane, window, "Ab-1_", pid)
    assert (found.command, found.title) == ("sleep", "a ␟ title; #{pid}")
    assert (found.cols, found.rows, found.cursor_x, found.cursor_y) == (100, 30, 5, 2)
    assert (found.dead, found.dead_status, found.dead_signal) == (False, None, None)
    assert (found.alternate, found.cursor_visible, found.in_mode) == (True, False, False)
    assert found.activity > 1_700_000_000
    assert tmux.panes_now(socket) == panes


async def shown(client: tmux.ControlClient, pane: str, text: str) -> bool:
    return any(text in line for line in (await tmux.capture(client, [pane])).get(pane, []))


@pytest.mark.parametrize(("script", "status", "killed_by"), [("exit 3", 3, None), ("kill -9 $$", None, 9)])
async def test_how_a_program_ended_can_be_read(
    client: tmux.ControlClient, socket: Path, script: str, status: int | None, killed_by: int | None
) -> None:
    pane = spawn(socket, f"echo last words; read line; {script}")
    # What a program writes right before it ends is lost once in a while: tmux closes the terminal unread.
    await wait_until(lambda: shown(client, pane, "last words"))
    await tmux.send_bytes(client, pane, b"\r")

    async def dead() -> bool:
        return (await tmux.list_panes(client))[pane].dead

    await wait_until(dead)
    found = (await tmux.list_panes(client))[pane]
    assert (found.dead_status, found.dead_signal) == (status, killed_by)
    assert (await tmux.capture(client, [pane]))[pane][0] == "last words"
    with pytest.raises(tmux.TmuxError, match="has ended"):
        await tmux.check_writable(client, pane, "a1")


@pytest.mark.parametrize("script", ["exit 3", "kill -9 $$"])
async def test_how_a_program_ended_at_once_is_always_known(
    client: tmux.ControlClient, socket: Path, script: str
) -> None:
    for n in range(25):
        pane = spawn(socket, script, f"a{n}")

        async def dead(pane: str = pane) -> bool:
            return (await tmux.list_panes(client))[pane].dead

        await wait_until(dead if n % 2 else lambda pane=pane: tmux.panes_now(socket)[pane].dead, interval=0)
        found = (await tmux.list_panes(client))[pane]
        assert (found.dead_status, found.dead_signal) in [(3, None), (None, 9)]


async def test_capture_keeps_colours_and_trailing_cells(client: tmux.ControlClient, socket: Path) -> None:
    pane = spawn(socket, "printf '\\033[48;2;1;2;3mbar   \\033[0m\\n\\033[38;5;200m漢字\\033[0m end'; exec sleep 60")
    other = spawn(socket, "echo other; exec sleep 60", "a2")
    await wait_until(lambda: shown(client, pane, "end"))
    await wait_until(lambda: shown(client, other, "other"))
    screens = await tmux.capture(client, [pane, "%77", other])
    assert list(screens) == [pane, other]
    assert len(screens[pane]) == 40
    assert screens[pane][0] == "\x1b[48;2;1;2;3mbar   "
    assert "\x1b[38;5;200m" in screens[pane][1] and "漢字" in screens[pane][1]
    assert screens[other][0] == "other"
    panes = await tmux.list_panes(client)
    assert await tmux.look(client, [other, "%77", pane]) == {p: (panes[p], screens[p]) for p in (other, pane)}
    assert tmux.capture_now(socket, pane, ansi=True) == screens[pane]
    assert tmux.capture_now(socket, pane, ansi=False)[:2] == ["bar", "漢字 end"]


async def test_a_pane_of_another_or_in_copy_mode_takes_nothing(client: tmux.ControlClient, socket: Path) -> None:
    pane = spawn(socket, "exec cat")
    await tmux.check_writable(client, pane, "a1")
    for wrong in ("a2", "a", ""):
        with pytest.raises(tmux.TmuxError, match="is not the pane of"):
            await tmux.check_writable(client, pane, wrong)
    with pytest.raises(tmux.TmuxError, match="is not the pane of"):
        await tmux.check_writable(client, "%99", "a1")
    await client.command("copy-mode", "-t", pane)
    with pytest.raises(tmux.TmuxError, match="copy mode"):
        await tmux.check_writable(client, pane, "a1")
    assert (await tmux.list_panes(client))[pane].in_mode


def test_two_processes_may_start_the_server_at_once(tmp_path: Path) -> None:
    socket, failures = tmp_path / "run" / "tmux", []

    def start() -> None:
        try:
            tmux.ensure_server(socket, tmp_path / "tmux.conf")
        except AgentDeckError as error:
            failures.append(error)

    for _ in range(3):
        threads = [threading.Thread(target=start) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert tmux.server_alive(socket)
        tmux.kill_server(socket)
    wait_for(lambda: not tmux.server_alive(socket))
    tmux.kill_server(socket)
    tmux.kill_server(tmp_path / "never")


def test_the_socket_directory_is_private_and_the_path_short(tmp_path: Path) -> None:
    tmux.ensure_server(tmp_path / "run" / "tmux", tmp_path / "tmux.conf")
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    with pytest.raises(AgentDeckError, match="longer than 100 bytes"):
        tmux.ensure_server(tmp_path / ("x" * 100) / "tmux", tmp_path / "tmux.conf")
