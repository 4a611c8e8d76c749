"""A Markdown file of work, and the command that will verify it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spec:
    """A parsed spec. `version` is the SHA-256 of the whole file; `body` is what is delivered, never the path.

    `text` is that whole file, as it is kept beside the queue.
    """

    version: str
    title: str
    body: str
    path: str = ""
    base: str = ""
    harness: str = ""
    model: str = ""
    agent: str = ""
    verify: str = ""
    text: str = ""
