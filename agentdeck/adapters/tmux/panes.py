"""What the hot path does with panes over the control client: see them, and write to them.

Callers verify a pane with `check_writable` right before a write: ids are never reused while a server lives, and the
commands of one client are carried out in order.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from agentdeck.adapters.tmux import rows
from agentdeck.adapters.tmux.control import ControlClient
from agentdeck.adapters.tmux.keys import is_key
from agentdeck.adapters.tmux.process import run
from agentdeck.adapters.tmux.protocol import TmuxError
from agentdeck.models.pane import Pane

_REAPS = 4
BETWEEN_KEYS_SECONDS = 0.2
_CHUNK = 4000  # bytes per send-keys: three characters each, below the limit of a command line


async def list_panes(client: ControlClient, *, timeout: float = 10.0) -> dict[str, Pane]:
    """Every agent's pane by pane id, dead ones included: one command for the whole fleet."""
    question = ("list-panes", "-s", "-t", f"={rows.HUB}", "-F", rows.FORMAT)
    panes = rows.parse(await client.command(*question, timeout=timeout))
    for _ in range(_REAPS):  # the pane may close a moment before its program can be waited for
        if not rows.unexplained(panes) - client.reaped:
            break
        await client.command(*rows.REAP)
        panes = rows.parse(await client.command(*question))
    client.reaped |= rows.unexplained(panes)
    return panes


async def capture(client: ControlClient, panes: Sequence[str], *, timeout: float = 10.0) -> dict[str, list[str]]:
    """The visible screens of `panes`, by pane id: one line per row, with SGR sequences. Missing panes are left out.

    Style carries over line ends. Trailing blanks are kept (`-N`): without them the end of a coloured bar, or a
    reverse cursor cell at a line's end, is lost. tmux 3.3 leaves out cells behind the last one written even when
    they were erased to a colour; 3.4 has them.
    """
    replies = await client.batch([capture_command(pane) for pane in panes], timeout=timeout)
    return {pane: reply for pane, reply in zip(panes, replies, strict=True) if not isinstance(reply, TmuxError)}


async def look(client: ControlClient, panes: Sequence[str]) -> dict[str, tuple[Pane, list[str]]]:
    """The facts and the visible screens of `panes`, by pane id, in one batch: the cursor belongs to the screen."""
    facts = [("list-panes", "-t", pane, "-F", rows.FORMAT) for pane in panes]
    replies = await client.batch(
        [command for pane, fact in zip(panes, facts, strict=True) for command in (fact, capture_command(pane))]
    )
    found: dict[str, tuple[Pane, list[str]]] = {}
    for pane, listed, screen in zip(panes, replies[::2], replies[1::2], strict=True):
        if isinstance(listed, TmuxError) or isinstance(screen, TmuxError):
            continue
        known = rows.parse(listed).get(pane)
        if known is not None:
            found[pane] = (known, screen)
    return found


def capture_command(pane: str) -> tuple[str, ...]:
    return ("capture-pane", "-p", "-e", "-N", "-t", pane)


TYPED = "@deck_typed"
"""The option of a pane that tells when a human last typed into it through a dashboard (UTC ms)."""


async def check_writable(client: ControlClient, pane: str, deck_id: str, *, typing: bool = False) -> None:
    """Raise TmuxError unless `pane` is the live pane of agent `deck_id` and takes input.

    In copy mode a paste would reach the program but Enter would not; a dead pane answers every write with OK.
    `typing`: a human types; the pane remembers when, and no text of the deck's gets between their keys.
    """
    asked: list[tuple[str, ...]] = [
        ("display-message", "-p", "-t", pane, "#{@deck_id} #{pane_dead} #{pane_in_mode}"),
    ]
    if typing:
        asked.append(("set-option", "-p", "-t", pane, TYPED, str(int(time.time() * 1000))))
    line = (await client.batch(asked))[0]
    if isinstance(line, TmuxError):
        raise line
    owner, dead, in_mode = (line[0] if line else "  ").split(" ", 2)
    if owner != deck_id:
        raise TmuxError(f"Pane {pane} is not the pane of agent {deck_id}", "It ended; resume the agent.")
    if dead != "0":
        raise TmuxError(f"The program in pane {pane} has ended", "Resume the agent.")
    if in_mode not in ("", "0"):
        raise TmuxError(f"Pane {pane} is in tmux's copy mode", "Attach to the agent and press q.", exit_code=3)


async def send_bytes(client: ControlClient, pane: str, data: bytes) -> None:
    """Type `data` as it is. Raises TmuxError when the pane is gone."""
    chunks = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    replies = await client.batch([("send-keys", "-t", pane, "-H", *chunk.hex(" ").split()) for chunk in chunks])
    _raise_first(replies)


async def send_key(client: ControlClient, pane: str, key: str) -> None:
    """Press `key`, a tmux key name: tmux sends what the program's current mode asks for (application cursor keys).

    Raises TmuxError for a name that is not a key: tmux would type it out as text.
    """
    if not is_key(key):
        raise TmuxError(f"{key!r} is not a key name that agentdeck sends")
    await client.command("send-keys", "-t", pane, key)


async def press(client: ControlClient, pane: str, keys: Sequence[str]) -> None:
    """Press several keys one after the other, as `send_key` does each: two Escapes in one read are another key."""
    for number, key in enumerate(keys):
        if number:
            await asyncio.sleep(BETWEEN_KEYS_SECONDS)
        await send_key(client, pane, key)


async def paste(client: ControlClient, socket: Path, pane: str, text: str) -> None:
    """Paste `text`, bracketed when the program asked for that, with line ends as a terminal sends them (CR).

    Control characters other than newline and tab are left out, as terminals do: an ESC could end the bracket early.
    Raises TmuxError when the pane is gone; nothing stays behind in tmux's buffers.
    """
    body = pasteable(text)
    if not body:
        return
    name = f"deck-{secrets.token_hex(6)}"
    # Input over the control pipe answers OK and stores nothing, hence a process of its own.
    await asyncio.to_thread(run, socket, "load-buffer", "-b", name, "-", stdin=body)
    try:
        await client.command("paste-buffer", "-p", "-d", "-b", name, "-t", pane)
    except BaseException:
        await asyncio.shield(_forget(client, name))
        raise


def pasteable(text: str) -> str:
    """`text` with newlines as LF and without any other control character but the tab."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f"))


async def _forget(client: ControlClient, name: str) -> None:
    if not client.closed.is_set():
        await client.batch([("delete-buffer", "-b", name)])


def _raise_first(replies: Sequence[list[str] | TmuxError]) -> None:
    for reply in replies:
        if isinstance(reply, TmuxError):
            raise reply
