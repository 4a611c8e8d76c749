"""The terminal in raw mode: bytes in, and rows out above a small live area that is painted again in place.

Everything that is finished scrolls away as ordinary output (no alternate screen), so the human
keeps the scrollback; only the last few rows, the live area, are ever drawn twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import termios
import tty
from collections.abc import Callable
from typing import Any

from agentdeck.builtin.keys import Decoder, Key
from agentdeck.builtin.layout import cut, width

STYLES = {"": "", "dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
FRAME = 1 / 30  # seconds between two paintings, so that a fast stream costs no more than a slow one

Row = tuple[tuple[str, str], ...]  # parts of (text, style)
Live = Callable[[int], tuple[list[Row], int]]


def row(text: str, style: str = "") -> Row:
    return ((text, style),)


def coloured(line: Row, columns: int) -> str:
    """The row with its colours, cut to `columns` cells."""
    out, room = [], columns
    for text, style in line:
        part = cut(text, room)
        room -= width(part)
        out.append(f"\x1b[{STYLES[style]}m{part}\x1b[0m" if style and part else part)
        if room <= 0:
            break
    return "".join(out)


class Terminal:
    """Paints what `live(columns)` returns: the rows of the live area and the cursor's column in the last one."""

    def __init__(self, live: Live, press: Callable[[Key], None], gone: Callable[[], None]) -> None:
        self._live = live
        self._press = press
        self._gone = gone
        self._decoder = Decoder()
        self._flush: asyncio.TimerHandle | None = None
        self._paint: asyncio.TimerHandle | None = None
        self._new: list[Row] = []
        self._painted: list[int] = []  # widths of the live rows on the screen
        self._column = 0
        self._resized = False
        self._closed = False
        self._title = ""
        self._saved: list[Any] = []

    @property
    def columns(self) -> int:
        """Cells of a row; the last column stays free, so that no row ever wraps by itself."""
        return max(10, shutil.get_terminal_size().columns - 1)

    def open(self) -> None:
        self._saved = termios.tcgetattr(0)
        self.raw()
        asyncio.get_running_loop().add_reader(0, self._readable)

    def raw(self) -> None:
        """Every key as it is typed; pastes marked as such."""
        tty.setraw(0, termios.TCSANOW)
        self._write("\x1b[?2004h")

    def close(self) -> None:
        """Paint what is left, leave the live area behind, and give the terminal back as it was."""
        asyncio.get_running_loop().remove_reader(0)
        self.paint()
        self._write("\r\n\x1b[?2004l\x1b]2;\x07")
        self._closed = True
        with contextlib.suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, self._saved)

    def title(self, text: str) -> None:
        if text != self._title:
            self._title = text
            self._write(f"\x1b]2;{text}\x07")

    def resized(self) -> None:
        self._resized = True
        self.refresh()

    def say(self, *rows: Row) -> None:
        """Print finished rows above the live area."""
        self._new += rows
        self.refresh()

    def refresh(self) -> None:
        """Paint soon; what comes until then goes into the same frame."""
        if self._paint is None and not self._closed:
            self._paint = asyncio.get_running_loop().call_later(FRAME, self.paint)

    def paint(self) -> None:
        if self._paint is not None:
            self._paint.cancel()
            self._paint = None
        columns, height = self.columns, shutil.get_terminal_size().lines
        live, column = self._live(columns)
        live = live[-max(1, height - 1) :]
        new, self._new = self._new, []
        # Each row is overwritten and then cleared to its end: nobody ever sees an empty live area.
        lines = [coloured(line, columns) + "\x1b[K" for line in [*new, *live]]
        # After a resize the rows may be marked as wrapped; only clearing them whole takes the mark away.
        back = self._back() + ("\x1b[J" if self._resized else "")
        self._resized = False
        out = [back, "\r\n".join(lines), "\x1b[J", f"\r\x1b[{column}C" if column else "\r"]
        self._painted = [min(columns, sum(width(text) for text, _ in line)) for line in live]
        self._column = column
        self._write("".join(out))

    def _back(self) -> str:
        """To the first cell of the live area, which a resize may have wrapped to more rows."""
        across = shutil.get_terminal_size().columns
        up = sum(max(1, -(-cells // across)) for cells in self._painted[:-1]) + self._column // across
        return f"\x1b[{up}A\r" if up else "\r"

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        try:
            while data and not self._closed:
                data = data[os.write(sys.stdout.fileno(), data) :]
        except OSError:  # the terminal was closed
            self._closed = True
            self._gone()

    def _readable(self) -> None:
        try:
            data = os.read(0, 65536)
        except OSError:  # the terminal was closed
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(0)
            self._gone()
            return
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        self._keys(self._decoder.feed(data))
        if self._decoder.patience:
            loop = asyncio.get_running_loop()
            self._flush = loop.call_later(self._decoder.patience, lambda: self._keys(self._decoder.flush()))

    def _keys(self, keys: list[Key]) -> None:
        for key in keys:
            self._press(key)
        self.refresh()
