"""Textual keeps what a closed widget drew: `StylesCache.get_inner_outer` is an lru_cache on a method.

Each of its 1024 entries holds a widget's cache with all its lines: a dialog on a large terminal
leaves a megabyte behind each time it is opened (8.2.8). Forgetting the entries costs nothing: they
are computed anew in microseconds.
"""

from __future__ import annotations

from textual._styles_cache import StylesCache


def forget_closed_widgets() -> None:
    """Let go of what widgets drew that are gone. Call it when a screen has been closed."""
    StylesCache.get_inner_outer.cache_clear()
