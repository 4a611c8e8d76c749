"""What has scrolled off a pane's screen: a few rows of it for a view, all of it for a reader or a search.

Never by copy mode: a pane in copy mode takes no delivery. Rows are counted as tmux does: 0 is the first row of the
screen, -1 the newest row of the history.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters.tmux import captures
from agentdeck.adapters.tmux.control import ControlClient
from agentdeck.adapters.tmux.protocol import TmuxError

STYLED_ROWS = 500
"""Rows of one styled capture."""
_PLAIN_AT_ONCE = 4  # panes of one batch: 25 ms of tmux with full histories
_STYLE = re.compile(r"\x1b\[[0-9;:]*m|[\x0e\x0f]")
_FACTS = ("#{@deck_id} #{history_size} #{history_limit} #{pane_height}",)


@dataclass(frozen=True, slots=True)
class Rows:
    """Captured rows with SGR sequences; `first` is the number of the first one when `size` rows had scrolled off."""

    rows: list[str]
    first: int
    size: int
    limit: int


async def history_rows(client: ControlClient, pane: str, deck_id: str, first: int, last: int) -> Rows:
    """The rows from `first` to `last` as they stand there. Raises TmuxError when the pane is not the agent's."""
    facts, found = await client.batch(
        [_facts(pane), ("capture-pane", "-p", "-e", "-N", "-S", str(first), "-E", str(last), "-t", pane)]
    )
    size, limit, _ = _checked(facts, pane, deck_id)
    # tmux answers with the nearest rows that it has
    return Rows(_lines(found), max(first, -size), size, limit)


async def history_styled(client: ControlClient, pane: str, deck_id: str) -> list[list[str]]:
    """History and screen, oldest first, wrapped rows joined to lines, in pieces that each begin in the plain style.

    Taken at one moment. Raises TmuxError when the pane is not the agent's.
    """
    size, _, height = _checked((await client.batch([_facts(pane)]))[0], pane, deck_id)
    # one batch: tmux reads nothing from the program between two of its commands
    starts = list(range(-size, height, STYLED_ROWS))
    asked: list[Sequence[str]] = []
    for start in starts:
        end = min(start + STYLED_ROWS, height) - 1
        asked.append(("capture-pane", "-p", "-e", "-J", "-S", str(start), "-E", str(end), "-t", pane))
        asked.append(("capture-pane", "-p", "-J", "-S", str(end), "-E", str(end + 1), "-t", pane))
    replies = await client.batch(asked)
    pieces = [_lines(reply) for reply in replies[::2]]
    goes_on = [len(_lines(reply)) == 1 for reply in replies[1::2]]
    return joined(pieces, goes_on[:-1])


def joined(pieces: list[list[str]], goes_on: Sequence[bool]) -> list[list[str]]:
    """A line that was cut between two pieces is given whole to the earlier one; `goes_on` says where."""
    for number in reversed([place for place, cut in enumerate(goes_on) if cut]):
        here, following = pieces[number], pieces[number + 1]
        if here and following:
            rest = following.pop(0)
            here[-1] += "\x1b[0m" + rest
            if following:  # what comes next was written in the style that the rest ended in
                following[0] = "".join(_STYLE.findall(rest)) + following[0]
    return pieces


async def history_texts(client: ControlClient, panes: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """History and screen of each (pane, agent id) as plain lines, by pane. Panes that are not the agent's are left out.

    By way of files that the server writes: what a control client gets of a buffer is escaped, which costs more than
    the capture, and would be read on the caller's loop.
    """
    folder = await asyncio.to_thread(_folder)
    try:
        found: dict[str, list[str]] = {}
        for at in range(0, len(panes), _PLAIN_AT_ONCE):
            found |= await _texts(client, panes[at : at + _PLAIN_AT_ONCE], folder)
        return found
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


async def _texts(client: ControlClient, panes: Sequence[tuple[str, str]], folder: Path) -> dict[str, list[str]]:
    files = {pane: folder / pane.removeprefix("%") for pane, _ in panes}
    buffer = captures.buffer_name(os.getpid(), secrets.randbelow(10**9))
    asked = [command for pane, _ in panes for command in (_facts(pane), *_to_file(pane, buffer, files[pane]))]
    replies = await client.batch(asked, timeout=20.0)
    found: dict[str, list[str]] = {}
    for number, (pane, deck_id) in enumerate(panes):
        facts, *done = replies[number * 4 : number * 4 + 4]
        if not isinstance(facts, TmuxError) and _owner(facts) == deck_id and not any(map(_failed, done)):
            found[pane] = await asyncio.to_thread(_read, files[pane])
    return found


def _folder() -> Path:
    """Where only we and our server can read and write."""
    place = paths.runtime_dir()
    return Path(tempfile.mkdtemp(prefix="find-", dir=place if place.is_dir() else None))


def _to_file(pane: str, buffer: str, file: Path) -> tuple[tuple[str, ...], ...]:
    capture = ("capture-pane", "-b", buffer, "-J", "-S", "-", "-t", pane)
    return capture, ("save-buffer", "-b", buffer, str(file)), ("delete-buffer", "-b", buffer)


def _read(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8", errors="replace")
    file.unlink()
    return text.split("\n")


def _failed(reply: list[str] | TmuxError) -> bool:
    return isinstance(reply, TmuxError)


def _facts(pane: str) -> tuple[str, ...]:
    return ("display-message", "-p", "-t", pane, *_FACTS)


def _owner(facts: Sequence[str]) -> str:
    return facts[0].split(" ")[0] if facts else ""


def _checked(facts: list[str] | TmuxError, pane: str, deck_id: str) -> tuple[int, int, int]:
    """Size and limit of the history, rows of the screen."""
    lines = _lines(facts)
    if _owner(lines) != deck_id:
        raise TmuxError(f"Pane {pane} is not the pane of agent {deck_id}", "It ended; its conversation may be kept.")
    size, limit, height = (int(word) if word.isdigit() else 0 for word in lines[0].split(" ")[1:4])
    return size, limit, height


def _lines(reply: list[str] | TmuxError) -> list[str]:
    if isinstance(reply, TmuxError):
        raise reply
    return reply
