"""The one `list-panes` format, and its rows as Pane values."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from functools import lru_cache

from agentdeck.models.pane import Mouse, Pane

HUB = "deck-hub"
"""The session that every agent's window is linked into, so that one client sees all."""

# Printable: tmux may rewrite control characters. The title is free text and therefore comes last.
_SEP = "\u241f"
_FIELDS = (
    *("pane_id", "window_id", "@deck_id", "pane_pid", "pane_dead", "pane_dead_status", "pane_dead_signal"),
    *("pane_width", "pane_height", "cursor_x", "cursor_y", "cursor_flag", "alternate_on", "pane_in_mode"),
    *("window_activity", "history_size", "mouse_all_flag", "mouse_button_flag", "mouse_standard_flag"),
    *("mouse_sgr_flag", "pane_current_command", "pane_title"),
)
FORMAT = _SEP.join(f"#{{{name}}}" for name in _FIELDS)
_START = re.compile(f"%[0-9]+{_SEP}@[0-9]+{_SEP}")


def parse(lines: Sequence[str]) -> dict[str, Pane]:
    """Panes by pane id; those without `@deck_id` are not agents and are left out."""
    rows: list[str] = []
    for line in lines:
        if _START.match(line):
            rows.append(line)
        elif rows:  # a program may have put a newline into its own name
            rows[-1] += f" {line}"
    found = (_pane(row) for row in rows)
    return {pane.id: pane for pane in found if pane is not None}


REAP = ("run-shell", "true")
"""tmux 3.3 can miss the signal for a child that ends at once: it then knows that the program is gone but not how,
until another child ends. This command is such a child."""


def unexplained(panes: dict[str, Pane]) -> set[str]:
    """Dead panes of which tmux does not know how they ended: REAP mends that (not for signals before tmux 3.3)."""
    return {pane.id for pane in panes.values() if pane.dead and pane.dead_status is None and pane.dead_signal is None}


@lru_cache(maxsize=128)
def _pane(row: str) -> Pane | None:
    fields = row.split(_SEP, len(_FIELDS) - 1)
    if len(fields) < len(_FIELDS) or not fields[2]:
        return None
    dead = fields[4] == "1"
    number = [int(text) if text.isdigit() else 0 for text in fields]
    return Pane(
        id=fields[0],
        window=fields[1],
        deck_id=fields[2],
        pid=number[3],
        command=fields[20],
        title=fields[21],
        dead=dead,
        dead_status=number[5] if dead and fields[5] else None,
        dead_signal=_signal(fields[6]) if dead else None,
        cols=number[7],
        rows=number[8],
        cursor_x=number[9],
        cursor_y=number[10],
        cursor_visible=fields[11] == "1",
        alternate=fields[12] == "1",
        in_mode=fields[13] not in ("", "0"),
        activity=number[14],
        history=number[15],
        mouse=_mouse(*(field == "1" for field in fields[16:19])),
        sgr_mouse=fields[19] == "1",
    )


def _mouse(moves: bool, drags: bool, clicks: bool) -> Mouse:
    return "moves" if moves else "drags" if drags else "clicks" if clicks else ""


def _signal(text: str) -> int | None:
    """A signal as tmux shows it: a number, or on some builds its name without SIG."""
    if text.isdigit():
        return int(text)
    try:
        return signal.Signals[f"SIG{text.upper().removeprefix('SIG')}"].value if text else None
    except KeyError:
        return None
