"""The frame all dialogs share: a title, a body, a line for what went wrong, a line of keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click, Key, Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from agentdeck.ui.clicks import does, under
from agentdeck.ui.held_keys import KeysWanted
from agentdeck.ui.screens.choosing import move

T = TypeVar("T")
FRAME = 10  # rows of a dialog beside a text that scrolls: border, heading, trouble, keys
_NAMES = {"Esc": "escape", "Enter": "enter", "Tab": "tab"}


def typed(shown: str) -> str:
    """The one key that these words name, as Textual calls it; '' for several."""
    if shown in _NAMES or len(shown) == 1:
        return _NAMES.get(shown, shown)
    return shown.lower() if shown.startswith("Ctrl+") else ""


class Dialog(ModalScreen[T]):
    """Esc always closes with nothing done, and so does a click outside. `TITLE` and `KEYS` (key and words) are its own.

    Keys that are shown can be clicked. `FORGETS` says whether what was typed is lost by closing: then a click
    outside does not close it any more.
    """

    CSS_PATH = "dialogs.tcss"
    # Tab before the focused field sees it: else what is typed right after it still goes to the old field.
    BINDINGS = [
        Binding("escape", "cancel", "close", show=False),
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
    ]
    HEADING = ""
    KEYS: tuple[tuple[str, str], ...] = ()
    FORGETS = True

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(Content.styled(self.heading(), "bold"), id="heading")
            yield from self.body()
            yield Static(id="trouble")
            yield Static(self.key_words(), id="keys")

    def _typed(self) -> list[str]:
        """What stands in the fields, by their names: a dialog without them loads none."""
        return [getattr(field, "text", "") or getattr(field, "value", "") for field in self.query("Input, TextArea")]

    def on_click(self, event: Click) -> None:
        if what := under(event):
            # as if typed: a key that the dialog itself had sent would not come up to its bindings
            self.app.post_message(Key(what, None).set_sender(self.query_one("#keys")))
        elif event.widget is self and event.chain == 1:  # the second of two is the one that opened it
            self._click_outside()

    def _click_outside(self) -> None:
        if self.FORGETS and self._typed() != self._given:
            self.say("what is typed would be lost: Esc closes it all the same", style="$text-warning")
        else:
            self.action_cancel()

    def on_screen_resume(self) -> None:
        self.call_later(self.post_message, KeysWanted())  # later: Textual gives the focus after this

    def on_mount(self) -> None:
        self._given = self._typed()
        self.call_after_refresh(self.fit)

    def on_resize(self, event: Resize) -> None:
        self.call_after_refresh(self.fit)

    def fit(self) -> None:
        """A long text fills the screen and scrolls; the keys below it stay in sight."""
        for scroll in self.query("#scroll"):
            self.set_class(scroll.virtual_size.height > self.app.size.height - FRAME, "-tall")

    def heading(self) -> str:
        return self.HEADING

    def body(self) -> ComposeResult:
        """The widgets between the heading and the keys."""
        yield from ()

    def key_words(self) -> Content:
        pairs = [*self.KEYS, ("Esc", "close")]
        return Content("   ").join(
            does(Content.assemble((key, "bold $text-accent"), (f" {words}", "$foreground-muted")), typed(key))
            for key, words in pairs
        )

    def say(self, title: str, hint: str = "", style: str = "$text-error") -> None:
        """Show a problem inside the dialog, so that nothing typed is lost; '' clears it."""
        line = self.query_one("#trouble", Static)
        line.update(Content.assemble((title, f"bold {style}"), (f"\n{hint}" if hint else "", "$foreground-muted")))
        line.set_class(bool(title), "-shown")

    def after_typing(self, callback: Callable[..., object], *args: object) -> None:
        """Do it once the focused field has taken in every key typed before: a priority key overtakes those."""
        (self.focused or self).call_later(callback, *args)

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Once: a second key of a quick hand finds the dialog closing, and must not close what is below it."""
        return super().dismiss(result) if self.is_current else AwaitComplete.nothing()

    def action_move(self, step: int) -> None:
        """For a dialog with a list of choices."""
        move(self, step)

    def action_cancel(self) -> None:
        self.dismiss(None)
