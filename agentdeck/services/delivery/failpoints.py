"""Places where a test may have this process killed, to prove what a crash there leaves behind."""

from __future__ import annotations

import os
import signal


def reach(point: str) -> None:
    """End at once, as by the OOM killer, if `DECK_CRASH_AT` names this point."""
    if os.environ.get("DECK_CRASH_AT") == point:
        os.kill(os.getpid(), signal.SIGKILL)
