"""Keys, bytes and pastes as a program in a real pane receives them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from agentdeck.adapters import tmux
from agentdeck.adapters.tmux import captures
from tests.waiting import wait_until

APPLICATION_CURSOR = "\\033[?1h"
BRACKETED = "\\033[?2004h"


class Recorder:
    """A pane whose program writes every byte it gets to a file."""

    def __init__(self, client: tmux.ControlClient, socket: Path, pane: str, file: Path) -> None:
        self.client, self.socket, self.pane, self.file = client, socket, pane, file

    async def gets(self, wanted: bytes) -> None:
        await wait_until(lambda: len(self.file.read_bytes()) >= len(wanted), what=f"{len(wanted)} bytes")
        assert self.file.read_bytes() == wanted


@pytest.fixture
async def record(tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[Recorder]]]:
    socket = tmp_path / "tmux"
    tmux.ensure_server(socket, tmp_path / "tmux.conf")
    client = await tmux.ControlClient.open(socket)

    async def start(modes: str = "") -> Recorder:
        file = tmp_path / "got"
        script = f"stty raw -echo; printf '{modes}ready'; exec cat >'{file}'"
        pane, _, _ = tmux.spawn_agent(socket, deck_id="rec", directory=tmp_path, argv=["sh", "-c", script])

        async def ready() -> bool:
            return file.exists() and (await tmux.capture(client, [pane]))[pane][0].startswith("ready")

        await wait_until(ready)
        return Recorder(client, socket, pane, file)

    yield start
    await client.close()


Record = Callable[..., Awaitable[Recorder]]

# key, what a program gets in normal mode, in application cursor mode when that differs
KEYS: list[tuple[str, bytes, bytes | None]] = [
    ("Up", b"\x1b[A", b"\x1bOA"), ("Down", b"\x1b[B", b"\x1bOB"), ("Right", b"\x1b[C", b"\x1bOC"),
    ("Left", b"\x1b[D", b"\x1bOD"), ("Home", b"\x1b[1~", None), ("End", b"\x1b[4~", None),
    ("IC", b"\x1b[2~", None), ("DC", b"\x1b[3~", None), ("PPage", b"\x1b[5~", None), ("NPage", b"\x1b[6~", None),
    ("BTab", b"\x1b[Z", None), ("F1", b"\x1bOP", None), ("F4", b"\x1bOS", None), ("F5", b"\x1b[15~", None),
    ("F12", b"\x1b[24~", None), ("S-F1", b"\x1b[1;2P", None), ("C-F12", b"\x1b[24;5~", None),
    ("C-Up", b"\x1b[1;5A", None), ("S-Left", b"\x1b[1;2D", None), ("M-Right", b"\x1b[1;3C", None),
    ("C-S-Down", b"\x1b[1;6B", None), ("C-M-Left", b"\x1b[1;7D", None), ("C-S-F5", b"\x1b[15;6~", None),
    ("C-DC", b"\x1b[3;5~", None), ("S-PPage", b"\x1b[5;2~", None), ("M-BTab", b"\x1b\x1b[Z", None),
    ("Enter", b"\r", None), ("M-Enter", b"\x1b\r", None), ("Escape", b"\x1b", None), ("Tab", b"\t", None),
    ("BSpace", b"\x7f", None), ("C-c", b"\x03", None), ("C-j", b"\n", None), ("C-q", b"\x11", None),
    ("C-]", b"\x1d", None), ("1", b"1", None), ("y", b"y", None), (";", b";", None), ("$", b"$", None),
    ("M-x", b"\x1bx", None), ("Space", b" ", None),
]  # fmt: skip


@pytest.mark.parametrize("application", [False, True])
async def test_key_names_give_the_sequences_of_the_mode(record: Record, application: bool) -> None:
    pane = await record(APPLICATION_CURSOR if application else "")
    wanted = b""
    for key, normal, changed in KEYS:
        await tmux.send_key(pane.client, pane.pane, key)
        wanted += (changed or normal) if application else normal
    await pane.gets(wanted)


async def test_an_unknown_key_is_refused_not_typed(record: Record) -> None:
    pane = await record()
    for name in ("S-Tab2", "hello", "-l"):
        with pytest.raises(tmux.TmuxError, match="not a key name"):
            await tmux.send_key(pane.client, pane.pane, name)
    await tmux.send_bytes(pane.client, pane.pane, b".")
    await pane.gets(b".")


async def test_every_byte_arrives_and_long_input_in_order(record: Record) -> None:
    pane = await record()
    data = bytes(range(256)) + "漢é👩‍👩‍👧".encode() + b"0123456789" * 1500
    await tmux.send_bytes(pane.client, pane.pane, data)
    await pane.gets(data)
    await tmux.send_bytes(pane.client, pane.pane, b"")
    with pytest.raises(tmux.TmuxError, match="can't find pane"):
        await tmux.send_bytes(pane.client, "%99", b"x")


@pytest.mark.parametrize("bracketed", [True, False])
async def test_a_paste_is_bracketed_when_the_program_asks(record: Record, bracketed: bool) -> None:
    pane = await record(BRACKETED if bracketed else "")
    text = "first; $HOME #{pane_id}\n  second\t\\\"'\n\n漢 👩‍👧 \x1b[201~ end"
    await tmux.paste(pane.client, pane.socket, pane.pane, text)
    body = "first; $HOME #{pane_id}\r  second\t\\\"'\r\r漢 👩‍👧 [201~ end".encode()
    await pane.gets(b"\x1b[200~" + body + b"\x1b[201~" if bracketed else body)
    assert await buffers(pane) == []


async def buffers(pane: Recorder) -> list[str]:
    """The names of tmux's buffers, less the one by which a client takes its captures."""
    names = await pane.client.command("list-buffers", "-F", "#{buffer_name}")
    return [name for name in names if not name.startswith(captures.PREFIX)]


async def test_a_paste_of_300_kilobytes_arrives_whole(record: Record) -> None:
    pane = await record(BRACKETED)
    text = "".join(f"line {n}\n" for n in range(27_000))
    await tmux.paste(pane.client, pane.socket, pane.pane, text)
    await pane.gets(b"\x1b[200~" + text.replace("\n", "\r").encode() + b"\x1b[201~")


async def test_a_failed_paste_leaves_no_buffer(record: Record) -> None:
    pane = await record()
    with pytest.raises(tmux.TmuxError, match="can't find pane"):
        await tmux.paste(pane.client, pane.socket, "%99", "secret")
    assert await buffers(pane) == []
    await tmux.paste(pane.client, pane.socket, pane.pane, "\x1b")
    await tmux.paste(pane.client, pane.socket, pane.pane, "-")
    await pane.gets(b"-")
