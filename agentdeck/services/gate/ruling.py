"""What the gate's findings make of an attempt, and what its agent is told. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from agentdeck.adapters.verify_run import Ran
from agentdeck.models.gate import GateStep, StepState
from agentdeck.models.task import Outcome

TOLD_LINES, TOLD_BYTES = 60, 6_000  # of what the command printed, in the words to the agent


def ruling(steps: Sequence[GateStep], asked: bool) -> tuple[Outcome, str]:
    """The outcome of an attempt and its reason, one line; `asked`: its spec names a verify command.

    Without one nobody has said what done means: the findings are told, the human judges.
    """
    failed = [step.reason for step in steps if step.state == "failed"]
    flagged = [step.reason for step in steps if step.state == "flagged"]
    verified = any(step.step == "verify" and step.state == "passed" for step in steps)
    if not asked:
        return "ended", "; ".join([*failed, *flagged])
    if failed or not verified:
        return "failed", "; ".join(failed) or "it was not verified"
    return ("flagged", "; ".join(flagged)) if flagged else ("passed", "")


def judged(ran: Ran, seconds: float, output_mb: float) -> tuple[StepState, str]:
    """What the end of the verify command means."""
    match ran.trouble:
        case "time":
            return "failed", f"verify did not end within {seconds:g} s and was ended"
        case "output":
            return "failed", f"verify printed more than {output_mb:g} MB and was ended"
        case "left":
            names = ", ".join(sorted(set(ran.left)))
            return "failed", f"verify left processes running, which were ended: {names}"
        case "start":
            return "failed", f"verify could not be started: {ran.tail.strip()}"
        case "stopped":
            return "failed", "verify was stopped"
    if ran.exit_code == 0:
        return "passed", f"verify passed in {ran.seconds:.1f} s"
    if ran.exit_code is not None and ran.exit_code < 0:
        return "failed", f"verify was ended by signal {-ran.exit_code}"
    return "failed", f"verify failed with exit code {ran.exit_code}"


def told(title: str, steps: Sequence[GateStep]) -> str:
    """What an agent hears whose work did not pass: exactly what failed, and nothing it could mistake for new work."""
    lines = [f"“{title}” is not done yet. The check found:"]
    lines += [f"- {step.reason}" for step in steps if step.state == "failed"]
    verify = next((step for step in steps if step.step == "verify" and step.state == "failed"), None)
    if verify is not None:
        lines += ["", f"$ {verify.command}", *_end(verify.output)]
    return "\n".join([*lines, "", "Mend that on this branch, commit, and end your turn when it holds."])


def _end(output: str) -> list[str]:
    """The last lines, safe to paste: an escape sequence could end the paste and press keys."""
    clean = "".join(mark for mark in output[-TOLD_BYTES:] if mark in "\n\t" or mark.isprintable())
    return clean.strip("\n").split("\n")[-TOLD_LINES:]
