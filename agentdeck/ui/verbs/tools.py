"""Zoom, and what opens beside an agent: a shell, an editor, any tool of the human's, a full-screen attach."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING

from agentdeck import paths
from agentdeck.errors import AgentDeckError, TryAgain

if TYPE_CHECKING:
    from agentdeck.config import Place, Tool
    from agentdeck.services.fleet import AgentRow
    from agentdeck.ui.errands import Errand
    from agentdeck.ui.screens.deck import DeckScreen
    from agentdeck.ui.screens.zoom import ZoomScreen
    from agentdeck.ui.toolbox import Toolbox


def zoom(deck: DeckScreen, number: int) -> None:
    focused = deck.state.focused
    screen = zoom_screen(deck, focused) if focused is not None else None
    if screen is not None:
        deck.app.push_screen(screen)


def zoom_screen(deck: DeckScreen, row: AgentRow) -> ZoomScreen | None:
    """One agent alone; None, with the reason told, while there is no connection to the screens."""
    from agentdeck.ui.screens.zoom import ZoomScreen

    if deck.live is None:
        deck.notify("the screens are not connected yet", severity="warning", timeout=3)
        return None
    deck.saw(row)
    return ZoomScreen(row, deck.live, lambda: deck.newest(row.agent.id))


# -- which program, and where


async def terminal(deck: DeckScreen, number: int) -> None:
    """The human's own shell in the work tree, where `[terminal]` says."""
    await open_shell(deck, deck.settings.terminal.where)


async def open_shell(deck: DeckScreen, wish: Place) -> None:
    from agentdeck.services.tools import places

    row = await _beside_whom(deck)
    box = await deck.look_around()
    place = places.choose(wish, box.around)
    await _open(deck, _shell(row, place), place, box)


def _shell(row: AgentRow, place: Place) -> Errand:
    from agentdeck.ui.errands import Errand

    agent = row.agent
    back = "exit closes this window" if place in ("window", "os") else "exit returns to the deck"
    intro = f"{agent.name}'s work tree on {agent.branch or 'your branch'}; {back}"
    argv = (os.environ.get("SHELL") or "/bin/sh",)
    return Errand("shell", argv, Path(agent.worktree), row, shell=True, intro=intro)


async def edit(deck: DeckScreen, number: int) -> None:
    """The editor on the work tree."""
    await open_editor(deck, await _beside_whom(deck))


async def open_editor(deck: DeckScreen, row: AgentRow, file: str = "", line: int = 0) -> None:
    """The editor on an agent's work tree, or on one `line` (from 1) of a `file` there (relative, or absolute)."""
    from agentdeck.services.tools import places, tools
    from agentdeck.ui.errands import Errand

    box = await deck.look_around()
    if box.no_editor:
        raise AgentDeckError(box.no_editor, "Set $VISUAL or $EDITOR, or `command` under [editor] in config.toml.")
    made = tools.edit(box.editor, row.agent, file, line)
    wish: Place = "background" if made.windowed else deck.settings.terminal.where
    place = places.choose(_or(deck.settings.editor.where, wish), box.around)
    await _open(deck, Errand(Path(made.argv[0]).name, made.argv, made.directory, row), place, box)


async def open_tool(deck: DeckScreen, name: str) -> None:
    """A tool of the human's by its name."""
    from agentdeck.services.tools import places, tools
    from agentdeck.ui.errands import Errand

    row = await _beside_whom(deck)
    box = await deck.look_around()
    tool: Tool | None = next((tool for tool in box.tools if tool.name == name), None)
    if tool is None:
        raise AgentDeckError(f"there is no tool called {name}", "[[tools]] in config.toml names them.")
    if name in box.missing:
        raise AgentDeckError(box.missing[name], f"Install it, or change the command of [[tools]] {name}.")
    file = ""
    if tools.uses(tool.command, "file"):
        file = await _changed_file(deck, row, name)
        if not file:
            return
    made = tools.command(tool, row.agent, file)
    place = places.choose(_or(tool.where, deck.settings.terminal.where), box.around)
    await _open(deck, Errand(name, made.argv, made.directory, row, hold=tool.hold), place, box)


async def _changed_file(deck: DeckScreen, row: AgentRow, tool: str) -> str:
    """One of the files that the agent has changed, '' when the human takes none."""
    from agentdeck.services.trees import worktrees
    from agentdeck.ui.screens.file_picker import FilePicker

    agent = row.agent
    changed = await asyncio.to_thread(worktrees.changes, agent.worktree, agent.base or agent.base_oid, agent.repo)
    there = await asyncio.to_thread(lambda: [file for file in changed[1] if (Path(agent.worktree) / file).exists()])
    if not there:
        raise TryAgain(f"{agent.name} has changed no file yet", f"{tool} opens one of those.")
    return await deck.app.push_screen_wait(FilePicker(there, tool, agent.name)) or ""


async def diff(deck: DeckScreen, number: int) -> None:
    """What the agent has changed, by the human's own pager."""
    from agentdeck.services.tools import places
    from agentdeck.ui.errands import Errand

    row = await _beside_whom(deck)
    box = await deck.look_around()
    # a pager that leaves by itself when all fits would take its window along
    stay = ("LESS=R", "DELTA_PAGER=less -R", "BAT_PAGER=less -R")
    home = [f"DECK_HOME={os.environ['DECK_HOME']}"] if "DECK_HOME" in os.environ else []  # a tile has none of its own
    argv = ("env", *stay, *home, sys.executable, "-P", "-m", "agentdeck", "diff", row.agent.id)
    place = places.choose(deck.settings.terminal.where, box.around)
    await _open(deck, Errand("diff", argv, Path(row.agent.worktree), row), place, box)


async def proposer(deck: DeckScreen, number: int) -> None:
    """What the proposer of a research loop says and does, in a tile beside it; once that is there, all of it."""
    from agentdeck.ui import errands

    row = _focused(deck)
    row = deck.newest(row.agent.beside) or row
    beside = (each for each in deck.fleet.rows if each.agent.beside == row.agent.id and "proposer" in each.agent.argv)
    there = next((each for each in beside if each.agent.life == "live"), None)
    if there is not None:
        deck.focus_row(there.agent.id)
        zoom(deck, number)
        return
    argv = (sys.executable, "-P", "-m", "agentdeck", "research", "proposer", row.agent.argv[0])
    await errands.run(deck, errands.Errand("proposer", argv, Path(row.agent.worktree), row), "tile")


def tool(name: str, deck: DeckScreen, number: int) -> Awaitable[None]:
    return open_tool(deck, name)


async def menu(deck: DeckScreen, number: int) -> None:
    """All of them, one letter each."""
    from agentdeck.ui.screens.tools_menu import ToolsMenu, entries

    row = await _beside_whom(deck)
    box = await deck.look_around()
    chosen = await deck.app.push_screen_wait(ToolsMenu(row, entries(box, deck.settings)))
    kind, _, what = (chosen or "").partition(":")
    if kind == "shell":
        place: Place = what  # pyrefly: ignore
        await open_shell(deck, place)
    elif kind == "tool":
        await open_tool(deck, what)
    elif kind:
        deck.action_act(kind)


def _or(wish: Place, usual: Place) -> Place:
    return usual if wish == "auto" else wish


async def _open(deck: DeckScreen, errand: Errand, place: Place, box: Toolbox) -> None:
    from agentdeck.ui import errands

    await errands.run(deck, errand, place, box.around.emulator)


async def _beside_whom(deck: DeckScreen) -> AgentRow:
    """The focused agent, or the one that a focused terminal stands beside; its work tree is there."""
    row = _focused(deck)
    row = deck.newest(row.agent.beside) or row
    tree = Path(row.agent.worktree)
    if not await asyncio.to_thread(tree.is_dir):
        from agentdeck.services.trees import trees

        await asyncio.to_thread(trees.require, row.agent)
        raise TryAgain(f"the worktree of {row.agent.name} is gone: {tree}", "Look again in a moment.")
    return row


async def attach(deck: DeckScreen, number: int) -> None:
    from agentdeck.adapters import tmux
    from agentdeck.services.tools import places
    from agentdeck.ui.errands import Errand

    row = _focused(deck)
    if not row.agent.window:
        raise TryAgain(f"{row.agent.name} has no window yet", "Wait until it has started.")
    argv = await asyncio.to_thread(tmux.attach_argv, paths.tmux_socket(), row.agent.window)
    box = await deck.look_around()
    place: Place = "fullscreen" if places.why_not("popup", box.around) else "popup"
    await _open(deck, Errand("attach", tuple(argv), None, row, attach=True), place, box)


def _focused(deck: DeckScreen) -> AgentRow:
    row = deck.state.focused
    if row is None:
        raise TryAgain("no agent is focused", "Move to one first.")
    return row


HANDLERS = {
    "zoom": zoom,
    "terminal": terminal,
    "tools": menu,
    "editor": edit,
    "diff": diff,
    "attach": attach,
    "proposer": proposer,
}
