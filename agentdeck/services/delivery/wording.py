"""A text on its way to a client: what is left out of it, how it stays literal, and whether what is seen is it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentdeck.harnesses.schema import Typing

# Marks of direction and invisible characters that stand for nothing. A client that removes them itself takes the
# Enter behind them for "I have seen it" and sends nothing (observed with one). Joiners, which emoji and some
# scripts are made of, stay.
_INVISIBLE = re.compile("[\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NAMES = {0: "NUL", 7: "BEL", 8: "BS", 11: "VT", 12: "FF", 27: "ESC", 127: "DEL"}
MERGED = 24  # characters that must be told for a text within a longer prompt to be recognized
TELLING = 8  # characters that must be told for a text to be recognized by its beginning
SIDEWAYS = 40  # characters that must be in sight of a text which has scrolled out of its composer
CUT = 200  # characters after which a client may tell only the beginning


@dataclass(frozen=True, slots=True)
class Clean:
    """A text as it can be pasted. `note` says in words what was left out, '' when nothing was."""

    text: str
    note: str = ""


def clean(text: str) -> Clean:
    """`text` with LF as its only line end, and without control characters (but tabs) and invisible marks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    controls = Counter(_CONTROL.findall(lines))
    marks = Counter(_INVISIBLE.findall(lines))
    kept = _INVISIBLE.sub("", _CONTROL.sub("", lines)) if controls or marks else lines
    told = [_told(controls, "control character"), _told(marks, "invisible character")]
    return Clean(kept, "; ".join(part for part in told if part))


def _told(found: Counter[str], what: str) -> str:
    if not found:
        return ""
    total = found.total()
    which = ", ".join(f"{_name(char)} ×{count}" if count > 1 else _name(char) for char, count in found.most_common(6))
    more = f" and {len(found) - 6} more kinds" if len(found) > 6 else ""
    return f"{total} {what}{'s' if total > 1 else ''} left out: {which}{more}"


def _name(char: str) -> str:
    code = ord(char)
    return _NAMES.get(code) or (f"^{chr(code + 64)}" if code < 32 else f"U+{code:04X}")


def literal(typing: Typing, text: str) -> str | None:
    """`text` as this client takes it for words: what it would take for a command of its own is dressed as it says.

    None when it begins like a command and the harness file knows no way to say that it is none.
    """
    if typing.commands and text.lstrip().startswith(tuple(typing.commands)):
        if not (typing.before or typing.after):
            return None
        text = f"{typing.before}{text}{typing.after}"
    last = text.split()[-1:]
    if typing.completes and last and last[0].startswith(tuple(typing.completes)) and text[-1:] == last[0][-1:]:
        text += " "  # else Enter would choose from the list that it offers for an unfinished word
    return text


def essence(text: str) -> str:
    """What of a text survives any client and any terminal: no blanks, no joiners or accents apart, no emoji."""
    whole = unicodedata.normalize("NFC", text).translate(_MORE)
    return "".join(char for char in whole if unicodedata.category(char) not in _LOST)


_MORE = str.maketrans("", "", "↑↓")  # by which a composer shows that there is more than is in sight
_LOST = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Me", "So", "Sk"})


def same(prompt: str, text: str, wrap: str = "") -> bool:
    """Whether a client's report of a prompt is this text. Clients wrap, tag, re-flow and merge what was pasted.

    `wrap` matches the marks that the client puts around a paste. An empty report says nothing about which it was.
    """
    heard, wanted = essence(re.sub(wrap, "", prompt) if wrap else prompt), essence(text)
    if not heard or not wanted:
        return not prompt.strip() or prompt.split() == text.split()
    if heard == wanted:
        return True
    merged = len(wanted) >= MERGED and wanted in heard
    return merged or (len(heard) >= CUT and wanted.startswith(heard))


def shows(shown: str, text: str, badge: str = "") -> bool:
    """Whether what stands in a composer is this text and nothing else.

    A long paste may stand there as a `badge` of the client's (a pattern; a group `lines` or `chars` must agree), or
    only its end may be in sight.
    """
    if badge and (match := re.fullmatch(badge, shown.strip())):
        return _agrees(match, text)
    seen, wanted = essence(shown), essence(text)
    if not wanted:
        return bool(shown.strip())
    return seen == wanted or (len(seen) >= SIDEWAYS and wanted.endswith(seen.removeprefix("…")))


def scrolled(above: str, text: str) -> bool:
    """Whether a screen, from its top to the cursor, ends in the end of this text, whose beginning is out of sight."""
    seen, wanted = essence(above), essence(text)
    end = wanted[-min(CUT, len(seen)) :]
    return len(wanted) >= CUT and len(end) >= SIDEWAYS and seen.endswith(end) and wanted[:SIDEWAYS] not in seen


def stands(rows: Sequence[str], text: str) -> bool:
    """Whether the plain rows of a screen show a text, by its beginning: of a long one no more may be shown."""
    wanted = essence(text)[:MERGED]
    return len(wanted) >= TELLING and wanted in essence("".join(rows))


def _agrees(match: re.Match[str], text: str) -> bool:
    told = match.groupdict()
    if told.get("lines"):
        return abs(int(told["lines"]) - text.count("\n")) <= 1
    return not told.get("chars") or abs(int(told["chars"]) - len(text)) <= 1 + text.count("\n")
