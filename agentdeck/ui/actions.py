"""The one table of what a key can do: bindings, footer, palette, help and the printed key list all read it.

It imports no Textual, so `agentdeck keys` answers at once. A human remaps an action by its id in `[keys]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agentdeck.services.fleet import AgentRow
from agentdeck.ui.deck_state import DeckState

Group = Literal["move", "act", "panels"]
NEEDS_YOU = ("needs_input", "failed", "hung", "limited")


def _always(state: DeckState) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Action:
    """`footer` is the place in the bottom line (lowest first, 0: not there); `fixed` keys cannot be remapped.

    `why_disabled` gives '' when the key works now, else one line that says what is missing.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    group: Group
    footer: int = 0
    danger: bool = False
    fixed: bool = False
    why_disabled: Callable[[DeckState], str] = _always


def _some(state: DeckState) -> str:
    if state.rows:
        return ""
    if state.fleet.rows and state.filter:
        return "nothing matches the filter: Esc clears it"
    return "every agent is hidden: V shows them" if state.fleet.rows else "there is no agent yet: n makes one"


def _focused(state: DeckState) -> str:
    return "" if state.focused else _some(state) or "no agent is focused"


def ended(row: AgentRow) -> bool:
    """Its process is over: stopped by us, or gone by itself."""
    return row.agent.life == "stopped" or row.status.state == "exited"


def _live(state: DeckState) -> str:
    why = _focused(state)
    if why or state.focused is None:
        return why
    name = state.focused.agent.name
    if ended(state.focused):
        return f"{name} has ended: R resumes it"
    return f"{name} is still being made" if state.focused.agent.life == "creating" else ""


def _any_live(state: DeckState) -> str:
    why = _focused(state)
    if why or not all(ended(row) for row in state.targets):
        return why
    return f"{state.targets[0].agent.name} has ended already"


def _idle(state: DeckState) -> str:
    why = _live(state)
    if why or state.focused is None:
        return why
    status = state.focused.status
    return "" if status.state == "idle" else f"{state.focused.agent.name} is not idle: {status.state}"


def _asks(state: DeckState) -> str:
    why = _live(state)
    if why or state.focused is None:
        return why
    return "" if state.focused.status.state == "needs_input" else f"{state.focused.agent.name} asks nothing now"


def _ended(state: DeckState) -> str:
    why = _focused(state)
    if why:
        return why
    running = [row.agent.name for row in state.targets if not ended(row)]
    return f"{running[0]} still runs: x stops it" if running else ""


def _filtered(state: DeckState) -> str:
    return "" if state.fleet.rows else "there is no agent yet: n makes one"


def _need(state: DeckState) -> str:
    return "" if any(row.status.state in NEEDS_YOU for row in state.rows) else "nobody needs you"


def _free(state: DeckState) -> str:
    return "" if any(row.status.state == "idle" for row in state.rows) else "nobody is idle"


def _hidden(state: DeckState) -> str:
    return "" if any(row.hidden for row in state.fleet.rows) else "no agent is hidden: v hides one"


def _repo(state: DeckState) -> str:
    if state.repo or state.focused:
        return ""
    return "not in a git repository: leave with q, cd into one (or git init), and start agentdeck there"


ACTIONS: tuple[Action, ...] = (
    Action("left", ("h", "left"), "left", "Focus the tile on the left", "move", why_disabled=_some),
    Action("down", ("j", "down"), "down", "Focus the tile below", "move", why_disabled=_some),
    Action("up", ("k", "up"), "up", "Focus the tile above", "move", why_disabled=_some),
    Action("right", ("l", "right"), "right", "Focus the tile on the right", "move", why_disabled=_some),
    Action("zoom", ("enter",), "zoom", "Zoom in and type to the agent; Ctrl+Q or Ctrl+] returns", "move", 3, why_disabled=_focused),
    Action("back", ("escape",), "back", "Close the panel, else clear the marks, else clear the filter", "move"),
    Action("first", ("g", "home"), "first", "Focus the first agent", "move", why_disabled=_some),
    Action("last", ("G", "end"), "last", "Focus the last agent", "move", why_disabled=_some),
    Action("page_back", ("[", "pageup"), "page back", "Show the previous page of tiles", "move", why_disabled=_some),
    Action("page_on", ("]", "pagedown"), "page on", "Show the next page of tiles", "move", why_disabled=_some),
    Action("jump", tuple("123456789"), "jump", "Focus the agent with that number in the roster", "move", fixed=True, why_disabled=_some),
    Action("filter", ("/",), "filter", "Show only agents whose name, team, harness, branch, task or status match", "move", 14, why_disabled=_filtered),
    Action("next_need", ("w",), "who needs you", "Focus the next agent that needs you", "move", 2, why_disabled=_need),
    Action("previous_need", ("W",), "previous", "Focus the previous agent that needs you", "move", why_disabled=_need),
    Action("next_idle", ("i",), "next idle", "Focus the next idle agent", "move", 9, why_disabled=_free),
    Action("mark", ("space",), "mark", "Mark or unmark the focused agent: v, I, x, R and D then act on all marked", "move", why_disabled=_focused),
    Action("mark_all", ("*",), "mark all", "Mark every agent shown, or unmark them", "move", why_disabled=_some),
    Action("hide", ("v",), "hide", "Hide the agent in this view, or show a hidden one again; it goes on working", "move", 12, why_disabled=_focused),
    Action("show_hidden", ("V",), "show hidden", "Show the hidden agents too, or put them away again", "move", 13, why_disabled=_hidden),
    Action("new", ("n",), "new agent", "Start a new agent", "act", 4, why_disabled=_repo),
    Action("spec", ("s",), "spec", "Hand a written spec of the repository to the focused idle agent", "act", 5, why_disabled=_idle),
    Action("line", ("S",), "one-line task", "Hand a task of one line to the focused idle agent", "act", 6, why_disabled=_idle),
    Action("message", ("m",), "message", "Send a text to the focused agent; it waits until the agent is idle", "act", 7, why_disabled=_live),
    Action("answer", ("a",), "answer", "See what the agent asks, in full, and allow, deny or choose", "act", 1, why_disabled=_asks),
    Action("interrupt", ("I",), "interrupt", "Interrupt what the agent is doing; it stays and waits for you", "act", why_disabled=_any_live),
    Action("stop", ("x",), "stop", "Stop the agent; its work tree, branch and conversation stay", "act", 16, True, why_disabled=_any_live),
    Action("resume", ("R",), "resume", "Start an ended agent again in its work tree and its own conversation", "act", 8, why_disabled=_ended),
    Action("remove", ("D",), "remove", "Remove an ended agent and its work tree; refused while anything in it could be lost", "act", 0, True, why_disabled=_ended),
    Action("rename", ("f2",), "rename", "Give the agent another name", "act", why_disabled=_focused),
    Action("terminal", ("t",), "terminal", "Open a shell in the agent's work tree", "act", 10, why_disabled=_focused),
    Action("attach", ("A",), "attach", "Attach to the agent full screen; Ctrl+Q returns", "act", 11, why_disabled=_live),
    Action("copy", ("y",), "copy path", "Copy the path of the agent's work tree", "act", why_disabled=_focused),
    Action("usage", ("u", "$"), "usage", "Tokens and cost of the focused agent by class, model and session", "panels", 15),
    Action("log", ("L",), "log", "What this dashboard asked for and what came of it", "panels"),
    Action("palette", (":",), "commands", "Find any of these by name", "panels", 18),
    Action("help", ("?",), "help", "All keys", "panels", 17),
    Action("leave", ("q",), "leave", "Leave the dashboard; agents and engine go on", "panels", 19),
)  # fmt: skip
BY_ID = {action.id: action for action in ACTIONS}
GROUP_TITLES: dict[Group, str] = {"move": "Move and see", "act": "Act on agents", "panels": "Panels"}
ZOOM_KEYS = (("Ctrl+Q, Ctrl+]", "Return from zoom; every other key goes to the agent"),)

_SHOWN = {
    "enter": "Enter", "escape": "Esc", "space": "Space", "left": "←", "right": "→", "up": "↑", "down": "↓",
    "home": "Home", "end": "End", "pageup": "PgUp", "pagedown": "PgDn", "question_mark": "?", "slash": "/",
    "colon": ":", "dollar_sign": "$", "left_square_bracket": "[", "right_square_bracket": "]", "asterisk": "*",
}  # fmt: skip


def show_key(key: str) -> str:
    """A key as printed on a keyboard: `f2` is F2, `ctrl+r` is Ctrl+R, `pageup` is PgUp."""
    *mods, last = key.split("+") if len(key) > 1 else [key]
    name = _SHOWN.get(last, last.upper() if mods or (last[0] == "f" and last[1:].isdigit()) else last)
    return "+".join([*(mod.capitalize() for mod in mods), name])


def keys_of(action: Action, keymap: dict[str, str] | None = None) -> tuple[str, ...]:
    """The keys of an action as shown, after the human's own map (id to keys separated by commas)."""
    own = (keymap or {}).get(action.id)
    if own and not action.fixed:
        return tuple(show_key(key.strip()) for key in own.split(",") if key.strip())
    if action.id == "jump":
        return ("1-9",)
    return tuple(show_key(key) for key in action.keys)


def footer(state: DeckState) -> list[Action]:
    """The actions of the bottom line that work now, most useful first."""
    able = [action for action in ACTIONS if action.footer and not action.why_disabled(state)]
    if not state.fleet.rows:
        able = [action for action in able if action.id in ("new", "help", "palette", "leave")]
    return sorted(able, key=lambda action: action.footer)


def check_keymap(keymap: dict[str, str]) -> list[str]:
    """What is wrong with a human's key map, in words; an empty list when it can be used as it is."""
    problems = [f"[keys] {name}: no such action" for name in keymap if name not in BY_ID]
    problems += [f"[keys] {name}: this one cannot be remapped" for name in keymap if name in BY_ID and BY_ID[name].fixed]
    owners: dict[str, str] = {}
    for action in ACTIONS:
        for key in keys_of(action, keymap) if not action.fixed else action.keys:
            if key in owners:
                problems.append(f"[keys] {action.id}: '{key}' is taken by {owners[key]}")
            owners.setdefault(key, action.id)
    return problems
