"""The line of an agent's screen that says best what it is doing, for a place with room for one line."""

from __future__ import annotations

from collections.abc import Sequence

from agentdeck.models.screen import PaneScreen, plain

_RULES = "─━═-_"
_FRAME = " \u00a0│┃║|>❯"
_COMPOSER = 12
"""Rows at most between the two rules around a place to type, and below it."""
_FAR_RIGHT = 40
"""Blank columns before a line that is a hint in the margin."""


def last_words(picture: PaneScreen) -> str:
    """The last line with words in it, above the place to type where the screen has one; '' for a blank screen.

    Most clients type between two rules at the foot of the screen, with their hints below: no line of those tells
    what they do. A screen without them, as a shell's, is read from its end.
    """
    lines = [plain(line) for line in picture.lines]
    end = _composer_top(lines)
    return next((words for line in reversed(lines[:end]) if (words := _words(line))), "")


def _composer_top(lines: Sequence[str]) -> int:
    """The row of the upper of the last two rules, when they stand at the foot of the screen."""
    rules = [row for row, line in enumerate(lines) if line and line[0] in _RULES and line[:8] == line[0] * 8]
    if len(rules) > 1 and rules[-1] - rules[-2] <= _COMPOSER and _used(lines) - rules[-1] <= _COMPOSER:
        return rules[-2]
    return len(lines)


def _used(lines: Sequence[str]) -> int:
    return max((row for row, line in enumerate(lines, 1) if line.strip()), default=0)


def _words(line: str) -> str:
    text = line.strip(_FRAME)
    hint = len(line) - len(line.lstrip(" ")) >= _FAR_RIGHT
    return "" if hint or sum(map(str.isalnum, text)) < 2 else text
