"""The words of the list: which columns a width has room for, and what one line says in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from agentdeck.models.clock import age
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.badges import GLYPHS, PIN, STYLES, WORDS, clash_sign, clash_words, dollars, word
from agentdeck.ui.entry import Entry

Part = tuple[str, str]
FRONT = 6
"""Columns of the mark or number, the pin, and the glyph."""
_AGE = 5
_STATUS = (14, 26)
"""Least and most columns of a state with its age."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    title: str
    width: int


# What a line gives up first stands last. Each with the least width at which it says anything, and the most it uses.
_WISHES = (
    ("screen", "SCREEN", 20, 1000),
    ("clash", "CLASH", 5, 24),
    ("task", "TASK", 16, 40),
    ("cost", "COST", 7, 8),
    ("context", "CTX", 4, 5),
    ("branch", "BRANCH", 12, 30),
    ("team", "TEAM", 8, 12),
    ("diff", "DIFF", 11, 11),
)
_ORDER = ("name", "status", "team", "task", "branch", "context", "cost", "diff", "clash", "screen")
_RIGHT = frozenset(("context", "cost", "diff"))


def columns(width: int, rows: Sequence[AgentRow]) -> tuple[Column, ...]:
    """The columns of a list `width` cells wide, in order. Name and state always stand; a column that says nothing of
    any agent does not. Room that is left goes to the state's reason, then to each column's own text, then to the
    screen."""
    name = min(max([len(_name(row)) for row in rows] + [6]), 20)
    chosen = {"name": name, "status": _STATUS[0]}
    left = width - FRONT - name - _STATUS[0] - 1
    longest = {key: _longest(key, rows) for key in ("status", *(wish[0] for wish in _WISHES))}
    for key, _, least, _ in _WISHES:
        if longest[key] and left > least:
            chosen[key] = least
            left -= least + 1
    for key, most in [("status", _STATUS[1]), *((key, most) for key, _, _, most in _WISHES if key != "screen")]:
        if key in chosen:
            more = max(0, min(left, min(longest[key], most) - chosen[key]))
            chosen[key] += more
            left -= more
    if "screen" in chosen:
        chosen["screen"] += max(0, left)
    titles = {"name": "NAME", "status": "STATUS"} | {key: title for key, title, _, _ in _WISHES}
    return tuple(Column(key, titles[key], chosen[key]) for key in _ORDER if key in chosen)


def _longest(key: str, rows: Iterable[AgentRow]) -> int:
    """How wide the widest text of a column is; the screen is always worth its room."""
    if key == "screen":
        return 1000
    if key == "status":
        return max((len(word(row.status)) for row in rows), default=0) + _AGE
    return max((cell_len("".join(text for text, _ in _cell(key, row))) for row in rows), default=0)


def header(shown: Sequence[Column]) -> Content:
    """The titles of the columns."""
    cells = [_fit(column.title, column.width, column.name in _RIGHT) for column in shown]
    return Content(" " * FRONT + " ".join(cells).rstrip())


def words(entry: Entry, shown: Sequence[Column], now: int) -> Content:
    """A line up to its last column, the screen: `12 ? ada    needs you 4m   #12 Mend the parser   42%   $1.23 `."""
    status = entry.row.status
    number = "*" if entry.marked else str(entry.number) if 0 < entry.number < 1000 else ""
    parts: list[Part] = [
        (f"{number:>3}", "bold $text-accent" if entry.marked or entry.in_focus else "$foreground-muted"),
        (PIN if entry.row.pinned else " ", "$text-accent"),
        (f"{GLYPHS[status.state]} ", STYLES[status.state]),
    ]
    for column in shown:
        if column.name == "name":
            parts.append((_fit(_name(entry.row), column.width) + " ", "dim" if entry.row.hidden else "bold"))
        elif column.name == "status":
            parts.append((_status(entry.row, column.width, now) + " ", STYLES[status.state]))
        elif column.name != "screen":
            parts += _cut(_cell(column.name, entry.row), column.width, column.name in _RIGHT)
    return Content.assemble(*[part for part in parts if part[0]])


def asks(row: AgentRow) -> str:
    """What an agent that waits for a human wants to know: better than any line of its screen."""
    ask = row.status.ask
    if row.status.state != "needs_input" or ask is None:
        return ""
    return " ".join(" ".join(part for part in (ask.tool, ask.detail or ask.text) if part).split())


def _name(row: AgentRow) -> str:
    """A companion stands below its agent."""
    return f"└ {row.agent.name}" if row.agent.beside else row.agent.name


def _status(row: AgentRow, width: int, now: int) -> str:
    """`working       4m`; the reason when there is room for it."""
    status = row.status
    since = age(now - status.since) if status.since else ""
    room = width - len(since) - 1
    text = word(status)
    return f"{_fit(text if len(text) <= room else WORDS[status.state], room)} {since}"


def _cell(key: str, row: AgentRow) -> list[Part]:
    if key == "task" and row.task is not None:
        return [(f"#{row.task.id} {row.task.title}", "")]
    if key == "clash" and row.clashes:
        sign, style = clash_sign(row.clashes)
        return [(f"{sign} {clash_words(row.clashes)}", style)]
    if key == "branch":
        return [("your terminal" if row.agent.beside else row.agent.branch, "$foreground-muted")]
    if key == "team":
        return [(row.agent.team, "$text-secondary")]
    if key == "cost" and row.usage.messages:
        return [(dollars(row.usage.cost, row.usage.unpriced_tokens), "")]
    if key == "context" and row.context is not None and row.context.window_tokens:
        return [(f"{100 * row.context.used_tokens // row.context.window_tokens}%", "")]
    if key == "diff" and row.diff is not None and row.diff.files:
        return [(f"+{row.diff.added}", "$text-success"), (f" −{row.diff.removed}", "$text-error")]
    return []


def _cut(parts: list[Part], width: int, right: bool) -> list[Part]:
    """Parts as a cell of a column, the blank behind it included."""
    size = sum(cell_len(text) for text, _ in parts)
    if size > width:
        (text, style), *_ = parts
        return [(_fit(text, width) + " ", style)]
    gap = (" " * (width - size), "")
    return [gap, *parts, (" ", "")] if right else [*parts, gap, (" ", "")]


def _fit(text: str, width: int, right: bool = False) -> str:
    if right:
        return text.rjust(width)[:width]
    return set_cell_size(text, max(width, 0)) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"
