"""The mouse in zoom belongs to the agent when its program asked for it; with Shift it never does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.events import (
    MouseDown,
    MouseEvent,
    MouseMove,
    MouseScrollDown,
    MouseScrollLeft,
    MouseScrollRight,
    MouseScrollUp,
    MouseUp,
)  # fmt: skip

from agentdeck.models.pane import Mouse, Pane
from agentdeck.ui.widgets.zoom_view import ZoomView

if TYPE_CHECKING:
    from agentdeck.adapters.tmux.mouse import Deed

_CLICKS: tuple[Deed, ...] = ("press", "release", "wheel")
TOLD: dict[Mouse, tuple[Deed, ...]] = {
    "": (), "clicks": _CLICKS, "drags": (*_CLICKS, "drag"), "moves": (*_CLICKS, "drag", "move"),
}  # fmt: skip
"""What a program is told, for each way in which it can ask."""
WHEELS: dict[type[MouseEvent], str] = {
    MouseScrollUp: "up", MouseScrollDown: "down", MouseScrollLeft: "left", MouseScrollRight: "right",
}  # fmt: skip


class ZoomMouse:
    """`pane` gives what tmux last said of the agent's pane, `send` types bytes to it."""

    def __init__(self, view: ZoomView, pane: Callable[[], Pane | None], send: Callable[[bytes], None]) -> None:
        self._view = view
        self._pane = pane
        self._send = send
        self._last = b""
        self._pressed = False

    def wants(self, event: MouseEvent) -> bool:
        """Whether the agent's program asked for this."""
        pane = self._pane()
        if pane is None or pane.dead or event.shift or deed_of(event) not in TOLD[pane.mouse]:
            return False
        x, y = self._cell(event)
        return self._pressed or (0 <= x < pane.cols and 0 <= y < pane.rows)

    def take(self, event: MouseEvent) -> bool:
        """Whether the event is for the agent's program, and has gone to it."""
        pane, deed = self._pane(), deed_of(event)
        if pane is None or not self.wants(event):
            return False
        x, y = self._cell(event)
        # what began in the pane ends there, wherever the hand has gone
        self._tell(event, deed, min(max(x, 0), pane.cols - 1), min(max(y, 0), pane.rows - 1), pane.sgr_mouse)
        self._pressed = deed == "press" or (self._pressed and deed != "release")
        return True

    def _tell(self, event: MouseEvent, deed: Deed, x: int, y: int, sgr: bool) -> None:
        from agentdeck.adapters.tmux.mouse import WHEEL, encode

        button = WHEEL[WHEELS[type(event)]] if deed == "wheel" else event.button
        held = frozenset(name for name, down in (("alt", event.meta), ("ctrl", event.ctrl)) if down)
        code = encode(deed, button, x, y, held, sgr=sgr)
        if code and not (deed in ("drag", "move") and code == self._last):  # a move within one cell is none
            self._send(code)
        self._last = code

    def _cell(self, event: MouseEvent) -> tuple[int, int]:
        """The pane's cell under the mouse, which may lie beside the pane."""
        body, at, (left, top) = self._view.body, self._view.region, self._view.origin()
        return int(event.screen_x) - at.x - body.x + left, int(event.screen_y) - at.y - body.y + top


def deed_of(event: MouseEvent) -> Deed:
    if isinstance(event, MouseDown):
        return "press"
    if isinstance(event, MouseUp):
        return "release"
    if isinstance(event, MouseMove):
        return "drag" if event.button else "move"
    return "wheel"
