"""What a terminal sends for the mouse, for a program that asked for it (xterm's modes 1000, 1002, 1003 and 1006)."""

from __future__ import annotations

from typing import Literal

Deed = Literal["press", "release", "drag", "move", "wheel"]
WHEEL = {"up": 64, "down": 65, "left": 66, "right": 67}
_MOTION, _NOTHING_HELD = 32, 3
_MODIFIERS = {"shift": 4, "alt": 8, "ctrl": 16}
_LAST_CELL = 223
"""Columns and rows that the old encoding, one byte each, can tell."""


def encode(deed: Deed, button: int, x: int, y: int, held: frozenset[str] = frozenset(), *, sgr: bool = True) -> bytes:
    """The bytes for one event at cell `x`, `y` (from 0).

    `button` is 1 to 3 from the left, 0 for a move with none held, or a code of WHEEL. Without `sgr` the old encoding is
    used; b'' for what that cannot say.
    """
    code = button if deed == "wheel" else button - 1 if button else _NOTHING_HELD
    code += _MOTION if deed in ("drag", "move") else 0
    code += sum(_MODIFIERS[name] for name in held)
    if sgr:
        return f"\x1b[<{code};{x + 1};{y + 1}{'m' if deed == 'release' else 'M'}".encode()
    if x >= _LAST_CELL or y >= _LAST_CELL:
        return b""
    if deed == "release":
        code = code & ~3 | _NOTHING_HELD
    return b"\x1b[M" + bytes((32 + code, 33 + x, 33 + y))
