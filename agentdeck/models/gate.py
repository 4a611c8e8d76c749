"""What the gate looks at before it believes that a task is done, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Step = Literal["branch", "changed", "base", "protected", "merge", "verify"]
STEPS: tuple[Step, ...] = get_args(Step)
StepState = Literal["running", "passed", "flagged", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class GateStep:
    """One step of one attempt. Times are UTC milliseconds, `ended` 0 while it runs.

    `reason` is one line for a human; `output` is the end of what the command printed, `exit_code` None without one.
    """

    step: Step
    state: StepState = "running"
    reason: str = ""
    command: str = ""
    exit_code: int | None = None
    output: str = ""
    started: int = 0
    ended: int = 0
