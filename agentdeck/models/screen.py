"""What `capture-pane -p -e` says, as lines of styled text: our own reader of tmux's escape sequences.

tmux writes each row of the screen with the attributes that changed since the cell before; the
state runs on across the ends of lines. Everything that is not a colour or an attribute
(links, other sequences, control characters) is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

from agentdeck.models.cells import cells, width

__all__ = [
    "PLAIN",
    "Line",
    "PaneScreen",
    "Style",
    "bare",
    "clip",
    "crop",
    "parse",
    "parse_next",
    "plain",
    "top_row",
    "width",
]


@dataclass(frozen=True, slots=True)
class Style:
    """Attributes of a cell. Colours are kept as the terminal got them, in the form of a foreground.

    '' is the default colour, `31` or `94` one of the sixteen, `38;5;N` one of 256 and
    `38;2;R;G;B` a 24-bit one. `underline` is 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed.
    """

    fg: str = ""
    bg: str = ""
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: int = 0
    blink: bool = False
    reverse: bool = False
    strike: bool = False
    conceal: bool = False
    underline_colour: str = ""


Line = tuple[tuple[str, Style], ...]
PLAIN = Style()


@dataclass(frozen=True, slots=True)
class PaneScreen:
    """The visible screen of a pane. `cursor_y` counts rows from 0; a hidden cursor is at -1, -1."""

    lines: tuple[Line, ...] = ()
    cols: int = 0
    rows: int = 0
    cursor_x: int = -1
    cursor_y: int = -1
    alternate: bool = False


# One alternative per thing that is not text: CSI, OSC (ended by BEL or ST), the other strings, short escapes, controls.
_CONTROL = re.compile(
    r"\x1b\[(?P<params>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x1f\x7f-\x9f]"
)
_SWITCHES: dict[int, tuple[tuple[str, bool | int], ...]] = {
    1: (("bold", True),), 2: (("dim", True),), 3: (("italic", True),), 4: (("underline", 1),),
    5: (("blink", True),), 6: (("blink", True),), 7: (("reverse", True),), 8: (("conceal", True),),
    9: (("strike", True),), 21: (("underline", 2),), 22: (("bold", False), ("dim", False)),
    23: (("italic", False),), 24: (("underline", 0),), 25: (("blink", False),), 27: (("reverse", False),),
    28: (("conceal", False),), 29: (("strike", False),),
}  # fmt: skip
_EXTENDED = {38: "fg", 48: "bg", 58: "underline_colour"}
_DEFAULTS = {39: "fg", 49: "bg", 59: "underline_colour"}
# The line drawing set which a terminal shows between SO and SI (VT100), from '`' to '~'.
_DRAWING = str.maketrans(dict(zip(range(0x60, 0x7F), "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·", strict=True)))


Parsed = dict[tuple[str, Style, bool], tuple["Line", Style, bool]]
"""Rows by text and the state they begin in: the line, and the state they end in."""


def parse(lines: Sequence[str]) -> tuple[Line, ...]:
    """Captured rows as runs of equally styled text; blanks without any attribute at a row's end are left out."""
    return parse_next(lines, {})[0]


def parse_next(lines: Sequence[str], before: Parsed) -> tuple[tuple[Line, ...], Parsed]:
    """The same for a screen of which most rows stood in an earlier one: `before` is what that gave, for the next.

    A screen remembers its own rows and no more, so that hours of changing lines take no memory.
    """
    found: list[Line] = []
    known: Parsed = {}
    style, drawing = PLAIN, False
    for text in lines:
        key = (text, style, drawing)
        parsed = known[key] = before.get(key) or known.get(key) or _parse_line(text, style, drawing)
        line, style, drawing = parsed
        found.append(line)
    return tuple(found), known


def _parse_line(text: str, style: Style, drawing: bool) -> tuple[Line, Style, bool]:
    runs: list[tuple[str, Style]] = []
    start = 0
    for match in _CONTROL.finditer(text):
        _add(runs, text[start : match.start()], style, drawing)
        start = match.end()
        token = match.group()
        if match["final"] == "m":
            style = _sgr(match["params"], style)
        elif token == "\t":
            column = sum(width(run) for run, _ in runs)
            _add(runs, " " * (8 - column % 8), style, False)
        elif token in "\x0e\x0f":
            drawing = token == "\x0e"
    _add(runs, text[start:], style, drawing)
    return _without_blank_end(runs), style, drawing


def _add(runs: list[tuple[str, Style]], text: str, style: Style, drawing: bool) -> None:
    if not text:
        return
    if drawing:
        text = text.translate(_DRAWING)
    if runs and runs[-1][1] == style:
        runs[-1] = (runs[-1][0] + text, style)
    else:
        runs.append((text, style))


def _without_blank_end(runs: list[tuple[str, Style]]) -> Line:
    if runs and runs[-1][1] == PLAIN:
        rest = runs[-1][0].rstrip(" ")
        runs[-1:] = [(rest, PLAIN)] if rest else []
    return tuple(runs)


@lru_cache(maxsize=4096)
def _sgr(params: str, style: Style) -> Style:
    """The style after one `CSI params m`; what is not understood changes nothing (ECMA-48 8.3.117, ISO 8613-6)."""
    if not params.strip("0"):
        return PLAIN
    if params.strip("0123456789;:"):
        return style
    parts = params.split(";")
    changes: dict[str, object] = {}
    while parts:
        part = parts.pop(0)
        code, _, rest = part.partition(":")
        number = int(code or 0)
        if number in _EXTENDED:
            colour = _colour(rest.split(":")) if rest else _colour(_take_colour(parts))
            if colour:
                changes[_EXTENDED[number]] = colour
        elif number == 4 and rest:
            changes["underline"] = min(int(rest.partition(":")[0] or 1), 5)
        elif number == 0:
            changes = {field.name: field.default for field in fields(Style)}
        elif number in _DEFAULTS:
            changes[_DEFAULTS[number]] = ""
        elif 30 <= number <= 37 or 90 <= number <= 97:
            changes["fg"] = str(number)
        elif 40 <= number <= 47 or 100 <= number <= 107:
            changes["bg"] = str(number - 10)
        else:
            changes.update(_SWITCHES.get(number, ()))
    return replace(style, **changes)  # pyrefly: ignore[bad-argument-type]


def _take_colour(parts: list[str]) -> list[str]:
    """The arguments of 38, 48 or 58 written with semicolons, taken off the parameters."""
    count = {"5": 2, "2": 4}.get(parts[0] if parts else "", len(parts))  # an unknown form: no telling where it ends
    taken, parts[:] = parts[:count], parts[count:]
    return taken


def _colour(arguments: list[str]) -> str:
    """`38;5;N` or `38;2;R;G;B`; '' for anything else. The colon form may name a colour space before R, G and B."""
    mode, values = (arguments or [""])[0], [value for value in arguments[1:] if value]
    count = {"5": 1, "2": 3}.get(mode, 0)
    if not count or len(values) < count or any(int(value) > 255 for value in values[-count:]):
        return ""
    return ";".join(["38", mode, *(str(int(value)) for value in values[-count:])])


def bare(text: str) -> str:
    """A text without control sequences, its tabs as blanks."""
    return _CONTROL.sub("", text.expandtabs() if "\t" in text else text)


def plain(line: Line) -> str:
    """The text of a line without its attributes."""
    return "".join(text for text, _ in line)


@lru_cache(maxsize=256)
def clip(line: Line, left: int, columns: int) -> Line:
    """The part of a line from column `left` on, exactly `columns` wide; half a wide character becomes a blank."""
    runs: list[tuple[str, Style]] = []
    at, end = 0, left + columns
    for text, style in line:
        if at >= end:
            break
        if text.isascii():
            piece, at = text[max(left - at, 0) : end - at], at + len(text)
        else:
            piece, at = _clip_wide(text, at, left, end)
        _add(runs, piece, style, False)
    missing = end - max(at, left)
    if missing > 0:
        _add(runs, " " * missing, PLAIN, False)
    return tuple(runs)


def _clip_wide(text: str, at: int, left: int, end: int) -> tuple[str, int]:
    kept: list[str] = []
    for cell, size in cells(text):
        inside = min(at + size, end) - max(at, left)
        if inside > 0:
            kept.append(cell if inside == size else " " * inside)
        at += size
    return "".join(kept), at


def is_blank(line: Line) -> bool:
    """Does a line show nothing at all? A coloured background shows something."""
    return all(not text.strip(" ") and not (s.bg or s.reverse or s.underline or s.strike) for text, s in line)


def top_row(lines: Sequence[Line], cursor_y: int, height: int) -> int:
    """The first row to show of a screen when only `height` rows fit.

    Blank rows at the end do not count. The end of the screen is shown, unless the cursor
    stands above it: then the cursor's row, with what comes before it in the upper third.
    A hidden cursor (-1) is not followed: programs leave it anywhere.
    """
    used = len(lines)
    while used and is_blank(lines[used - 1]):
        used -= 1
    last = max(used, cursor_y + 1) - height
    return max(0, last if cursor_y < 0 else min(last, cursor_y - height // 3))


def crop(lines: Sequence[Line], cursor_y: int, width: int, height: int, left: int = 0) -> tuple[Line, ...]:
    """What a tile of `width` by `height` shows of a screen: at most `height` rows, each exactly `width` wide."""
    top = top_row(lines, cursor_y, height)
    return tuple(clip(line, left, width) for line in lines[top : top + height])
