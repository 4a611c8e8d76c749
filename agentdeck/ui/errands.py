"""Gives a program to the human where they want it. The deck lives on beside all but the full screen."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from agentdeck.config import Place
from agentdeck.errors import AgentDeckError
from agentdeck.services.tools import handover, places
from agentdeck.services.tools.places import Emulator
from agentdeck.ui.held_keys import KeysWanted

if TYPE_CHECKING:
    from agentdeck.services.fleet import AgentRow
    from agentdeck.ui.screens.deck import DeckScreen

EARLY_SECONDS = 1.0  # a process that fails within this time is told at once
LOOK_SECONDS = 0.2
POPUP_SECONDS = 0.15  # until a popup has the keys
APPEAR_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Errand:
    """`argv` for the human in `directory`, called `name`. With `shell` it is their shell, and ends as they please.

    `intro` is a line above it where it comes alone. `attach` ones go into our own tmux server; with `hold` what is
    printed stays until Enter.
    """

    name: str
    argv: tuple[str, ...]
    directory: Path | None
    row: AgentRow
    shell: bool = False
    intro: str = ""
    attach: bool = False
    hold: bool = False

    @property
    def title(self) -> str:
        return f"{self.row.agent.name}: {self.name}"


async def run(deck: DeckScreen, errand: Errand, place: Place, emulator: Emulator | None = None) -> None:
    """Show it in a place that can be had (`places.choose`). Returns when it stands there, or has ended."""
    deck.note(f"{errand.name} for {errand.row.agent.name} in {places.WORDS[place]}")
    if place not in ("popup", "fullscreen"):
        deck.post_message(KeysWanted())  # the deck keeps the keys
    if place == "popup":
        await _popup(deck, errand)
    elif place == "window":
        await _window(errand)
    elif place == "os" and emulator is not None:
        await _os_window(errand, emulator)
    elif place == "tile":
        await _tile(deck, errand)
    elif place == "background":
        await _background(deck, errand)
    else:
        await full_screen(deck, errand)


def _introduced(errand: Errand) -> list[str]:
    """The program, after the line that says what it is and how it is left; one that fails at once stays readable."""
    argv = list(errand.argv) if errand.shell or errand.attach else handover.held(errand.name, errand.argv, errand.hold)
    if not errand.intro:
        return argv
    return ["/bin/sh", "-c", 'printf "%s\\n" "$0"; exec "$@"', errand.intro, *argv]


async def _script(errand: Errand, *, in_tmux: bool) -> list[str]:
    environ = handover.environment(os.environ, in_tmux=in_tmux)
    return await asyncio.to_thread(handover.write_script, environ, errand.directory or Path.home(), _introduced(errand))


# -- in the human's own tmux


async def _popup(deck: DeckScreen, errand: Errand) -> None:
    from agentdeck.adapters import tmux

    if errand.attach:
        await _show_popup(deck, await asyncio.to_thread(tmux.popup_argv, list(errand.argv)))
        return
    command = await _script(errand, in_tmux=True)
    try:
        await _show_popup(deck, await asyncio.to_thread(tmux.popup_argv, command, bare=False))
    finally:
        await asyncio.to_thread(handover.discard, command)


async def _show_popup(deck: DeckScreen, argv: Sequence[str]) -> None:
    """What was typed before the popup took the keys was meant for it, and acts on nothing here."""
    shown = asyncio.create_task(_tell_tmux(argv))
    await asyncio.wait([shown], timeout=POPUP_SECONDS)
    deck.held.release()
    await shown


async def _window(errand: Errand) -> None:
    from agentdeck.adapters import tmux

    command = await _script(errand, in_tmux=True)
    argv = await asyncio.to_thread(tmux.window_argv, command, name=errand.title, bare=False)
    try:
        await _tell_tmux(argv)
    except AgentDeckError:
        await asyncio.to_thread(handover.discard, command)
        raise


async def _tell_tmux(argv: Sequence[str]) -> None:
    """A command for the human's own tmux; a popup's ends with the popup."""
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, said = await process.communicate()
    if process.returncode and said.strip():
        raise AgentDeckError(
            f"your tmux refused: {said.decode(errors='replace').strip()}",
            "T opens it elsewhere; tmux 3.2 or newer has popups.",
        )


# -- on its own


async def _os_window(errand: Errand, emulator: Emulator) -> None:
    tree = errand.directory or Path.home()
    bare_shell = errand.shell and not places.uses(emulator.open, "command")
    command = [] if bare_shell else await _script(errand, in_tmux=False)
    argv = places.window_argv(emulator, str(tree), command)
    try:
        process = await _start(argv, tree)
    except AgentDeckError:
        if command:
            await asyncio.to_thread(handover.discard, command)
        raise
    await _ended(process, float("inf"))


async def _start(argv: Sequence[str], tree: Path) -> subprocess.Popen[bytes]:
    """Start it and see that it does not fail at once."""
    environ = handover.environment(os.environ, in_tmux=False)
    since = await asyncio.to_thread(handover.log_size)
    process = await asyncio.to_thread(handover.start, argv, tree, environ)
    await _ended(process, EARLY_SECONDS)
    if process.returncode:
        said = await asyncio.to_thread(handover.last_words, since)
        raise AgentDeckError(f"{argv[0]} ended at once with {process.returncode}", said or "It said nothing.")
    return process


async def _ended(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until the process ends, or so long. Looks instead of waiting: a thread each would use them all up."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        if process.poll() is not None:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _background(deck: DeckScreen, errand: Errand) -> None:
    since = await asyncio.to_thread(handover.log_size)
    process = await _start(errand.argv, errand.directory or Path.home())
    await _ended(process, float("inf"))
    said = await asyncio.to_thread(handover.last_words, since)
    how = "done" if not process.returncode else f"ended with {process.returncode}"
    deck.note(errand.title, f"{how}: {said}" if said else how, "$text-error" if process.returncode else "")
    if process.returncode:
        deck.tell(f"{errand.title} {how}", said, "error", seconds=12)


# -- in the deck


async def _tile(deck: DeckScreen, errand: Errand) -> None:
    """A companion: it stands beside its agent, and the engine keeps it for every view."""
    agent = errand.row.agent
    argv = handover.held(errand.name, errand.argv, True) if errand.hold else list(errand.argv)
    made = await deck.bridge.ask_with_environment(
        "beside", agent.beside or agent.id, argv=argv, what="sh" if errand.shell else errand.name
    )
    await _focus_when_there(deck, str(made.get("id")))
    deck.tell(f"{made.get('name')} stands beside {agent.name}", "Enter types in it; it goes when it is left.")


async def _focus_when_there(deck: DeckScreen, agent_id: str) -> None:
    deadline = asyncio.get_running_loop().time() + APPEAR_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if deck.stage.shows(agent_id):
            deck.focus_row(agent_id)
            return
        await asyncio.sleep(0.05)


async def full_screen(deck: DeckScreen, errand: Errand) -> None:
    """The whole terminal until the program ends."""
    hidden = ("TMUX", "TMUX_PANE") if errand.attach else ()
    environ = {name: value for name, value in os.environ.items() if name not in hidden}
    if deck.live:
        deck.live.pause()
    try:
        await _lend_terminal(deck, errand, environ)
    except SuspendNotSupported as error:
        raise AgentDeckError("this terminal cannot be given to another program", "T opens it elsewhere.") from error
    finally:
        if deck.live:
            deck.live.resume()
        deck.app.refresh(layout=True)


async def _lend_terminal(deck: DeckScreen, errand: Errand, environ: Mapping[str, str]) -> None:
    deck.held.release()
    # No repaint while the terminal is somebody else's: writes would pile up in Textual's
    # stopped writer thread and block the loop for good at the thirtieth.
    with deck.app.batch_update(), deck.app.suspend():
        try:
            process = await asyncio.create_subprocess_exec(*_introduced(errand), cwd=errand.directory, env=environ)
        except OSError as error:
            raise AgentDeckError(f"{errand.argv[0]} could not be started: {error.strerror}") from error
        await process.wait()
        _end_without_terminal()


def _end_without_terminal() -> None:
    """A terminal that closes tells only the program in front, which we were not: end as we would have then."""
    try:
        termios.tcgetattr(sys.__stdin__ or 0)
    except termios.error:
        os.kill(os.getpid(), signal.SIGHUP)
