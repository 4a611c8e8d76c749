"""When a limit resets, by the words of clients."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agentdeck.services.status.reset_time import reset_time

NOW = datetime(2026, 11, 25, 18, 30, tzinfo=UTC)


def ms(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("You've hit your 5-hour limit · resets 8:50pm (UTC)", ms(2026, 11, 25, 20, 50)),
        ("resets 8pm (UTC)", ms(2026, 11, 25, 20)),
        ("limit resets 6:10am (UTC)", ms(2026, 11, 26, 6, 10)),
        ("resets 6:30pm (UTC)", ms(2026, 11, 25, 18, 30)),
        ("resets 12:15am (UTC)", ms(2026, 11, 26, 0, 15)),
        ("weekly limit · resets Nov 28, 3pm (Europe/Berlin)", ms(2026, 11, 28, 14)),
        ("resets Jan 2 at 9:00am (UTC)", ms(2027, 1, 2, 9)),
        ("try again at Nov 30th, 2026 6:40 PM (UTC)", ms(2026, 11, 30, 18, 40)),
        ("Try again in 3 hours 5 minutes.", ms(2026, 11, 25, 21, 35)),
        ("try again in 1 day 2 hours", ms(2026, 11, 26, 20, 30)),
        ("try again in 45m", ms(2026, 11, 25, 19, 15)),
        ("try again in 1 minute 6 seconds", ms(2026, 11, 25, 18, 31, 6)),
        ("Please try again in 6s.", ms(2026, 11, 25, 18, 30, 6)),
        ("resets 18:30:07 (UTC)", ms(2026, 11, 25, 18, 30, 7)),
        ("resets 6:30:07pm (UTC)", ms(2026, 11, 25, 18, 30, 7)),
        ("resets 18:30:77 (UTC)", 0),
        ("Usage limit reached", 0),
        ("limit 5 of 10 reached", 0),
        ("resets 25:99 (UTC)", 0),
        ("resets 13pm (UTC)", 0),
        ("resets Feb 31, 3pm (UTC)", 0),
        ("", 0),
    ],
)
def test_what_clients_say(text: str, wanted: int) -> None:
    assert reset_time(text, int(NOW.timestamp() * 1000)) == wanted


def test_what_is_told_without_seconds_is_a_whole_minute() -> None:
    assert reset_time("try again in 45m", ms(2026, 11, 25, 18, 30, 20)) == ms(2026, 11, 25, 19, 16)


def test_without_a_zone_it_is_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert reset_time("resets 8:50pm", int(NOW.timestamp() * 1000)) == ms(2026, 11, 26, 1, 50)
    finally:
        monkeypatch.undo()
        time.tzset()
