"""When a usage limit resets, read from a client's own words. Nothing is invented: what cannot be read is 0."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WHEN = re.compile(
    r"(?:(?P<month>[A-Z][a-z]{2})[a-z]*\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?(?:, (?P<year>\d{4}))?,? (?:at )?)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d)(?::(?P<second>\d\d))?)? ?(?P<half>[ap]m)?"
    r"(?: \((?P<zone>[A-Za-z_/+-]+)\))?",
    re.IGNORECASE,
)
_SPAN = re.compile(
    r"\bin (?=\d)(?:(?P<days>\d+) ?d\w* ?)?(?:(?P<hours>\d+) ?h\w* ?)?(?:(?P<minutes>\d+) ?m\w* ?)?"
    r"(?:(?P<seconds>\d+) ?s\w*)?",
    re.IGNORECASE,
)
MINUTE_MS = 60_000


def reset_time(text: str, now: int) -> int:
    """UTC milliseconds of `8:50pm (UTC)`, `Nov 26, 3pm (Europe/Berlin)`, `20:50` or `in 3 hours 5 minutes`; 0 for else.

    Without a zone it is this machine's. A time of day without a date is the next one after `now` (UTC ms). What is told
    without seconds is a whole minute.
    """
    span = _SPAN.search(text)
    if span and any(span.groups()):
        days, hours, minutes, seconds = (int(span[name] or 0) for name in ("days", "hours", "minutes", "seconds"))
        then = now + ((days * 24 + hours) * 60 + minutes) * MINUTE_MS + seconds * 1000
        return then if span["seconds"] else -(-then // MINUTE_MS) * MINUTE_MS
    found = next((m for m in _WHEN.finditer(text) if m["minute"] or m["half"]), None)
    if found is None:
        return 0
    zone = _zone(found["zone"])
    hour, minute, second = int(found["hour"]), int(found["minute"] or 0), int(found["second"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            return 0
        hour = hour % 12 + (12 if found["half"].lower() == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return 0
    return _moment(found, (hour, minute, second), datetime.fromtimestamp(now / 1000, UTC), zone)


def _zone(name: str | None) -> tzinfo | None:
    """The zone of that name; None, this machine's own, for none and for one nobody knows."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _moment(found: re.Match[str], clock: tuple[int, int, int], now: datetime, zone: tzinfo | None) -> int:
    here = now.astimezone(zone)
    wanted = here.replace(hour=clock[0], minute=clock[1], second=clock[2], microsecond=0)
    month = (found["month"] or "").lower()
    if month in _MONTHS:
        try:
            wanted = wanted.replace(
                year=int(found["year"] or here.year), month=_MONTHS.index(month) + 1, day=int(found["day"])
            )
        except ValueError:
            return 0
        if not found["year"] and wanted < here - timedelta(days=1):
            wanted = wanted.replace(year=wanted.year + 1)
    elif wanted < here - timedelta(minutes=1):
        wanted += timedelta(days=1)
    return int(wanted.timestamp() * 1000)
