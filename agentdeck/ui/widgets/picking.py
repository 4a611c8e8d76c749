"""Picking text with the mouse: a drag marks it, letting go copies it to the clipboard of the human's terminal."""

from __future__ import annotations

from textual.app import App
from textual.events import MouseDown, MouseMove, MouseUp

from agentdeck.models.screen import Line
from agentdeck.models.selection import Selection, Spot, whole, word
from agentdeck.ui.widgets.lines import LineWidget

LINGER = 0.5
"""Seconds for which what was copied off a live screen stays marked."""


def copy(app: App[object], text: str, what: str = "") -> None:
    """Put `text` on the clipboard (OSC 52) and say so; `what` names it, else it is counted."""
    app.copy_to_clipboard(text)
    lines = text.count("\n") + 1
    size = f"{lines} lines" if lines > 1 else text if len(text) <= 60 else f"{len(text)} characters"
    app.notify(what or size, title="copied", timeout=3, markup=False)


class Picking(LineWidget):
    """A widget of lines whose cells can be picked. While it is `frozen` it must not change what it shows.

    A widget says where its cells are by `spot_at`, what stands there by `line_at`, and paints itself in `repaint`.
    """

    LIVE = True
    """What it shows changes by itself: what is picked is let go soon after it was copied."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.picked: Selection | None = None
        self.dragging = False
        self.dragged = False  # the last press of the button was a drag: the click that ends it means nothing
        self._anchor: Spot | None = None

    # -- what a widget says of itself -----------------------------------------------------------------------

    def pickable(self, event: MouseDown) -> bool:
        """Whether a press there may begin a drag."""
        return True

    def spot_at(self, x: int, y: int) -> Spot | None:
        """The line and column at a place of the widget, or the nearest one there is; None when there is no text."""
        raise NotImplementedError

    def line_at(self, number: int) -> Line:
        raise NotImplementedError

    def repaint(self) -> None:
        """Show what is picked, and what is not any more."""
        raise NotImplementedError

    @property
    def frozen(self) -> bool:
        return self._anchor is not None or (self.LIVE and self.picked is not None)

    @property
    def picking(self) -> bool:
        """A drag is on its way, or what it picked is still marked."""
        return self.dragging or self.picked is not None

    # -- the mouse ------------------------------------------------------------------------------------------

    def on_mouse_down(self, event: MouseDown) -> None:
        self.dragging = self.dragged = False
        if event.button == 1 and self.pickable(event):
            self._anchor = self.spot_at(event.x, event.y)
        if self._anchor is not None:
            self.capture_mouse()

    def on_mouse_move(self, event: MouseMove) -> None:
        if self._anchor is None:
            return
        if not event.button:  # the button was let go where we did not hear of it
            self._let_go()
            return
        spot = self.spot_at(event.x, event.y)
        if spot is not None and (self.dragging or spot != self._anchor):
            self.dragging = True
            self.pick(Selection(self._anchor, spot))

    def on_mouse_up(self, event: MouseUp) -> None:
        if self._anchor is None:
            return
        self.dragged = self.dragging
        self._let_go()
        if self.dragged:
            self._picked_all()

    def _let_go(self) -> None:
        self._anchor, self.dragging = None, False
        self.release_mouse()
        self.repaint()

    # -- what is picked -------------------------------------------------------------------------------------

    def pick(self, selection: Selection | None) -> None:
        if selection != self.picked:
            self.picked = selection
            self.repaint()

    def drop_picked(self) -> None:
        """What stood here is something else now."""
        if self._anchor is not None:
            self.release_mouse()
        self._anchor, self.dragging, self.picked = None, False, None

    def pick_at(self, x: int, y: int, clicks: int) -> None:
        """A double click picks the word and copies it, a triple one the line, a single one nothing."""
        spot = self.spot_at(x, y)
        if spot is None or clicks < 2:
            self.pick(None)
            return
        line = self.line_at(spot[0])
        self.pick(word(spot[0], line, spot[1]) if clicks == 2 else whole(spot[0], line))
        self._picked_all()

    def _picked_all(self) -> None:
        self.copy_picked()
        if self.LIVE:
            self.set_timer(LINGER, self._linger_over)

    def _linger_over(self) -> None:
        if self._anchor is None:
            self.pick(None)

    @property
    def picked_text(self) -> str:
        return self.picked.text(self.line_at).strip("\n") if self.picked is not None else ""

    def copy_picked(self) -> None:
        text = self.picked_text
        if text.strip():
            copy(self.app, text)
