from __future__ import annotations

import pytest

from agentdeck.ui.levels import ALL, LIST, ONE, as_text, checked, farther, from_text, nearer
from agentdeck.ui.places import moved, scrolled, turned


@pytest.mark.parametrize(
    ("most", "way"),
    [
        (1, [ALL, ONE]),
        (2, [ALL, ONE]),
        (5, [ALL, 4, 2, ONE]),
        (9, [ALL, 6, 4, 2, ONE]),
        (64, [ALL, 32, 16, 9, 6, 4, 2, ONE]),
    ],
)
def test_the_way_from_the_list_to_one_agent(most: int, way: list[int]) -> None:
    level = LIST
    assert [level := nearer(level, most) for _ in way] == way
    assert nearer(ONE, most) == ONE


@pytest.mark.parametrize(("most", "way"), [(1, [LIST]), (2, [ALL, LIST]), (9, [2, 4, 6, ALL, LIST])])
def test_the_way_back(most: int, way: list[int]) -> None:
    level = ONE
    assert [level := farther(level, most) for _ in way] == way
    assert farther(LIST, most) == LIST


def test_a_level_of_more_tiles_than_there_are_is_as_good_as_all() -> None:
    assert farther(16, 5) == LIST and nearer(16, 5) == 4


@pytest.mark.parametrize(("stored", "level"), [(-3, LIST), (0, LIST), (7, 7), (10**9, ALL)])
def test_a_stored_level_is_brought_into_range(stored: int, level: int) -> None:
    assert checked(stored) == level


@pytest.mark.parametrize(("text", "level"), [("", ALL), ("0", LIST), ("16", 16), ("-1", ALL), ("huge", ALL)])
def test_a_level_as_a_view_keeps_it(text: str, level: int) -> None:
    assert from_text(text) == level
    assert from_text(as_text(level)) == level


@pytest.mark.parametrize(
    ("at", "dx", "dy", "to"),
    [(0, 1, 0, 1), (0, -1, 0, 0), (2, 1, 0, 3), (0, 0, 1, 3), (2, 0, -1, 2), (4, 0, 1, 6), (6, 0, 1, 6), (6, 1, 0, 6)],
)
def test_moves_over_seven_agents_in_three_columns(at: int, dx: int, dy: int, to: int) -> None:
    assert moved(at, 7, 3, dx, dy) == to


@pytest.mark.parametrize(("at", "step", "to"), [(1, 1, 5), (1, -1, 1), (3, 1, 6), (5, -1, 1), (6, 1, 6)])
def test_pages_of_four_among_seven(at: int, step: int, to: int) -> None:
    assert turned(at, 7, 4, step) == to


@pytest.mark.parametrize(
    ("first", "at", "count", "room", "to"),
    [(0, 5, 20, 10, 0), (0, 10, 20, 10, 1), (8, 3, 20, 10, 3), (15, 19, 20, 10, 10), (5, 2, 3, 10, 0), (0, 0, 0, 5, 0)],
)
def test_a_list_scrolls_no_more_than_it_must(first: int, at: int, count: int, room: int, to: int) -> None:
    assert scrolled(first, at, count, room) == to
