"""From what clients tell of sessions elsewhere to the rows of them: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from agentdeck.harnesses.schema import Harness
from agentdeck.models.foreign import Foreign, Sighting
from agentdeck.models.status import Evidence
from agentdeck.services.foreign.foreign import Key
from agentdeck.services.status import evidence as ev

KEEP_MS = 24 * 3_600_000  # so long an ended session is still offered


def judged(harness: Harness, sighting: Sighting, now: int) -> Evidence | None:
    """What the client's own files say of a session; None when they hold a word that the harness file does not know."""
    if sighting.told:
        return ev.from_status_file(harness, sighting.told, now)
    if not sighting.states:
        return None
    return Evidence("transcript", sighting.states, sighting.changed or sighting.started or now, now, sighting.why)


def seen(harness: Harness, config_home: str, sighting: Sighting, pid_start: float, now: int) -> Foreign:
    """The row of a session that a living process has."""
    found = judged(harness, sighting, now)
    made = Foreign(
        harness.name, sighting.session, config_home, sighting.cwd, sighting.pid, pid_start, sighting.name,
        sighting.transcript, sighting.started or int(pid_start * 1000), why="its client tells nothing that is known",
    )  # fmt: skip
    if found is None:
        return replace(made, since=now)
    return replace(
        made, state=found.states[0], reason=found.reason, source=found.source, since=found.changed, why=found.why
    )


def over(row: Foreign, now: int) -> Foreign:
    """The row of a session whose process has ended."""
    return replace(
        row, pid=0, state="exited", reason="", source="process", since=now, why="its process ended", ended=now
    )


def merged(
    known: Mapping[Key, Foreign], found: Iterable[Foreign], blind: frozenset[str], now: int
) -> dict[Key, Foreign]:
    """All rows as they are after a look: what is open, what has ended since, less what ended long ago.

    `blind` are the harnesses whose sessions could not be looked at: nothing is said of them.
    """
    after = {key: row for key, row in known.items() if not row.ended or now - row.ended < KEEP_MS}
    fresh = {(row.harness, row.session): row for row in found}
    for key, row in after.items():
        if key not in fresh and not row.ended and row.harness not in blind:
            after[key] = over(row, now)
    for key, row in fresh.items():
        before = known.get(key)
        goes_on = before is not None and not before.ended and (before.state, before.reason) == (row.state, row.reason)
        after[key] = replace(row, since=before.since) if before is not None and goes_on else row
    return after
