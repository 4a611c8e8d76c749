"""Keys typed while a dialog is on its way belong to the dialog: the deck must not act on them."""

from __future__ import annotations

from textual.events import Event, Key, Paste
from textual.message import Message


class KeysWanted(Message):
    """Somebody can take keys now. With a `token` it counts only for the hold of that number."""

    def __init__(self, token: int = 0) -> None:
        super().__init__()
        self.token = token


class HeldKeys:
    """One hold at a time: what is typed during it, in order."""

    def __init__(self) -> None:
        self._token = 0
        self._holding = False
        self._events: list[Event] = []

    def hold(self) -> int:
        """Begin to hold; the number names this hold for a release."""
        self._token += 1
        self._holding = True
        return self._token

    def take(self, event: Event) -> bool:
        """Whether the event is kept back for now. One that went to a widget already is on its way back: it is not."""
        if not self._holding or not isinstance(event, Key | Paste) or event.is_forwarded:
            return False
        self._events.append(event)
        return True

    def release(self, token: int = 0) -> list[Event]:
        """End the hold; what was typed during it. Nothing happens for the number of an earlier hold."""
        if token not in (0, self._token):
            return []
        self._holding = False
        typed, self._events = self._events, []
        return typed
