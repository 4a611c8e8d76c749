"""Which pieces of a line name a place in a file."""

from __future__ import annotations

import pytest

from agentdeck.models.places import find_places, place_at


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("src/app.py:12:3: error: no", [("src/app.py", 12, 3)]),
        ("E   tests/test_x.py:40: AssertionError", [("tests/test_x.py", 40, 0)]),
        ('  File "/w/a b.py", line 7, in run', [("/w/a b.py", 7, 0)]),
        ("src/app.ts(3,5): error TS2304", [("src/app.ts", 3, 5)]),
        ("app/[id]/page.tsx:9 and (src/a.py:12)", [("app/[id]/page.tsx", 9, 0), ("src/a.py", 12, 0)]),
        ("docs/x.md#L12 --> src/main.rs:4:5", [("docs/x.md", 12, 0), ("src/main.rs", 4, 5)]),
        ("at f (file:///w/x.js:1:2)", [("/w/x.js", 1, 2)]),
        ("Makefile:3: `a/b.py:4`, ../c.h:5", [("Makefile", 3, 0), ("a/b.py", 4, 0), ("../c.h", 5, 0)]),
        ("漢字/ファイル.py:3", [("漢字/ファイル.py", 3, 0)]),
        ("12:04:31 http://localhost:8080/x a.py::test b.py: 3", []),
        ("", []),
    ],
)  # fmt: skip
def test_what_compilers_tests_and_tracebacks_print(text: str, places: list[tuple[str, int, int]]) -> None:
    assert [(place.path, place.line, place.column) for place in find_places(text)] == places


def test_the_place_under_the_pointer() -> None:
    text = "see src/a.py:12 or b.py:3"
    found = find_places(text)
    assert [text[place.start : place.end] for place in found] == ["src/a.py:12", "b.py:3"]
    assert place_at(found, text.index("12")) == found[0]
    assert place_at(found, 0) is None


def test_a_line_without_end_is_not_looked_through() -> None:
    assert find_places("a/" * 100_000 + ":3") == []
