"""What one `list-panes` row says of an agent's pane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mouse = Literal["", "clicks", "drags", "moves"]
"""What the program asked to be told of the mouse: nothing, buttons and wheel, drags too, every move too."""


@dataclass(frozen=True, slots=True)
class Pane:
    """`activity` is in whole seconds (tmux's resolution); `dead_status` and `dead_signal` are None while it lives."""

    id: str
    window: str
    deck_id: str
    pid: int
    command: str
    title: str
    dead: bool
    dead_status: int | None
    dead_signal: int | None
    cols: int
    rows: int
    cursor_x: int
    cursor_y: int
    cursor_visible: bool
    alternate: bool
    in_mode: bool
    activity: int
    history: int
    mouse: Mouse = ""
    sgr_mouse: bool = False


@dataclass(frozen=True, slots=True)
class Survivor:
    """What a pane says of its agent by itself. `directory` is where it was started; `marked`: it carries `@deck_id`."""

    id: str
    window: str
    deck_id: str
    pid: int
    dead: bool
    directory: str
    marked: bool = True
