"""A loop's own screen, which is its tile: a line for each experiment, and below them two that are written anew."""

from __future__ import annotations

import shutil
import sys

from agentdeck.models.experiment import Experiment


class Terminal:
    """Lines as they come, and how it stands below them: the metric first, for a tile shows the beginning of a line."""

    def __init__(self) -> None:
        self._standing = False
        self._tty = sys.stdout.isatty()

    def tell(self, text: str) -> None:
        sys.stdout.write(f"{self._up()}{text}\n")
        sys.stdout.flush()
        self._standing = False

    def glance(self, results: str, doing: str) -> None:
        if self._tty:
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write(f"{self._up()}\x1b[1m{results[:width]}\x1b[0m\n{doing[:width]}")
            sys.stdout.flush()
            self._standing = True

    def _up(self) -> str:
        """To the first of the two lines, which are wiped."""
        return "\r\x1b[A\x1b[J" if self._standing else ""


def line(each: Experiment) -> str:
    """An experiment in one line."""
    value = "" if each.value is None else f"{each.value:.6g}"
    mark = {"keep": "+", "baseline": "=", "crash": "!"}.get(each.outcome, "-")
    return f"{mark} {each.id} {each.outcome:9} {value:>10}  {each.hypothesis or 'the code as it is'} ({each.reason})"
