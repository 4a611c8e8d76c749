"""The way that each text has gone: every step and every wait, with its time and what shows it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from agentdeck.models.clock import iso
from agentdeck.models.delivery import Delivery
from agentdeck.services import rows
from agentdeck.services.delivery import deliveries

LAST = 5
BEGINNING = 60  # characters of a text that tell which it is


@dataclass(frozen=True, slots=True)
class Step:
    """`at` in UTC ms; `why` is a reason, or the evidence of it; `waits`: it is the same state as before, and why."""

    at: int
    state: str
    why: str = ""
    waits: bool = False


def last(conn: sqlite3.Connection, agent: str, count: int = LAST) -> list[tuple[Delivery, list[Step]]]:
    """The newest texts for an agent, oldest first, and the way of each."""
    query = "SELECT * FROM deliveries WHERE agent = ? ORDER BY created DESC, rowid DESC LIMIT ?"
    found = [rows.delivery(row) for row in conn.execute(query, (agent, count))]
    return [(one, steps(conn, one)) for one in reversed(found)]


def steps(conn: sqlite3.Connection, delivery: Delivery) -> list[Step]:
    """What is on record of it; from the times of its row alone where its events are there no more."""
    query = (
        "SELECT ts, data FROM events WHERE agent = ? AND kind = 'delivery' AND ts >= ? "
        "AND json_extract(data, '$.id') = ? ORDER BY id"
    )
    found: list[Step] = []
    for row in conn.execute(query, (delivery.agent, delivery.created - 1, delivery.id)):
        data = json.loads(row["data"])
        state, why = str(data["state"]), str(data.get("evidence") or data.get("reason") or data.get("note") or "")
        found.append(Step(row["ts"], state, why, bool(found) and found[-1].state == state))
    return found or _of_row(delivery)


def _of_row(delivery: Delivery) -> list[Step]:
    times = [("queued", delivery.created), ("pasted", delivery.pasted), ("submitted", delivery.submitted)]
    found = [Step(at, state) for state, at in times if at]
    if delivery.settled:
        found.append(Step(delivery.settled, delivery.state, delivery.evidence or delivery.reason))
    return found


def as_json(delivery: Delivery, way: list[Step], name: str) -> dict[str, object]:
    """As `outbox --json` prints it, with its steps."""
    told = [{"at": iso(step.at), "state": step.state, "why": step.why, "waits": step.waits} for step in way]
    return {**deliveries.receipt(delivery, name), "text": delivery.text, "steps": told}


def lines(delivery: Delivery, way: list[Step]) -> list[str]:
    """For a person: what it says, then a line for each step. A step that waits names no state again."""
    text = " ".join(delivery.text.split())
    begins = f"{text[: BEGINNING - 1]}…" if len(text) > BEGINNING else text
    kind = delivery.kind if delivery.kind != "message" else delivery.mode
    return [
        f"{delivery.id}  {kind:9}  {begins}",
        *(f"  {iso(step.at)}  {'' if step.waits else step.state:12}  {step.why}".rstrip() for step in way),
    ]
