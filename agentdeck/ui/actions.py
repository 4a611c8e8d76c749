"""The one table of what a key can do: bindings, footer, palette, help and the printed key list all read it.

It imports no Textual, so `agentdeck keys` answers at once. A human remaps an action by its id in `[keys]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from agentdeck.ui import reasons as why
from agentdeck.ui.deck_state import DeckState

Why = Callable[[DeckState], str]
Group = Literal["move", "act", "panels"]


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
    why_disabled: Why
    footer: int = 0
    danger: bool = False
    fixed: bool = False
    path: str = ""  # the keys that lead to it, for one that has no key of its own


def _action(group: Group) -> Callable[..., Action]:
    def make(name: str, keys: str, label: str, text: str, why: Why, footer: int = 0, **more: Any) -> Action:
        return Action(name, tuple(keys.split()), label, text, group, why, footer, **more)

    return make


_move, _act, _panels = _action("move"), _action("act"), _action("panels")
ACTIONS: tuple[Action, ...] = (
    _move("left", "h left", "left", "Focus the tile on the left", why.some),
    _move("down", "j down", "down", "Focus the tile below", why.some),
    _move("up", "k up", "up", "Focus the tile above", why.some),
    _move("right", "l right", "right", "Focus the tile on the right", why.some),
    _move("zoom", "enter", "zoom", "Zoom in and type to the agent; Ctrl+Q or Ctrl+] returns", why.focused, 3),
    _move("back", "escape", "back", "Close the panel, else clear the marks, else clear the filter", why.always),
    _move("first", "g home", "first", "Focus the first agent", why.some),
    _move("last", "G end", "last", "Focus the last agent", why.some),
    _move("page_back", "[ pageup", "page back", "Turn to the previous page", why.some),
    _move("page_on", "] pagedown", "page on", "Turn to the next page", why.some),
    _move("larger", "+ =", "larger", "From the list to tiles, to larger ones, to one agent", why.nearer, 21),
    _move("smaller", "-", "smaller", "More and smaller tiles, at last a list of one line an agent", why.farther, 20),
    _move("jump", "1 2 3 4 5 6 7 8 9", "jump", "Focus the agent with that number in the roster", why.some, fixed=True),
    _move("filter", "/", "filter", "Show only agents whose name, team, branch, task or status match", why.filtered, 14),
    _move("next_need", "w", "needs you", "Focus the next agent that needs you, the longest waiting first", why.need, 2),
    _move("previous_need", "W", "previous", "Focus the previous agent that needs you", why.need),
    _move("next_idle", "i", "next idle", "Focus the next idle agent", why.free, 9),
    _move("mark", "space", "mark", "Mark the agent: v, p, <, >, I, x, R and D then act on all marked", why.focused),
    _move("mark_all", "*", "mark all", "Mark every agent shown, or unmark them", why.some),
    _move("hide", "v", "hide", "Hide the agent in this view, or show it again; it works on", why.focused, 12),
    _move("show_hidden", "V", "show hidden", "Show the hidden agents too, or put them away again", why.hidden, 13),
    _move("earlier", "<", "earlier", "Move the agent one place earlier in this view", why.earlier),
    _move("later", ">", "later", "Move the agent one place later in this view", why.later),
    _move("pin", "p", "pin", "Pin the agent to the front of this view, or let it go", why.placed),
    _move("group", "o", "group", "Group this view by team, by repository, or not at all", why.some),
    _move("mark_group", "M", "mark group", "Mark the focused agent's whole group, or unmark it", why.mark_group),
    _move("groups", "O", "groups", "See all groups with what they do, and hide or show each as a whole", why.grouped),
    _move("views", "f3", "views", "Show another named view here, or make a new one like this", why.always),
    _act("new", "n", "new", "Start a new agent", why.repo, 4),
    _act("spec", "s", "spec", "Hand a written spec of the repository to the focused idle agent", why.idle, 5),
    _act("line", "S", "task", "Hand a task of one line to the focused idle agent", why.idle, 6),
    _act("message", "m", "message", "Send a text to the agent, or all marked; it waits till idle", why.receivers, 7),
    _act("answer", "a", "answer", "See what the agent asks, in full, and allow, deny or choose", why.asks, 1),
    _act("interrupt", "I", "interrupt", "Interrupt what the agent is doing; it stays and waits for you", why.any_live),
    _act("stop", "x", "stop", "Stop the agent; tree, branch and conversation stay", why.any_live, 16, danger=True),
    _act("halt", "X", "halt", "Stop all agents of the deck; typed out. Their work stays", why.any_runs, danger=True),
    _act("resume", "R", "resume", "Start an ended agent again, in its conversation", why.ended, 8),
    _act("remove", "D", "remove", "Remove an ended agent: it goes to the trash with its tree", why.ended, 16,
         danger=True),
    _act("undo", "z", "undo", "Bring back a removed agent, or undo a hide or rename; says what first", why.always),
    _act("rename", "f2", "rename", "Give the agent another name", why.focused),
    _act("team", "@", "team", "Put the agent, or all marked, in a team or in none", why.focused),
    _act("terminal", "t", "shell", "Open a shell in the agent's work tree", why.tree, 10),
    _act("tools", "T", "tools", "Open a tool, or a shell in another place, beside the agent", why.tree, 11),
    _act("editor", "e", "editor", "Open your editor in the agent's work tree", why.editor),
    _act("diff", "d", "diff", "See what the agent has changed since its merge base, untracked files too", why.tree),
    _act("proposer", "f", "proposer", "Follow a research loop's proposer in a tile beside it, then zoom in", why.loop),
    _act("attach", "A", "attach", "Attach to the agent full screen; Ctrl+Q returns", why.live, 12),
    _act("history", "H", "history", "Read and search what the agent's screen showed and what was said", why.focused),
    _act("search", "F", "find", "Find a text in the screens and transcripts of all agents", why.filtered),
    _act("copy", "y", "copy", "Copy path, branch, session id, name, screen or last message; yy the path", why.focused),
    _panels("board", "b", "board", "All tasks: read, judge, retry, edit and land them; who is free", why.always, 9),
    _panels("research", "r", "research", "Research loops: the metric, every experiment, its diff and log", why.always),
    _panels("usage", "u", "usage", "What it costs: by agent, task, team, model, day; pace, limits", why.always, 15),
    _panels("agent_usage", "$", "its usage", "The agent's tokens by class, model and session at the side", why.always),
    _panels("collisions", "C", "collisions", "Files that two agents changed; work that merges no more", why.always),
    _panels("away", "!", "away", "What needs you, failed or finished while you were away, one by one", why.always),
    _panels("attention", "P", "waiting", "Who needs you, since when, why; peek and answer there", why.attention, 2),
    _panels("elsewhere", "E", "elsewhere", "Sessions started outside the deck; R goes on with one here", why.elsewhere),
    _panels("log", "L", "log", "What this dashboard asked for and what came of it", why.always),
    _panels("next_panel", "tab", "next panel", "Scroll the open panel by arrow keys, or go back", why.always),
    _panels("palette", ":", "commands", "Find any of these by name", why.always, 18),
    _panels("help", "?", "help", "All keys", why.always, 17),
    _panels("leave", "q", "leave", "Leave the dashboard; agents and engine go on", why.always, 19),
)  # fmt: skip
BY_ID = {action.id: action for action in ACTIONS}
LAST = 99
"""The place in the bottom line of what stands there only at times."""
GROUP_TITLES: dict[Group, str] = {"move": "Move and see", "act": "Act on agents", "panels": "Panels"}
ZOOM_KEYS = (("Ctrl+Q, Ctrl+]", "Return from zoom; every other key goes to the agent"),)
HISTORY_KEYS = (
    ("q", "back", "Return to the deck; so do Esc and Ctrl+Q"),
    ("/", "search", "Look for a text; a capital letter makes case count"),
    ("n N", "next, previous", "Go to the next or the previous match"),
    ("Tab", "screen or transcript", "Go between what the screen showed and what was said"),
    ("e", "open file:line", "Open the file that is picked or on the page in your editor; so does a click on its name"),
    ("y", "copy", "Copy what is picked, else the line of the match, else the page"),
    ("r", "read again", "Read what came since"),
    ("g G", "ends", "Go to the beginning or the end"),
    ("j k", "scroll", "Scroll by a row; d and u by half a page"),
    ("PgUp PgDn", "page", "Scroll by a page; so do b and Space"),
)
"""Keys of the history: key, label of the bottom line, help."""
USAGE_KEYS = (
    ("← →", "by", "Sums by agent, task, team, model, harness, repository or day; so do 1 to 7"),
    ("[ ]", "time", "Today, 7 days, 30 days, all"),
    ("↑ ↓", "scroll", "Scroll by a row; PgUp and PgDn by a page, g and G to the ends"),
    ("q", "back", "Return to the deck; so do u and Esc"),
)
"""Keys of the usage screen: key, label of the bottom line, help."""
RESEARCH_KEYS = (
    ("← →", "loop", "The next or the previous loop"),
    ("↑ ↓", "choose", "Choose an experiment; PgUp and PgDn by a page, g and G to the ends"),
    ("d", "diff", "See what the chosen experiment changed; so does Enter"),
    ("l", "log", "See what its runs and its proposer printed"),
    ("i", "prompt", "See what its proposer was told"),
    ("o", "proposer", "See the loop's proposer at work, live"),
    ("f /", "filter", "f: all, kept, discarded, crashed, not run; /: by words. Esc takes the filter away"),
    ("p", "pause", "Pause the loop when its experiment is over, let it go on, or start it again"),
    ("s", "steer", "Give its proposer a note, which it reads first from then on"),
    ("x", "stop", "End the loop when its experiment is over, or now"),
    ("B", "bad", "Take a keep back, with all that stand on it"),
    ("F", "fork", "Begin another loop from the chosen experiment"),
    ("R", "again", "Measure the chosen experiment again: same tree, command and seed"),
    ("q", "back", "Return to the deck; so does r"),
)
"""Keys of the research screen: key, label of the bottom line, help."""
MOUSE = (
    ("click", "Focus the agent; twice: zoom in"),
    ("right click", "Mark the agent, or take the mark away"),
    ("wheel", "Turn pages over the tiles, scroll anywhere else"),
    ("click above", "A count on the top line finds the next such agent"),
    ("click below", "A key that is shown, here or in a dialog, does what it says"),
    ("click outside", "Close a dialog, unless something typed would be lost"),
    ("in zoom", "It goes to the agent if its program asked for it (never with Shift); a click on the bar returns"),
)

_SHOWN = {
    "enter": "Enter", "escape": "Esc", "space": "Space", "left": "←", "right": "→", "up": "↑", "down": "↓",
    "tab": "Tab", "home": "Home", "end": "End",
    "pageup": "PgUp", "pagedown": "PgDn", "question_mark": "?", "slash": "/",
    "colon": ":", "left_square_bracket": "[", "right_square_bracket": "]", "asterisk": "*",
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
    if not action.keys:
        return (action.path,)
    return tuple(show_key(key) for key in action.keys)


def footer(state: DeckState) -> list[Action]:
    """The actions of the bottom line that work now, most useful first."""
    able = [action for action in ACTIONS if action.footer and not action.why_disabled(state)]
    if not state.fleet.rows:
        undo = [BY_ID["undo"]] if state.fleet.trashed else []
        able = [action for action in able if action.id in ("new", "help", "palette", "leave")] + undo
    return sorted(able, key=lambda action: action.footer or LAST)


def check_keymap(keymap: dict[str, str]) -> list[str]:
    """What is wrong with a human's key map, in words; an empty list when it can be used as it is."""
    problems = [f"[keys] {name}: no such action" for name in keymap if name not in BY_ID]
    problems += [
        f"[keys] {name}: this one cannot be remapped" for name in keymap if name in BY_ID and BY_ID[name].fixed
    ]
    owners: dict[str, str] = {}
    for action in sorted(ACTIONS, key=lambda one: one.id in keymap):  # who was there first keeps the key
        for key in keys_of(action, keymap) if not action.fixed else action.keys:
            if key in owners:
                problems.append(f"[keys] {action.id}: '{key}' is taken by {owners[key]}")
            owners.setdefault(key, action.id)
    return problems
