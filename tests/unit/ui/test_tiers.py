from __future__ import annotations

import pytest

from agentdeck.config import Grid
from agentdeck.ui.tiers import FAR, Tier, in_turn, next_slot, periods, tier


@pytest.mark.parametrize(
    ("in_focus", "together", "listed", "expected"),
    [
        (True, 1, False, "focused"),
        (True, FAR, False, "focused"),
        (True, 64, False, "focused"),
        (False, 2, False, "visible"),
        (False, FAR, False, "visible"),
        (False, FAR + 1, False, "overview"),
        (False, 64, False, "overview"),
        (False, 3, True, "overview"),
        (True, 98, True, "visible"),
    ],
)
def test_tiers(in_focus: bool, together: int, listed: bool, expected: Tier) -> None:
    assert tier(in_focus, together, listed) == expected


def test_rates_are_those_of_the_config() -> None:
    assert periods(Grid(20, 5, 1)) == {"focused": 0.05, "visible": 0.2, "overview": 1.0}


def test_a_rate_that_is_no_multiple_of_the_tick_is_kept_on_the_whole() -> None:
    slot, taken = 0.0, 0
    for tick in range(1, 1001):
        now = tick / 10
        if now + 1e-9 >= slot + 1 / 8:
            slot, taken = next_slot(slot, 1 / 8, now), taken + 1
    assert taken / 100 == pytest.approx(8, rel=0.1)


def test_a_look_between_puts_off_none_for_longer_than_a_period() -> None:
    assert next_slot(10.0, 0.5, 10.1) == 10.1
    assert next_slot(-1e9, 0.5, 100.0) == 99.75


def test_those_who_waited_longest_come_first_and_no_more_than_their_rates_ask_for() -> None:
    due = [(3.0, "c"), (1.0, "a"), (2.0, "b"), (4.0, "d")]
    assert in_turn(due, [0.5] * 4, 0.1) == ["a"]
    assert in_turn(due, [0.5] * 12, 0.1) == ["a", "b", "c"]
    assert in_turn(due, [0.1, 0.1, 1 / 30, 0.1], 0.1) == ["a", "b", "c", "d"]
    assert in_turn([], [], 0.1) == []
