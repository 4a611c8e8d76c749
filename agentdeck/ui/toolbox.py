"""What the human can open beside an agent, as of the last look at the PATH and around; and its actions."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agentdeck.config import Config, Tool
from agentdeck.errors import AgentDeckError
from agentdeck.services.tools import places, tools
from agentdeck.services.tools.places import Around
from agentdeck.ui import reasons
from agentdeck.ui.actions import ACTIONS, BY_ID, Action, Why, keys_of, show_key
from agentdeck.ui.deck_state import DeckState

SHELLS = {"popup": "p", "window": "w", "os": "o", "tile": "i", "fullscreen": "f"}
"""Letters of the menu for a shell in each place."""
EDITOR, DIFF = "e", "d"
_TAKEN = "".join((*SHELLS.values(), EDITOR, DIFF))
_KEY = re.compile(
    r"(?:(?:ctrl|alt|shift)\+)*(?:[!-~]|f(?:[1-9]|1[0-9]|2[0-4])|up|down|left|right|home|end|pageup|pagedown|insert"
    r"|delete|backspace|enter|space|tab)"
)


@dataclass(frozen=True, slots=True)
class Toolbox:
    """`missing` says why a tool cannot run, by its name; `editor` is argv, empty with the reason in `no_editor`."""

    tools: tuple[Tool, ...] = ()
    around: Around = Around()
    missing: Mapping[str, str] = field(default_factory=dict)
    editor: tuple[str, ...] = ()
    no_editor: str = ""

    @property
    def letters(self) -> dict[str, str]:
        return tools.letters(self.tools, _TAKEN)


def survey(settings: Config, environ: Mapping[str, str]) -> Toolbox:
    """Look around. Reads the disk: call it in a thread."""
    offered, path = tools.offered(settings.tools), environ.get("PATH")
    around = places.look(environ, settings.terminal, sys.platform == "darwin")
    missing = {tool.name: why for tool in offered if (why := tools.missing(tool.command, path))}
    try:
        editor = tools.editor(settings, environ)
        no_editor = tools.missing(editor, path)
    except AgentDeckError as error:
        editor, no_editor = (), f"{error.title}: {error.hint}"
    return Toolbox(offered, around, missing, editor, no_editor)


def actions_of(own: Sequence[Tool], keymap: Mapping[str, str]) -> tuple[Action, ...]:
    """An action for every tool offered: its key if that is free, and its letter in the menu."""
    offered = tools.offered(own)
    letters, clashing = tools.letters(offered, _TAKEN), clashes(own, keymap)
    menu = keys_of(BY_ID["tools"], dict(keymap))[0]
    return tuple(
        Action(
            id=f"tool:{tool.name}",
            keys=(_spelt(tool.key),) if tool.key and tool.name not in clashing else (),
            label=tool.name,
            help=f"Open {tool.name} in the agent's work tree",
            group="act",
            why_disabled=_why(tool.name),
            path=f"{menu} {letters[tool.name]}",
        )
        for tool in offered
    )


def _why(name: str) -> Why:
    def why(state: DeckState) -> str:
        return reasons.tree(state) or state.missing.get(name, "")

    return why


def _spelt(key: str) -> str:
    return key if len(key) == 1 else key.lower()


def clashes(own: Sequence[Tool], keymap: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the keys of the human's tools, in words by the tool's name. Keys of actions come first."""
    owners: dict[str, str] = {}
    for action in ACTIONS:
        for key in map(show_key, action.keys) if action.fixed else keys_of(action, dict(keymap)):
            owners.setdefault(key, f"'{action.id}' ({action.help.split(';')[0]})")
    found: dict[str, str] = {}
    for tool in own:
        key = _spelt(tool.key)
        if key and not _KEY.fullmatch(key):
            found[tool.name] = f"[[tools]] {tool.name}: there is no key '{tool.key}'"
        elif key and (owner := owners.get(show_key(key))):
            found[tool.name] = f"[[tools]] {tool.name}: the key '{tool.key}' is taken by {owner}"
        elif key:
            owners[show_key(key)] = f"the tool {tool.name}"
    return found
