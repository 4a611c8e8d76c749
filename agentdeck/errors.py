"""Every failure a person can meet carries what went wrong and what to do next."""

from __future__ import annotations


class AgentDeckError(Exception):
    """A failure with a next step.

    `title` says what is wrong and where, `hint` what to do about it. `exit_code`
    follows the command line's promise: 1 failed, 2 usage or config, 3 try again.
    """

    def __init__(self, title: str, hint: str = "", exit_code: int = 1) -> None:
        super().__init__(title)
        self.title = title
        self.hint = hint
        self.exit_code = exit_code


class UsageError(AgentDeckError):
    """The request itself is wrong: a bad name, an unknown harness, a malformed file."""

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__(title, hint, exit_code=2)


class TryAgain(AgentDeckError):
    """Nothing is wrong that waiting would not mend: a busy agent, a stopped engine."""

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__(title, hint, exit_code=3)
