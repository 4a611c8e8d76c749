"""The line the human types on: text, a cursor, and pastes that stand as one piece. Pure."""

from __future__ import annotations

from agentdeck.builtin.keys import Key
from agentdeck.builtin.layout import cut_left, width

SHORT_PASTE = 200  # characters; a longer paste, or one of several lines, is shown as a label


class Composer:
    """The draft is a list of pieces: single characters, and whole pastes."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._at = 0
        self._last = ""  # what was sent or cleared last; Up brings it back

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def put(self, text: str) -> None:
        """Insert a paste, or a text that comes back: as a whole when it is long."""
        whole = len(text) > SHORT_PASTE or "\n" in text
        self._insert([text] if whole else list(text))

    def take(self) -> str:
        """The draft, which is empty afterwards."""
        text = self.text
        self._last = text or self._last
        self._pieces, self._at = [], 0
        return text

    def press(self, key: Key) -> None:
        """Edit by one key; keys that do not edit do nothing."""
        match key.name:
            case "text":
                self._insert(list(key.text))
            case "paste" if key.text:
                self.put(key.text)
            case "newline":
                self._insert(["\n"])
            case "left":
                self._at = max(0, self._at - 1)
            case "right":
                self._at = min(len(self._pieces), self._at + 1)
            case "home":
                self._at = 0
            case "end":
                self._at = len(self._pieces)
            case "word-left":
                self._at = self._word_start()
            case "word-right":
                self._at = self._word_end()
            case "up" if not self._pieces and self._last:
                self.put(self._last)
            case _:
                self._remove(key.name)

    def _remove(self, name: str) -> None:
        start, end = self._at, self._at
        match name:
            case "backspace":
                start = max(0, self._at - 1)
            case "delete":
                end = self._at + 1
            case "kill-word":
                start = self._word_start()
            case "kill-left":
                start = 0
            case "kill-right":
                end = len(self._pieces)
        del self._pieces[start:end]
        self._at = start

    def _insert(self, pieces: list[str]) -> None:
        self._pieces[self._at : self._at] = pieces
        self._at += len(pieces)

    def _word_start(self) -> int:
        at = self._at
        while at and self._pieces[at - 1].isspace():
            at -= 1
        while at and not self._pieces[at - 1].isspace():
            at -= 1
        return at

    def _word_end(self) -> int:
        at, end = self._at, len(self._pieces)
        while at < end and self._pieces[at].isspace():
            at += 1
        while at < end and not self._pieces[at].isspace():
            at += 1
        return at

    def shown(self, columns: int) -> tuple[str, int]:
        """The draft on one row of `columns` cells, and the cursor's cell in it. Long drafts scroll sideways."""
        before = "".join(map(_label, self._pieces[: self._at]))
        after = "".join(map(_label, self._pieces[self._at :]))
        if width(before) > columns - 1:
            before = "…" + cut_left(before, columns - 2)
        return before + after, width(before)


def _label(piece: str) -> str:
    """How one piece is shown; never a control character."""
    if len(piece) > 1:
        lines = piece.count("\n") + 1
        return f"[pasted {lines} lines]" if lines > 1 else f"[pasted {len(piece)} characters]"
    if piece >= " " and not "\x7f" <= piece <= "\x9f":
        return piece
    return {"\n": "⏎", "\t": " "}.get(piece, "·")
