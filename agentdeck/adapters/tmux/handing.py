"""Hands a text to a pane in two steps, each carried out by tmux itself only if the pane is as it was seen.

Between a look and a write a human may type, a dialog may come up, the program may end. So the server decides: one
command line tests the pane (whose, alive, not in copy mode, cursor where it was, nobody typed since) and, if all of
it still holds, writes and leaves a mark on the pane. The mark outlives the engine: after a crash it tells for
certain whether a text was pasted and whether Enter was pressed, and a step whose mark is there is never done again.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters.tmux import rows
from agentdeck.adapters.tmux.control import ControlClient
from agentdeck.adapters.tmux.panes import TYPED, capture_command, pasteable
from agentdeck.adapters.tmux.process import run
from agentdeck.adapters.tmux.protocol import TmuxError
from agentdeck.models.pane import Pane

PASTED, ENTERED = "@deck_pasted", "@deck_entered"
_DONE = "done"


@dataclass(frozen=True, slots=True)
class Sight:
    """A pane as it was at one moment, and what tells that it still is.

    `typed` is when a human last typed into it, in UTC ms (to the second for one who is attached), 0 for never.
    `pasted` and `entered` are the marks of the last text pasted and of the last one that Enter was pressed for.
    `state` is what is compared; when the pane had been silent for a second (`quiet`), any output changes it.
    """

    pane: Pane
    screen: tuple[str, ...]
    typed: int
    pasted: str
    entered: str
    state: str
    quiet: bool = False


async def sight(client: ControlClient, pane: str, deck_id: str) -> Sight | None:
    """What the agent's pane shows now, in one batch; None when it is gone. Raises TmuxError as the client does."""
    told = f"#{{{PASTED}}} #{{{ENTERED}}} #{{{TYPED}}}/{_attached(deck_id)} {_state(deck_id, quiet=True)}"
    second = int(time.time())
    facts = ("list-panes", "-t", pane, "-F", rows.FORMAT)
    listed, screen, marks = await client.batch(
        [facts, capture_command(pane), ("display-message", "-p", "-t", pane, told)]
    )
    if isinstance(listed, TmuxError) or isinstance(screen, TmuxError) or isinstance(marks, TmuxError):
        return None
    found = rows.parse(listed).get(pane)
    if found is None or not marks:
        return None
    pasted, entered, typed, state = marks[0].split(" ", 3)
    zoomed, attached = (int(part) if part.isdigit() else 0 for part in typed.split("/"))
    quiet = found.activity < second  # tmux's clock of activity has whole seconds
    state = state if quiet else state.rpartition("/")[0]
    return Sight(found, tuple(screen), max(zoomed, attached * 1000), pasted, entered, state, quiet)


async def paste_as_seen(socket: Path, seen: Sight, text: str, mark: str) -> bool:
    """Paste `text` and leave `mark`, unless the pane has changed since it was `seen`; whether that was done.

    Raises TmuxError when tmux does not say: the mark then tells, once it answers again.
    """
    buffer = f"deck-{secrets.token_hex(6)}"
    paste = f"paste-buffer -p -d -b {buffer} -t {seen.pane.id} ; set-option -p -t {seen.pane.id} {PASTED} {mark}"
    load = ("load-buffer", "-b", buffer, "-", ";")
    return await _decide(socket, seen, PASTED, mark, paste, f"delete-buffer -b {buffer}", load, pasteable(text))


async def enter_as_seen(socket: Path, seen: Sight, mark: str) -> bool:
    """Press Enter once and leave `mark`, unless the pane has changed since it was `seen`; whether that was done.

    Raises TmuxError when tmux does not say: the mark then tells, once it answers again.
    """
    press = f"send-keys -t {seen.pane.id} -H 0d ; set-option -p -t {seen.pane.id} {ENTERED} {mark}"
    return await _decide(socket, seen, ENTERED, mark, press)


async def _decide(
    socket: Path, seen: Sight, option: str, mark: str, do: str, undo: str = "", first: tuple[str, ...] = (),
    stdin: str | None = None,
) -> bool:  # fmt: skip
    """`first`, then `do` if the pane is as seen and has no such mark yet, else `undo`: one command line of tmux."""
    pane, owner = seen.pane, seen.pane.deck_id
    same = f"#{{==:{_state(owner, seen.quiet)},{seen.state}}}"
    fresh = f"#{{!=:#{{{option}}},{mark}}}"
    test = f"#{{&&:{same},{fresh}}}"
    words = ("if-shell", "-F", "-t", pane.id, test, f"{do} ; display-message -p {_DONE}", undo or "display-message -p")
    said = await asyncio.to_thread(run, socket, *first, *words, stdin=stdin)
    return said.strip() == _DONE


def _state(deck_id: str, quiet: bool) -> str:
    """All that must not change between a look and a write, as one word of tmux's making."""
    names = ("@deck_id", "pane_dead", "pane_in_mode", "cursor_x", "cursor_y", "pane_width", "pane_height", TYPED)
    parts = [*(f"#{{{name}}}" for name in names), _attached(deck_id)]
    return "/".join([*parts, "#{window_activity}"] if quiet else parts)


def _attached(deck_id: str) -> str:
    """When somebody who is attached to the agent's own session last pressed a key, in whole seconds."""
    return f"#{{S:#{{?#{{==:#{{session_name}},deck-{deck_id}}},#{{session_activity}},}}}}"
