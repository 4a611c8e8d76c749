"""Days of the real Gemini CLI and opencode in a real deck: what the deck said against what is known to be true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import status
from tests.real import client
from tests.real.deck import Deck

pytestmark = [pytest.mark.allclients, pytest.mark.timeout(500)]


@pytest.mark.parametrize(
    ("name", "lives"), [("gemini", ("turns", "trouble", "dialogs")), ("opencode", ("turns", "trouble"))]
)
def test_no_status_is_a_false_one(
    name: str, lives: tuple[str, ...], own_machine: Path, record_property: Callable[[str, object], None]
) -> None:
    if client.install(name)[0] is None:
        pytest.skip(client.install(name)[1])
    day = status.load(name)
    try:
        figures = status.play(day, own_machine, [life for life in day.lives if life.name in lives])
    finally:
        Deck(own_machine / "repo", status_environ(own_machine)).start("halt", "--yes")
    record_property("lies", f"{name}: {figures.share:.1%} of {figures.known:.0f} s; {figures.lies}")
    assert not figures.false_idle and not figures.blind


def status_environ(root: Path) -> dict[str, str]:
    """For the end of the deck in which the lives were led."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(root), "DECK_HOME": str(root / "deck")}
