"""A Markdown file of work, and the command that will verify it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """What one task may use, over all its attempts; 0 is no limit."""

    usd: float = 0.0
    tokens: int = 0
    minutes: float = 0.0
    turns: int = 0


@dataclass(frozen=True, slots=True)
class Spec:
    """A parsed spec. `version` is the SHA-256 of the whole file; `body` is what is delivered, never the path.

    `text` is that whole file, as it is kept beside the queue. `depends_on` are task numbers and
    spec files; `protect` are patterns of paths, None when the verify command decides;
    `verify_timeout` is in seconds, and like `max_attempts` 0 when the user's config decides.
    """

    version: str
    title: str
    body: str
    path: str = ""
    base: str = ""
    harness: str = ""
    model: str = ""
    niche: str = ""
    team: str = ""
    agent: str = ""
    priority: int = 0
    depends_on: tuple[str, ...] = ()
    verify: str = ""
    verify_timeout: float = 0.0
    protect: tuple[str, ...] | None = None
    max_attempts: int = 0
    budget: Budget = Budget()
    keep_going: bool = False
    auto_accept: bool = False
    labels: tuple[str, ...] = ()
    text: str = ""
