"""Words that can be clicked: a piece of text carries what a click on it does, wherever it comes to stand."""

from __future__ import annotations

from textual.content import Content
from textual.events import MouseEvent
from textual.style import Style

_DOES = "does"


def does(text: Content | str, what: str) -> Content:
    """The text, with what a click on it means to whoever draws it."""
    content = Content(text) if isinstance(text, str) else text
    return content.stylize(Style.from_meta({_DOES: what})) if what else content


def under(event: MouseEvent) -> str:
    """What the text under the mouse does, '' for nothing."""
    return str(event.style.meta.get(_DOES, ""))
