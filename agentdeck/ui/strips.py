"""Lines of a screen as Textual strips: exactly as wide as asked, and drawn with the very attributes tmux gave.

Textual would turn the sixteen colours into its theme's, lose curly underlines and let a character
whose width is disputed push everything behind it aside. A `ScreenStrip` therefore carries its own
terminal sequences; the ordinary segments beside them serve wherever Textual cuts a strip apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from rich.cells import cell_len
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.cache import FIFOCache
from textual.strip import Strip

from agentdeck.models.cells import JOINER, cells
from agentdeck.models.screen import PLAIN, Line, Style, clip, width

_FLAGS = (
    ("bold", "1"),
    ("dim", "2"),
    ("italic", "3"),
    ("blink", "5"),
    ("reverse", "7"),
    ("conceal", "8"),
    ("strike", "9"),
)
_WIDENER = "\ufe0f"


class _Nothing(FIFOCache[Any, Any]):
    """A cache that keeps nothing."""

    def set(self, key: Any, value: Any) -> None:
        """Forget it."""

    __setitem__ = set


_NOTHING = _Nothing(0)
CACHES = (
    "_divide_cache", "_crop_cache", "_style_cache", "_filter_cache", "_line_length_cache", "_crop_extend_cache",
    "_offsets_cache",
)  # fmt: skip
UNKNOWN = ("_render_cache", "_link_ids", "_cell_count")


class ScreenStrip(Strip):
    """A strip which knows how to draw itself on a terminal of 24-bit colour; with fewer colours Textual does it.

    It is drawn once or twice and then replaced. Textual's seven caches per strip would take more memory than all
    screens together: it has none of them. A test holds the names of what is left out to those Textual has.
    """

    __slots__ = ["_drawn"]

    def __init__(self, segments: list[Segment], cell_length: int, drawn: str) -> None:
        self._segments = segments
        self._cell_length = cell_length
        self._drawn = drawn
        for name in CACHES:
            setattr(self, name, _NOTHING)
        for name in UNKNOWN:
            setattr(self, name, None)

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """The strip itself where nothing cuts it, which is nearly always."""
        cuts = list(cuts)
        return [self] if cuts == [self._cell_length] else super().divide(cuts)

    def behind(self, before: Segment, after: Segment | None = None) -> ScreenStrip:
        """The same strip with one more segment in front of it, and one behind it."""
        segments = [before, *self._segments] if after is None else [before, *self._segments, after]
        around = (before.cell_length, after.cell_length if after is not None else 0)
        return ScreenStrip(
            [segment for segment in segments if segment.text],
            sum(around) + self.cell_length,
            _draw(before) + self._drawn + (_draw(after) if after is not None else ""),
        )

    def render(self, console: Console) -> str:
        return self._drawn if console.color_system in ("truecolor", None) else super().render(console)


def _draw(segment: Segment) -> str:
    text, style, _ = segment
    return style.render(text, color_system=ColorSystem.TRUECOLOR) if style else text


@lru_cache(maxsize=512)
def strip_of(line: Line, left: int, columns: int, faint: bool = False) -> ScreenStrip:
    """The same as `drawn`, remembered for a while."""
    return drawn(line, left, columns, faint)


def drawn(line: Line, left: int, columns: int, faint: bool = False) -> ScreenStrip:
    """The `columns` of a line from `left` on. `faint` dims all of it: the last screen of an agent that ended."""
    segments: list[Segment] = []
    sequences: list[str] = []
    for text, own in clip(line, left, columns):
        style = replace(own, dim=True) if faint else own
        safe, exact = (text, text) if text.isascii() else _placed(text)
        segments.append(Segment(safe, rich_style(style)))
        codes = sgr(style)
        sequences.append(f"\x1b[{codes}m{exact}\x1b[0m" if codes else exact)
    return ScreenStrip(segments, columns, "".join(sequences))


def _placed(text: str) -> tuple[str, str]:
    """A text as Textual may measure it, and as the terminal gets it.

    Where terminals disagree on the width of a cell (joined emoji, variation selectors, skin
    tones), its columns are blanked first and the cursor is put behind them afterwards, so
    that no terminal's opinion can move what follows.
    """
    safe: list[str] = []
    exact: list[str] = []
    for cell, size in cells(text):
        if cell_len(cell) == size and JOINER not in cell and _WIDENER not in cell:
            safe.append(cell)
            exact.append(cell)
        else:
            safe.append(_stand_in(cell, size))
            exact.append(f"\x1b7{' ' * size}\x1b8{cell}\x1b8\x1b[{size}C")
    return "".join(safe), "".join(exact)


def tame(text: str) -> str:
    """A text of which every terminal agrees how wide it is, for a line that is drawn as a whole."""
    return text if text.isascii() else _placed(text)[0]


def _stand_in(cell: str, size: int) -> str:
    return cell[0] if cell_len(cell[0]) == size else " " * size


@lru_cache(maxsize=512)
def sgr(style: Style) -> str:
    """The parameters of the one SGR sequence that turns a reset terminal to this style; '' for the plain one."""
    codes = [code for name, code in _FLAGS if getattr(style, name)]
    if style.underline:
        codes.append("4" if style.underline == 1 else f"4:{style.underline}")
    if style.fg:
        codes.append(style.fg)
    if style.bg:
        codes.append("4" + style.bg[1:] if style.bg.startswith("38;") else str(int(style.bg) + 10))
    if style.underline_colour:
        codes.append("5" + style.underline_colour[1:])
    return ";".join(codes)


@lru_cache(maxsize=512)
def rich_style(style: Style) -> RichStyle:
    """The nearest that rich can say: dotted and curly underlines become plain ones."""
    return RichStyle(
        color=_rich_colour(style.fg),
        bgcolor=_rich_colour(style.bg),
        bold=style.bold or None,
        dim=style.dim or None,
        italic=style.italic or None,
        underline=(style.underline not in (0, 2)) or None,
        underline2=(style.underline == 2) or None,
        blink=style.blink or None,
        reverse=style.reverse or None,
        strike=style.strike or None,
        conceal=style.conceal or None,
    )


def _rich_colour(code: str) -> Color:
    if not code:
        return Color.default()
    if code.startswith("38;2;"):
        red, green, blue = map(int, code.split(";")[2:])
        return Color.from_rgb(red, green, blue)
    if code.startswith("38;5;"):
        return Color.from_ansi(int(code[5:]))
    number = int(code)
    return Color.from_ansi(number - 30 if number < 90 else number - 82)


@lru_cache(maxsize=128)
def with_cursor(line: Line, column: int) -> Line:
    """The line with the cell at `column` reversed, as a terminal shows its cursor; a line too short is filled up."""
    size = sum(width(text) for text, _ in line)
    if column >= size:
        line = (*line, (" " * (column + 1 - size), PLAIN))
    runs: list[tuple[str, Style]] = []
    at = 0
    for text, style in line:
        for cell, columns in cells(text):
            here = at <= column < at + columns
            runs.append((cell, replace(style, reverse=not style.reverse) if here else style))
            at += columns
    return tuple(runs)
