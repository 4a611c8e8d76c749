"""Times as the database stores them and as people and scripts read them."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """The current time in UTC milliseconds."""
    return time.time_ns() // 1_000_000


def iso(ms: int) -> str:
    """ISO 8601 UTC with milliseconds; '' for 0."""
    if not ms:
        return ""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def midnight(now: int) -> int:
    """When this machine's day began, in UTC milliseconds."""
    local = datetime.fromtimestamp(now / 1000).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(local.timestamp() * 1000)


def age(ms: int) -> str:
    """A duration for one glance: 8s, 4m, 2h05, 3d."""
    seconds = max(0, ms // 1000)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m"
    if seconds < 86400:
        return f"{seconds // 3600}h{seconds % 3600 // 60:02d}"
    return f"{seconds // 86400}d"
