"""The comparison behind benchmarks/status.md: what counts as wrong, and from when on."""

from __future__ import annotations

import pytest

from benchmarks.status_truth import Mark, compare

MARKS = [
    Mark(100.0, "idle", "start", 100.0),
    Mark(110.0, "working", "prompt", 110.2),
    Mark(120.0, "needs_input", "box", 120.3),
    Mark(130.0, "idle", "Esc", 130.1),
]
RIGHT = [(99.0, "idle"), (110.3, "working"), (120.5, "needs_input"), (130.7, "idle")]


def test_a_status_that_follows_in_time_is_right() -> None:
    found = compare(MARKS, RIGHT, 140.0)
    assert (found.known, found.wrong, found.unknown, found.lies) == (40.0, 0.0, 0.0, [])
    assert found.late["prompt"] == [pytest.approx(0.1)]
    assert found.lag == pytest.approx(0.1 + 0.2 + 0.6)


@pytest.mark.parametrize(
    ("statuses", "wrong", "false_idle", "blind"),
    [
        ([*RIGHT[:2], (115.0, "idle"), (116.0, "working"), *RIGHT[2:]], 1.0, 1, 0),  # idle in the midst of work
        ([*RIGHT[:3], (125.0, "working"), (127.0, "needs_input"), RIGHT[3]], 2.0, 0, 1),  # works at a box
        ([*RIGHT[:2], (124.3, "needs_input"), RIGHT[3]], 3.0, 0, 1),  # followed too late
        ([*RIGHT[:3], (135.1, "idle")], 3.0, 0, 0),  # waiting for long after Esc
        ([RIGHT[0], (110.3, "starting"), (110.8, "working"), *RIGHT[2:]], 0.5, 0, 0),  # never true: wrong at once
    ],
)
def test_what_is_wrong(statuses: list[tuple[float, str]], wrong: float, false_idle: int, blind: int) -> None:
    found = compare(MARKS, statuses, 140.0)
    assert found.wrong == pytest.approx(wrong)
    assert (len(found.false_idle), len(found.blind)) == (false_idle, blind)


def test_not_knowing_is_counted_apart_and_nobody_can_say_counts_for_nothing() -> None:
    statuses = [*RIGHT[:2], (112.0, "unknown"), (113.0, "working"), *RIGHT[2:]]
    found = compare([*MARKS, Mark(140.0, "", "resume", 140.0)], [*statuses, (141.0, "working")], 150.0)
    assert (found.known, found.wrong, found.unknown) == (40.0, 0.0, pytest.approx(1.0))


def test_what_was_said_already_may_stand_until_the_limit_when_a_truth_between_was_over_at_once() -> None:
    marks = [
        Mark(0, "idle", "start", 0),
        Mark(10, "working", "prompt", 10),
        Mark(10.04, "retrying", "retry loop", 10.04),
    ]
    assert compare(marks, [(0, "idle"), (10.05, "retrying")], 20).false_idle == []
    late = compare(marks, [(0, "idle"), (12.5, "retrying")], 20)
    assert len(late.false_idle) == 1
    again = compare(marks, [(0, "idle"), (10.05, "retrying"), (11, "idle"), (11.2, "retrying")], 20)
    assert len(again.false_idle) == 1


def test_who_knew_it_before_the_screen_was_looked_at_was_not_late() -> None:
    marks = [Mark(0, "idle", "start", 0), Mark(10, "working", "prompt", 10)]
    assert compare(marks, [(0, "idle"), (9.9, "working")], 20).late["prompt"] == [0.0]
    assert "prompt" not in compare(marks, [(0, "working")], 20).late
