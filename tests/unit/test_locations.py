"""Which pieces of a line name a place in a file."""

from __future__ import annotations

import pytest

from agentdeck.models.locations import find_locations, location_at


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("src/app.py:12:3: error: no", [("src/app.py", 12)]),
        ("E   tests/test_x.py:40: AssertionError", [("tests/test_x.py", 40)]),
        ('  File "/w/a b.py", line 7, in run', [("/w/a b.py", 7)]),
        ("src/app.ts(3,5): error TS2304", [("src/app.ts", 3)]),
        ("app/[id]/page.tsx:9 and (src/a.py:12)", [("app/[id]/page.tsx", 9), ("src/a.py", 12)]),
        ("docs/x.md#L12 --> src/main.rs:4:5", [("docs/x.md", 12), ("src/main.rs", 4)]),
        ("at f (file:///w/x.js:1:2)", [("/w/x.js", 1)]),
        ("Makefile:3: `a/b.py:4`, ../c.h:5", [("Makefile", 3), ("a/b.py", 4), ("../c.h", 5)]),
        ("漢字/ファイル.py:3", [("漢字/ファイル.py", 3)]),
        ("12:04:31 http://localhost:8080/x a.py::test b.py: 3", []),
        ("", []),
    ],
)  # fmt: skip
def test_what_compilers_tests_and_tracebacks_print(text: str, named: list[tuple[str, int]]) -> None:
    assert [(each.path, each.line) for each in find_locations(text)] == named


def test_the_place_under_the_pointer() -> None:
    text = "see src/a.py:12 or b.py:3"
    found = find_locations(text)
    assert [text[each.start : each.end] for each in found] == ["src/a.py:12", "b.py:3"]
    assert location_at(found, text.index("12")) == found[0]
    assert location_at(found, 0) is None


def test_a_line_without_end_is_not_looked_through() -> None:
    assert find_locations("a/" * 100_000 + ":3") == ()
