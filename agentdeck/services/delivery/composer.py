"""Is the place where the human types visibly empty? Only then may the deck paste into it.

The attributes of placeholders and suggestions were measured per client and are harness data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from agentdeck.harnesses.schema import Composer
from agentdeck.models.screen import Line, Style, plain
from agentdeck.services.delivery import wording

BLANK = " \u00a0"
Found = Literal["empty", "draft", "absent", "none"]
Held = Literal["ours", "other", "nothing"]
Rows = list[list[tuple[str, Style]]]


@dataclass(frozen=True, slots=True)
class Typed:
    """`absent`: the screen shows no composer now; `none`: this client has none at all."""

    state: Found
    text: str = ""


def read(rules: Composer, lines: Sequence[Line], cursor_y: int) -> Typed:
    """What stands in the composer of a screen."""
    if rules.kind in ("none", "shell"):
        return Typed("none")
    rows = _READ[rules.kind](rules, lines, cursor_y)
    if rows is None:
        return Typed("absent")
    cells = [cell for row in rows for cell in row]
    if rules.cursor_cell:
        cells = _without_cursor(cells)
    draft = "".join(text for text, style in cells if not _own_words(rules, style)).strip(BLANK)
    shown = "".join(text for text, _ in cells).strip(BLANK)
    if (draft and not (rules.hint and re.match(rules.hint, shown))) or (rules.always and not shown):
        return Typed("draft", draft or shown)
    return Typed("empty")


def holds(rules: Composer, lines: Sequence[Line], cursor: tuple[int, int], text: str) -> Held:
    """Whether a pasted text, and nothing else, stands in the composer. Without a composer nobody can tell: it does."""
    typed = read(rules, lines, cursor[1])
    if typed.state == "none" or (typed.state == "draft" and wording.shows(typed.text, text, rules.badge)):
        return "ours"
    rows = [plain(line) for line in lines[: cursor[1] + 1]]
    if rows and wording.scrolled("".join(rows), text):
        return "ours"
    return "other" if typed.state == "draft" else "nothing"


def _own_words(rules: Composer, style: Style) -> bool:
    return ("dim" in rules.placeholder and style.dim) or (bool(style.fg) and _colour(style.fg) in rules.placeholder)


@cache
def _colour(fg: str) -> str:
    """A foreground as harness files write it: `fg:248`, `fg:#afafaf`; '' for one of the sixteen."""
    kind, _, numbers = fg.removeprefix("38;").partition(";")
    if not fg.startswith("38;"):
        return ""
    return f"fg:{numbers}" if kind == "5" else "fg:#" + "".join(f"{int(part):02x}" for part in numbers.split(";"))


def _cells(line: Line) -> list[tuple[str, Style]]:
    return [(char, style) for text, style in line for char in text]


def _without_cursor(cells: list[tuple[str, Style]]) -> list[tuple[str, Style]]:
    """Drop the one leading reverse cell which the client draws as its cursor.

    A suggestion shows its first letter reverse and not dim, the rest dim; a lone reverse
    letter with nothing dim behind it is a draft of one letter.
    """
    visible = [i for i, (char, style) in enumerate(cells) if char.strip(BLANK) or style.reverse]
    if not visible or not cells[visible[0]][1].reverse:
        return cells
    first, rest = visible[0], [cells[i] for i in visible[1:]]
    if cells[first][0].strip(BLANK) and not any(style.dim for char, style in rest if char.strip(BLANK)):
        return cells
    return cells[:first] + cells[first + 1 :]


def _between_rules(rules: Composer, lines: Sequence[Line], cursor_y: int) -> Rows | None:
    """All rows between the two lowest rules whose first row starts with the prompt (or `!`, shell mode)."""
    marks = [i for i, line in enumerate(lines) if _is_rule(rules.rule, plain(line))]
    for top, bottom in zip(reversed(marks[:-1]), reversed(marks[1:]), strict=True):
        rows = [_cells(line) for line in lines[top + 1 : bottom]]
        if rows and "".join(char for char, _ in rows[0]).startswith((rules.prompt, "!")):
            return [rows[0][len(rules.prompt) :], *rows[1:]]
    return None


def _is_rule(marks: str, text: str) -> bool:
    return text.startswith(tuple(mark * 8 for mark in marks))


def _line(rules: Composer, lines: Sequence[Line], cursor_y: int) -> Rows | None:
    """From the last row that begins with the prompt at or above the cursor, down to the cursor."""
    prompt = re.compile(f"(?:{rules.mode})?{re.escape(rules.prompt.rstrip())}" if rules.mode else
                        re.escape(rules.prompt.rstrip()))  # fmt: skip
    blanks, last = len(rules.prompt) - len(rules.prompt.rstrip()), min(cursor_y, len(lines) - 1)
    begins = {y: found.end() + blanks for y in range(last + 1) if (found := prompt.match(plain(lines[y])))}
    first = max(begins, default=-1)
    while rules.again and first - 1 in begins:
        first -= 1
    if first < 0:
        return None
    return [_cells(lines[y])[begins.get(y, 0) if rules.again or y == first else 0 :] for y in range(first, last + 1)]


def _box(rules: Composer, lines: Sequence[Line], cursor_y: int) -> Rows | None:
    """The rows of the lowest box that stands on a floor, without its walls, its foot and what stands beside it."""
    texts = [plain(line) for line in lines]
    floor = next((y for y in range(len(lines) - 1, -1, -1) if texts[y].lstrip().startswith(rules.floor)), 0)
    top = floor
    while top and _is_wall(rules.prompt, texts[top - 1].strip()):
        top -= 1
    if floor - top <= rules.foot:
        return None
    left = texts[floor].index(rules.floor)
    right = left + len(texts[floor][left:].split()[0])
    return [_cells(line)[left + len(rules.prompt) : right] for line in lines[top : floor - rules.foot]]


def _is_wall(wall: str, row: str) -> bool:
    """Whether a row has a wall on its left alone: one with two is of a list that stands on the box."""
    return row.startswith(wall) and (row == wall or not row.endswith(wall))


_READ = {"rules": _between_rules, "line": _line, "box": _box}
