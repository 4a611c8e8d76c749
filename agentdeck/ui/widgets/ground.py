"""A container that only holds others."""

from __future__ import annotations

from textual.containers import Container


class Ground(Container):
    """Its own lines are behind what it holds: one blank line does for all, which Textual would else keep and cut."""

    BLANK = True
