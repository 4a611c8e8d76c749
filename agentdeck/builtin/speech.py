"""What scrolls by: the human's prompts, the model's words, tool calls and the output of commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentdeck.builtin import present
from agentdeck.builtin.layout import Flow, clean, wrap
from agentdeck.builtin.terminal import Row, row

SHOWN_LINES = 15  # of one command's output; the model gets more of it than the screen


class Speech:
    """Turns what is said into rows for `say`; what is still growing is shown by `live`."""

    def __init__(self, say: Callable[..., None], columns: Callable[[], int]) -> None:
        self._say = say
        self._columns = columns
        self._flow = Flow()
        self._output = _CommandOutput()
        self._talking = False  # whether the last thing on the screen are the model's words

    def heard(self, prompt: str) -> None:
        self.end()
        self._say(row(""), *present.block(prompt, "bold", self._columns(), "> ", limit=12))

    def text(self, piece: str) -> None:
        if not self._talking and piece.strip():
            self._talking = True
            self._say(row(""))
        if self._talking:
            self._say(*(row("  " + line) for line in self._flow.add(piece, self._columns() - 2)))

    def call(self, name: str, given: dict[str, Any]) -> None:
        self.end()
        self._say(*present.call(name, given, self._columns()))

    def question(self, name: str, given: dict[str, Any], why: str) -> None:
        """What a call would do, whole: nobody should allow what was not shown."""
        columns = self._columns()
        whole = present.call(name, given, columns, whole=True)
        if len(whole) > len(present.call(name, given, columns)):
            self._say(row("    the whole call:", "dim"), *whole)
        if name != "bash":  # a command is seen to be one
            self._say(row(f"    {why}", "yellow"))

    def output(self, piece: str) -> None:
        self._say(*self._output.add(piece, self._columns()))

    def result(self, name: str, content: str, failed: bool) -> None:
        self.end()
        self._say(*present.result(name, content, failed, self._columns()))

    def note(self, text: str, style: str, indent: str = "") -> None:
        """Something about the turn itself, on one row: the deck looks for it just above the composer."""
        self.end()
        self._say(row(indent + " ".join(clean(text).split()), style))

    def end(self) -> None:
        """What was growing is whole now."""
        self._say(*(row("  " + line) for line in self._flow.end()), *self._output.live(self._columns()))
        self._output = _CommandOutput()
        self._talking = False

    def live(self, columns: int) -> list[Row]:
        rows = [row("  " + self._flow.row)] if self._flow.row.strip() else []
        return rows + self._output.live(columns)


class _CommandOutput:
    """The rows of one running command: the first lines scroll by, of the rest only the last is shown."""

    def __init__(self) -> None:
        self._line = ""
        self._lines = 0

    def add(self, piece: str, columns: int) -> list[Row]:
        *lines, self._line = (self._line + piece).split("\n")
        self._line = self._line[-4000:]
        shown = lines[: max(0, SHOWN_LINES - self._lines)]
        self._lines += len(lines)
        return [row("    " + part, "dim") for line in shown for part in wrap(_last_state(line), columns - 4)[:4]]

    def live(self, columns: int) -> list[Row]:
        if self._lines <= SHOWN_LINES and not self._line:
            return []
        more = f"… +{self._lines - SHOWN_LINES} lines " if self._lines > SHOWN_LINES else ""
        return [row(f"    {more}{_last_state(self._line)}", "dim")]


def _last_state(line: str) -> str:
    """Of a progress bar, what it shows in the end."""
    return clean(line.rstrip("\r").rsplit("\r", 1)[-1])
