"""Named steps of tasks and texts, at which a test may have the work stand still.

The test then kills whoever does it, or whom it is done with, and sees what is left. Nothing stands still unless the
environment names the test's folder, and that folder the step. Several tasks may stand, each at a step of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path

FOLDER = "DECK_FAILPOINTS"  # where a test asks by an empty file, STEP or STEP.TASK; set by nothing of ours
HERE = ".here"  # what is appended to that file's name as long as somebody stands there
LOOK_SECONDS = 0.02

# In the engine, in their order: a task until its text is handed over, and once its agent is at rest.
TASK_STEPS = (
    "leased", "branched", "prepared", "handed",
    "gate-branch", "gate-branch-found", "gate-changed", "gate-changed-found", "gate-base", "gate-base-found",
    "gate-protected", "gate-protected-found", "gate-merge", "gate-merge-found",
    "gate-verify", "gate-verify-begun", "gate-verify-found", "judged", "ruled",
)  # fmt: skip
DELIVERY_STEPS = ("claimed", "pasted", "submitting", "entered", "taken")
ROUND_STEPS = ("rested", "verifying")  # in the engine's own beat, which then stands still with them
REQUEST_STEPS = ("asked",)  # in the engine, before the task is there
HUMAN_STEPS = ("queued", "accepted", "landing", "moved")  # in the process of a command or a dashboard


async def reach(step: str, task: int = 0) -> None:
    """Wait here as long as a test wants it: for this task, or for whichever comes first."""
    stands = _taken(step, task)
    while stands is not None and stands.exists():  # noqa: ASYNC110 - another process tells
        await asyncio.sleep(LOOK_SECONDS)


def reach_blocking(step: str, task: int = 0) -> None:
    """The same, in a thread."""
    stands = _taken(step, task)
    while stands is not None and stands.exists():
        time.sleep(LOOK_SECONDS)


def _taken(step: str, task: int) -> Path | None:
    """The file that says that somebody stands here, when a test asked for that."""
    folder = os.environ.get(FOLDER)
    for name in (f"{step}.{task}", step) if folder else ():
        asked = Path(str(folder), name)
        with contextlib.suppress(FileNotFoundError):
            return asked.rename(asked.with_name(f"{name}{HERE}"))
    return None
