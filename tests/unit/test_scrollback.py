"""A view that has gone back stays on its rows while the pane goes on, also when tmux drops old ones."""

from __future__ import annotations

import random

from agentdeck.models.scrollback import Scrollback

LIMIT = 5000


def test_it_stays_put_and_counts_what_is_new() -> None:
    at = Scrollback(size=100).scroll(-30)
    assert (at.back, at.live, at.top) == (30, 0, -30)
    later = at.seen(112, LIMIT)
    assert later is not None and (later.top, later.live, later.back) == (-30, 12, 42)


def test_it_ends_where_the_history_and_the_screen_do() -> None:
    at = Scrollback(size=20, spare=4)
    assert at.scroll(-100).top == -20
    assert at.scroll(100).top == 4 and at.scroll(100).back == 0
    assert at.scroll(-3).back == 7


def test_a_full_history_drops_its_oldest_tenth() -> None:
    at = Scrollback(size=4990)
    later = at.seen(4510, LIMIT)
    assert later is not None and later.live == 20 and later.size == 4510 and later.oldest == -4490


def test_a_history_that_was_cleared_is_no_place_to_stay() -> None:
    assert Scrollback(size=1200).scroll(-50).seen(0, LIMIT) is None
    assert Scrollback(size=4900).seen(3, LIMIT) is None


def test_against_a_model_of_tmux() -> None:
    """As grid.c has it: at the limit a tenth goes before the next row comes."""
    rng = random.Random(7)
    size, printed = 4600, 0
    at: Scrollback | None = Scrollback(size=size)
    for _ in range(2000):
        rows = rng.randrange(0, 400)
        for _ in range(rows):
            size = size - LIMIT // 10 + 1 if size >= LIMIT else size + 1
        printed += rows
        assert at is not None
        at = at.seen(size, LIMIT)
        assert at is not None and at.live == printed
