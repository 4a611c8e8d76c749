"""Locations in files, as programs print them: `src/app.py:12:3`, `File "app.py", line 12`, `app.ts(3,5)`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

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
class Location:
    """A line of a file as it was named, and the characters `start` up to `end` of the text that name it.

    `line` counts from 1. A column that is named too belongs to the name, and is not kept.
    """

    path: str
    line: int
    start: int = 0
    end: int = 0


@lru_cache(maxsize=2048)
def find_locations(text: str) -> tuple[Location, ...]:
    """All that reads like a location in a line of text, from left to right; whether the file exists is not asked."""
    found: list[Location] = []
    for form in _FORMS:
        for match in form.finditer(text, 0, _LONGEST):
            if not any(each.start < match.end() and match.start() < each.end for each in found):
                found.append(Location(match["path"], int(match["line"]), match.start(), match.end()))
    return tuple(sorted(found, key=lambda each: each.start))


def location_at(locations: Iterable[Location], index: int) -> Location | None:
    """The location that the character at `index` belongs to."""
    return next((each for each in locations if each.start <= index < each.end), None)
