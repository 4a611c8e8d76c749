"""What the days of several clients share: the scripted model in their dialects, and a settled HOME."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real import client, others
from tests.real.dialects import Dialects


class Scripted(Dialects):
    """The scripted model, with the times of its answers to what a human asked, and of what was asked once more."""

    @property
    def ended(self) -> list[float]:
        log = [one for one in list(self.log) if one[2]]
        before = ["", *(what for _, what, _ in log)]
        return [
            at
            for (at, what, _), last in zip(log, before[:-1], strict=True)
            if what != "asked" or last in ("failed", "cut")
        ]


@contextmanager
def model() -> Iterator[Scripted]:
    with Scripted() as running:
        yield running


def settled(name: str, home: Path, url: str, repo: Path) -> dict[str, str]:
    """A HOME in which the client asks nothing at its start; its whole environment."""
    binary, reason = client.install(name)
    if binary is None:
        raise SystemExit(reason)
    others.seed(name, home, url, repo)
    return others.environment(name, binary, home, url)
