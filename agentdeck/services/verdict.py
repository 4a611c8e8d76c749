"""The pure function over all evidence of one agent: what it is doing, who says so, since when and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agentdeck.models.status import TRUST, Evidence, Reason, State, Status

FRESH_MS = 10_000  # with no source confirmed for this long, nothing is known
SETTLE_MS = 400  # idle is believed once nothing has changed for this long: clients repaint in steps
CONFLICT_MS = 1_500  # sources may disagree for this long while a change travels through all of them
POLLED = frozenset({"tmux", "vendor", "title", "screen", "process", "silence"})


def verdict(evidence: Iterable[Evidence], now: int, previous: Status | None = None, grace_until: int = 0) -> Status:
    """Judge an agent at `now` (UTC milliseconds).

    `previous` gives continuity (since, what was last known); before `grace_until` an agent of
    which nothing is known is `starting`. Polled sources count while they are fresh; an event (a
    hook, a transcript row) holds until something newer speaks.
    """
    before = previous or Status()
    found = list(evidence)
    dead = next((e for e in found if e.source == "tmux" and "exited" in e.states), None)
    if dead is not None:
        return _status("exited", dead, [dead], before, now)
    fresh = [e for e in found if e.source not in POLLED or now - e.at < FRESH_MS]
    if not any(e.source in POLLED for e in fresh) and now >= grace_until:
        return _unknown("no signal", before, now)
    speaking = sorted((e for e in fresh if e.states), key=lambda e: (-e.changed, -TRUST.get(e.source, 0)))
    if not speaking:
        if now < grace_until:
            return Status(
                "starting",
                "tmux",
                before.since if before.state == "starting" else now,
                "the client has not spoken yet",
                checked=now,
            )
        return _unknown("no source says what it does", before, now)
    return _narrow(speaking, before, now)


def _narrow(speaking: list[Evidence], before: Status, now: int) -> Status:
    leader, agreeing, possible = speaking[0], [speaking[0]], list(speaking[0].states)
    for other in speaking[1:]:
        both = [state for state in possible if state in other.states]
        if both:
            possible = both
            agreeing.append(other)
        elif max(TRUST.get(e.source, 0) for e in agreeing) < TRUST.get(other.source, 0):
            return _conflict(leader, other, before, now)
    state = possible[0]
    held = state == "idle" and before.state not in ("idle", "unknown", "starting", "exited")
    if held and now - leader.changed < SETTLE_MS:
        return replace(before, checked=now)
    return _status(state, leader, agreeing, before, now)


def _conflict(newer: Evidence, trusted: Evidence, before: Status, now: int) -> Status:
    """A less trusted source says something newer: wait for the trusted one to follow, then admit not to know."""
    if now - newer.changed < CONFLICT_MS:
        if before.state not in ("unknown", "exited"):
            return replace(before, checked=now)
        return _status(trusted.states[0], trusted, [trusted], before, now)
    return _unknown(f"{newer.why}, but {trusted.why}", before, now)


def _status(state: State, leader: Evidence, agreeing: list[Evidence], before: Status, now: int) -> Status:
    best = max(agreeing, key=lambda e: TRUST.get(e.source, 0))
    names = [best, *(e for e in agreeing if e is not best)][:2]
    asking = [e for e in agreeing if e.ask is not None and state == "needs_input"]
    asking.sort(key=lambda e: (bool(e.ask and e.ask.tool), e.changed), reverse=True)
    ask = asking[0].ask if asking else None
    goes_on = before.state == state
    if state == "needs_input" and goes_on and (ask is None or (not ask.tool and before.ask and before.ask.tool)):
        ask = before.ask if _same_wait(agreeing, before) else ask
    reasons: list[Reason] = [e.reason for e in [*asking, *agreeing] if e.reason]
    reason: Reason = reasons[0] if reasons and state == "needs_input" else ""
    until = next((e.until for e in agreeing if e.until), 0)
    why = "; ".join(e.why for e in names)
    since = before.since if goes_on and before.since else leader.changed
    return Status(state, best.source, since, why, reason, ask, until, now)


def _same_wait(agreeing: list[Evidence], before: Status) -> bool:
    """Whether a polled source still shows the wait that `before` described, so its fuller words stand."""
    return all(e.changed <= before.checked for e in agreeing if e.source in ("vendor", "hook") and e.ask)


def _unknown(why: str, before: Status, now: int) -> Status:
    last = before.last_known if before.state == "unknown" else before.state
    since = before.since if before.state == "unknown" and before.since else now
    return Status("unknown", "", since, why, checked=now, last_known=last)
