"""Zoom, and the tools beside an agent: a shell in its work tree, a full-screen attach, its path."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agentdeck import paths
from agentdeck.errors import AgentDeckError, TryAgain

if TYPE_CHECKING:
    from agentdeck.services.fleet import AgentRow
    from agentdeck.ui.screens.deck import DeckScreen


def zoom(deck: DeckScreen, number: int) -> None:
    from agentdeck.ui.screens.zoom import ZoomScreen

    focused, live = deck.state.focused, deck.live
    if focused is None:
        return
    if live is None:
        deck.notify("the screens are not connected yet", severity="warning", timeout=3)
        return
    deck.app.push_screen(ZoomScreen(focused, live, lambda: deck.newest(focused.agent.id)))


async def terminal(deck: DeckScreen, number: int) -> None:
    """The human's own shell in the work tree."""
    row = _focused(deck)
    tree = Path(row.agent.worktree)
    if not await asyncio.to_thread(tree.is_dir):
        from agentdeck.services import trees

        await asyncio.to_thread(trees.require, row.agent)
        raise TryAgain(f"the worktree of {row.agent.name} is gone: {tree}", "Look again in a moment.")
    deck.note(f"shell in {tree}")
    words = f"{row.agent.name}'s work tree on {row.agent.branch or 'your branch'}; exit returns to the deck"
    told = ["/bin/sh", "-c", 'printf "%s\\n" "$1"; exec "$0"', os.environ.get("SHELL") or "/bin/sh", words]
    await _human(deck, told, tree)


async def attach(deck: DeckScreen, number: int) -> None:
    from agentdeck.adapters import tmux

    row = _focused(deck)
    if not row.agent.window:
        raise TryAgain(f"{row.agent.name} has no window yet", "Wait until it has started.")
    argv = await asyncio.to_thread(tmux.attach_argv, paths.tmux_socket(), row.agent.window)
    deck.note(f"attach to {row.agent.name}")
    await _human(deck, argv, None)


def copy(deck: DeckScreen, number: int) -> None:
    row = _focused(deck)
    deck.app.copy_to_clipboard(row.agent.worktree)
    deck.notify(row.agent.worktree, title="copied", timeout=3, markup=False)


def _focused(deck: DeckScreen) -> AgentRow:
    row = deck.state.focused
    if row is None:
        raise TryAgain("no agent is focused", "Move to one first.")
    return row


async def _human(deck: DeckScreen, argv: Sequence[str], directory: Path | None) -> None:
    """Give a program to the human: a popup of the tmux they are in, else the whole terminal until it ends."""
    from agentdeck.adapters import tmux

    if os.environ.get("TMUX"):
        popup = await asyncio.to_thread(tmux.popup_argv, list(argv), directory)
        process = await asyncio.create_subprocess_exec(*popup, stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
        if process.returncode and said.strip():
            raise AgentDeckError(
                f"tmux opened no popup: {said.decode(errors='replace').strip()}", "tmux 3.2 or newer has popups."
            )
        return
    environ = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")}
    if deck.live:
        deck.live.pause()
    # No repaint while the terminal is somebody else's: writes would pile up in Textual's
    # stopped writer thread and block the loop for good at the thirtieth.
    with deck.app.batch_update(), deck.app.suspend():
        process = await asyncio.create_subprocess_exec(*argv, cwd=directory, env=environ)
        await process.wait()
        _end_without_terminal()
    if deck.live:
        deck.live.resume()
    deck.app.refresh(layout=True)


def _end_without_terminal() -> None:
    """A terminal that closes tells only the program in front, which we were not: end as we would have then."""
    try:
        termios.tcgetattr(sys.__stdin__ or 0)
    except termios.error:
        os.kill(os.getpid(), signal.SIGHUP)


HANDLERS = {"zoom": zoom, "terminal": terminal, "attach": attach, "copy": copy}
