"""Places in files that programs name in what they print: `src/app.py:12:3`, `File "app.py", line 12`, `app.ts(3,5)`."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Parts between slashes; brackets only behind one, where some frameworks want them (`app/[id]/page.tsx`).
_PATH = r"(?<![\w/.:@+~%-])(?:file://)?(?P<path>(?=[^:\s]*[^\W\d])[\w.@+~%-]*(?:/[\w.@+~%\[\]()-]*)*)"
_FORMS = (
    re.compile(r'File "(?P<path>[^"\n]+)", line (?P<line>\d+)'),
    re.compile(_PATH + r":(?P<line>\d+)(?::(?P<column>\d+))?(?!\w)"),
    re.compile(_PATH + r"\((?P<line>\d+)(?:,\s?(?P<column>\d+))?\)"),
    re.compile(_PATH + r"#L(?P<line>\d+)"),
)
_LONGEST = 2000  # characters of a line that are looked at


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file as it was named, and the characters `start` up to `end` of the text that name it.

    `line` and `column` count from 1; `column` is 0 when none was named.
    """

    path: str
    line: int
    column: int = 0
    start: int = 0
    end: int = 0


def find_places(text: str) -> list[Place]:
    """All that reads like a place in a line of text, from left to right; whether the file exists is not asked."""
    found: list[Place] = []
    for form in _FORMS:
        for match in form.finditer(text, 0, _LONGEST):
            if not any(each.start < match.end() and match.start() < each.end for each in found):
                column = int(match.groupdict().get("column") or 0)
                found.append(Place(match["path"], int(match["line"]), column, match.start(), match.end()))
    return sorted(found, key=lambda place: place.start)


def place_at(places: list[Place], index: int) -> Place | None:
    """The place that the character at `index` belongs to."""
    return next((place for place in places if place.start <= index < place.end), None)
