"""The terminal one stands in: colours, size, letters, clipboard."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

from agentdeck.services.doctor.finding import Finding

WIDE, HIGH = 80, 24


def here() -> Iterator[Finding]:
    size = os.get_terminal_size(sys.stdout.fileno()) if sys.stdout.isatty() else None
    inside = _outer_tmux() if os.environ.get("TMUX") else {}
    yield from judge(os.environ, (size.columns, size.lines) if size else None, inside)


def judge(environ: Mapping[str, str], size: tuple[int, int] | None, outer: Mapping[str, str]) -> Iterator[Finding]:
    """`size` is None off a terminal; `outer` holds options of the tmux one stands in, empty outside of any."""
    if size is None:
        yield Finding("terminal", "note", "this is no terminal: colours, size and clipboard cannot be seen")
        return
    text = f"{size[0]}x{size[1]}"
    small = size[0] < WIDE or size[1] < HIGH
    yield Finding("terminal", "warn" if small else "ok", text, f"Make it {WIDE}x{HIGH} or larger." if small else "")
    charset = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    if "UTF-8" not in charset.upper().replace("UTF8", "UTF-8"):
        yield Finding("terminal", "warn", f"the locale '{charset or 'C'}' has no UTF-8", "export LANG=C.UTF-8")
    if environ.get("COLORTERM") not in ("truecolor", "24bit"):
        step = "export COLORTERM=truecolor, if your terminal has 24-bit colour"
        yield Finding("terminal", "note", f"TERM={environ.get('TERM', '')} promises no 24-bit colour", step)
    if outer and outer.get("set-clipboard") == "off":
        step = "tmux set -s set-clipboard on"
        yield Finding("terminal", "warn", "the tmux around you keeps what is copied to itself", step)
    elif not outer:
        text = "copying uses OSC 52; terminals that know it take it, some only when their settings allow it"
        yield Finding("terminal", "note", text)
    if outer and "RGB" not in outer.get("terminal-features", "") and "Tc" not in outer.get("terminal-overrides", ""):
        step = "tmux set -as terminal-features ',*:RGB'"
        yield Finding("terminal", "note", "the tmux around you passes on 256 colours only", step)


def _outer_tmux() -> dict[str, str]:
    """Options of the tmux server around us; what cannot be asked is left out."""
    found = {"inside": "yes"}
    for option in ("set-clipboard", "terminal-features", "terminal-overrides"):
        try:
            argv = ["tmux", "show-options", "-s", "-v", option]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=5, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            found[option] = done.stdout.strip()
    return found
