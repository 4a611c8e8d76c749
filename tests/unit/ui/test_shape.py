from __future__ import annotations

import pytest

from agentdeck.ui.widgets.shape import MIN_HEIGHT, MIN_WIDTH, shape


@pytest.mark.parametrize(
    ("count", "width", "height", "columns", "rows"),
    [
        (1, 80, 22, 1, 1),
        (2, 80, 22, 1, 2),  # wider shows more than taller: 80 columns of a screen of 120
        (4, 80, 22, 2, 2),
        (6, 80, 22, 2, 3),
        (16, 80, 22, 2, 3),  # the rest is on other pages
        (1, 200, 58, 1, 1),
        (2, 200, 58, 2, 1),
        (3, 200, 58, 2, 2),
        (4, 200, 58, 2, 2),
        (9, 200, 58, 3, 3),
        (16, 200, 58, 4, 4),
        (16, 370, 98, 4, 4),
        (32, 370, 98, 4, 8),
        (64, 400, 98, 8, 8),
        (64, 170, 58, 4, 8),  # half of them: pages, or the list
        (1, 20, 5, 1, 1),
        (5, 30, 3, 1, 1),
        (0, 200, 58, 1, 1),
    ],
)
def test_shape(count: int, width: int, height: int, columns: int, rows: int) -> None:
    assert shape(count, width, height) == (columns, rows)


def test_every_tile_is_readable_and_none_is_left_out_while_there_is_room() -> None:
    for width in range(36, 400, 13):
        for height in range(7, 100, 7):
            most = (width // MIN_WIDTH) * (height // MIN_HEIGHT)
            for count in (*range(1, 17), 24, 31, 32, 47, 64):
                columns, rows = shape(count, width, height)
                assert width // columns >= MIN_WIDTH and height // rows >= MIN_HEIGHT
                assert columns * rows >= min(count, most)
                assert count > most or columns * (rows - 1) < count  # no row without a tile
