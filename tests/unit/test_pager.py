"""A page moves by rows over lines of different heights, and stops at both ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentdeck.models import pager

HEIGHTS = st.lists(st.integers(1, 5), min_size=1, max_size=12)


@given(HEIGHTS, st.data())
def test_moving_is_counting_rows(heights: list[int], data: st.DataObject) -> None:
    places = [(line, row) for line, height in enumerate(heights) for row in range(height)]
    at = data.draw(st.integers(0, len(places) - 1))
    by = data.draw(st.integers(-70, 70))
    to = max(0, min(len(places) - 1, at + by))
    assert pager.moved(places[at], by, heights.__getitem__, len(heights)) == places[to]


@given(HEIGHTS, st.integers(1, 20))
def test_the_last_page_is_full(heights: list[int], height: int) -> None:
    places = [(line, row) for line, size in enumerate(heights) for row in range(size)]
    assert pager.last(height, heights.__getitem__, len(heights)) == places[max(0, len(places) - height)]


@given(HEIGHTS, st.integers(1, 20), st.data())
def test_a_line_that_is_asked_for_is_seen(heights: list[int], height: int, data: st.DataObject) -> None:
    line = data.draw(st.integers(0, len(heights) - 1))
    rows, count = heights.__getitem__, len(heights)
    top = pager.showing(line, (0, 0), height, rows, count)
    assert top <= (line, 0) <= pager.moved(top, height - 1, rows, count)
    assert top <= pager.last(height, rows, count)
    assert pager.showing(line, top, height, rows, count) == top


def test_nothing_has_no_pages() -> None:
    assert pager.last(10, lambda _: 1, 0) == (0, 0) and pager.moved((0, 0), 5, lambda _: 1, 0) == (0, 0)
