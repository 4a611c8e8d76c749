"""What git's own complaints mean for a person, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterable

from agentdeck.adapters import git_locks
from agentdeck.errors import AgentDeckError, TryAgain, UsageError


class GitError(AgentDeckError):
    """git said no; `stderr` is what it said."""

    def __init__(self, title: str, hint: str, stderr: str) -> None:
        super().__init__(title, hint)
        self.stderr = stderr


def explain(directory: str, args: Iterable[str], stderr: str) -> AgentDeckError:
    """What a failed command means for a person."""
    lock = git_locks.refused_by(stderr)
    if lock:
        return TryAgain(
            f"another git command holds {lock}", "Wait until it ends; when none runs, remove that file by hand."
        )
    if "dubious ownership" in stderr:
        return AgentDeckError(
            f"git does not trust {directory}: it belongs to another user",
            f"If it is yours to use: git config --global --add safe.directory {directory}",
        )
    if "not a git repository" in stderr or "must be run in a work tree" in stderr:
        return UsageError(
            f"{directory} is not in a git repository", "Go to one, name one with --repo, or run: git init"
        )
    if "cannot change to" in stderr:
        return AgentDeckError(f"{directory} is not there or cannot be entered", "Check the path.")
    if "No space left on device" in stderr:
        return AgentDeckError(
            f"the disk is full: git could not write in {directory}", "Free some space, then try again."
        )
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("hint:")]
    said = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1] if lines else "no message")
    command = next(iter(args), "")
    return GitError(f"git {command} failed in {directory}: {said}", "\n".join(lines), stderr)
