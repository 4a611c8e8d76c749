"""The pure function over all evidence of one agent: what it is doing, who says so, since when and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from agentdeck.models.status import TRUST, Evidence, Reason, State, Status

FRESH_MS = 10_000  # with no source confirmed for this long, nothing is known
SETTLE_MS = 400  # idle is believed once nothing has changed for this long: clients repaint in steps
BEHIND_MS = 1_200  # and this long after work in the background: its end is told to the model, which has a word on it
AFTER_LIMIT_MS = 3_000  # and this long after a limit: a client that goes on by itself rests for half a second before
CONFLICT_MS = 1_500  # sources may disagree for this long while a change travels through all of them
# A client may go on by itself once its limit has reset, and shows that time without seconds: up to a minute later,
# and what it takes to begin. Only then is it taken for idle.
RESET_GRACE_MS = 90_000
MINUTE_MS = 60_000
EXACT_GRACE_MS = 3_000  # where it shows the seconds too
PAINTED = frozenset({"title", "screen"})
POLLED = frozenset({"tmux", "vendor", "title", "screen", "process", "silence"})


@dataclass(frozen=True, slots=True)
class Weighed:
    """Every piece of evidence in one of six places; `agreeing` begins with the newest, which leads.

    `possible` are the states that all agreeing ones allow, the likeliest first. `rival` is a more trusted source that
    an agreeing one contradicts, `overruled` are older ones.
    """

    dead: Evidence | None = None
    agreeing: tuple[Evidence, ...] = ()
    overruled: tuple[Evidence, ...] = ()
    rival: Evidence | None = None
    silent: tuple[Evidence, ...] = ()
    stale: tuple[Evidence, ...] = ()
    possible: tuple[State, ...] = ()


def _outlived(found: list[Evidence], now: int) -> list[Evidence]:
    """While tmux sees the process alive nobody else can say that it has ended: a session may, its client goes on."""
    lives = any(e.source == "tmux" and "exited" not in e.states and now - e.at < FRESH_MS for e in found)
    if not lives:
        return found
    return [
        replace(e, states=tuple(state for state in e.states if state != "exited")) if "exited" in e.states else e
        for e in found
    ]


def over_at(until: int) -> int:
    """When a client that has not gone on by itself will not do so any more; both in UTC ms."""
    return until + (EXACT_GRACE_MS if until % MINUTE_MS else RESET_GRACE_MS)


def _reset(found: list[Evidence], now: int) -> list[Evidence]:
    """What shows a limit goes on showing it when it is over: from then on it is the sign of an agent at rest."""
    if not any(e.until and "limited" in e.states and now >= over_at(e.until) for e in found):
        return found
    return [
        replace(e, states=tuple(dict.fromkeys("idle" if state == "limited" else state for state in e.states)))
        for e in found
    ]


def weigh(evidence: Iterable[Evidence], now: int) -> Weighed:
    """Put the evidence in its places. Polled sources count while fresh; an event (a hook) holds until a newer one."""
    found = _reset(_outlived(list(evidence), now), now)
    dead = next((e for e in found if e.source == "tmux" and "exited" in e.states), None)
    stale = tuple(e for e in found if e.source in POLLED and now - e.at >= FRESH_MS and e is not dead)
    silent = tuple(e for e in found if not e.states and e not in stale)
    speaking = [e for e in found if e.states and e not in stale and e is not dead]
    speaking.sort(key=lambda e: (-e.changed, -TRUST.get(e.source, 0)))
    goes_on = any(e.background for e in speaking)
    agreeing: list[Evidence] = []
    overruled: list[Evidence] = []
    possible: tuple[State, ...] = ()
    for at, e in enumerate(speaking):
        allowed = _allowed(e, goes_on)
        both = tuple(state for state in possible if state in allowed) if agreeing else allowed
        if both:
            possible = both
            agreeing.append(e)
        elif max(TRUST.get(a.source, 0) for a in agreeing) < TRUST.get(e.source, 0):
            older = (*overruled, *speaking[at + 1 :])
            return Weighed(dead, tuple(agreeing), older, e, silent, stale, possible)
        else:
            overruled.append(e)
    return Weighed(dead, tuple(agreeing), tuple(overruled), None, silent, stale, possible)


def _allowed(e: Evidence, goes_on: bool) -> tuple[State, ...]:
    """What a source allows: a client that hangs leaves every sign of work standing, one that works behind has none."""
    if goes_on and e.source == "screen" and "idle" in e.states and "working" not in e.states:
        return (*e.states, "working", "hung")
    return (*e.states, "hung") if "working" in e.states and "hung" not in e.states else e.states


def verdict(evidence: Iterable[Evidence], now: int, previous: Status | None = None, grace_until: int = 0) -> Status:
    """Judge an agent at `now` (UTC milliseconds).

    `previous` gives continuity (since, what was last known); before `grace_until` an agent of
    which nothing has been known yet is `starting`.
    """
    before, found = previous or Status(), list(evidence)
    young = now < grace_until and not _spoken(before)
    weighed = weigh(found, now)
    if weighed.dead is not None:
        return _status("exited", weighed.dead, [weighed.dead], before, now)
    heard = any(e.source in POLLED and e not in weighed.stale for e in found)
    if not heard and not young:
        return _unknown("no signal", before, now)
    if not weighed.agreeing:
        return _speechless(weighed, before, now, grace_until)
    leader, agreeing = weighed.agreeing[0], list(weighed.agreeing)
    if weighed.rival is not None:
        return _conflict(leader, weighed.rival, before, now)
    state = weighed.possible[0]
    held = state == "idle" and before.state not in ("idle", "unknown", "starting", "exited")
    if held and now - leader.changed < _settling(weighed, before.state):
        return replace(before, checked=now)
    return _status(state, leader, agreeing, before, now)


def _settling(weighed: Weighed, before: State) -> int:
    """How long idle must have stood until it is believed: an event is waited with until the client's file agrees.

    A turn that ends with a prompt in the queue fires its hook, and the file stays busy.
    """
    leader = weighed.agreeing[0]
    if before == "limited":
        return AFTER_LIMIT_MS
    against = [e for e in weighed.overruled if e.source in POLLED and TRUST[e.source] >= TRUST[leader.source]]
    if leader.source not in POLLED and against:
        return CONFLICT_MS
    return BEHIND_MS if any(e.background for e in weighed.overruled) else SETTLE_MS


def spent(evidence: Iterable[Evidence], now: int) -> list[Evidence]:
    """Events that a source as trusted has contradicted for long enough: they are over, whatever goes silent later."""
    weighed = weigh(evidence, now)
    sure = [a for a in weighed.agreeing if a.source in POLLED and now - a.changed >= CONFLICT_MS]
    return [
        e
        for e in weighed.overruled
        if e.source not in POLLED and any(a.changed > e.changed and TRUST[a.source] >= TRUST[e.source] for a in sure)
    ]


def explain(evidence: Iterable[Evidence], now: int) -> list[tuple[Evidence, str]]:
    """Every piece of evidence with the part it plays in the verdict at `now`, the decisive ones first."""
    weighed = weigh(evidence, now)
    found = [(weighed.dead, "decides")] if weighed.dead is not None else []
    lead = "overruled" if weighed.dead is not None else "decides"
    found += [(e, lead if at == 0 else "agrees") for at, e in enumerate(weighed.agreeing)]
    if weighed.rival is not None:
        found.append((weighed.rival, "contradicts, and is trusted more"))
    found += [(e, "overruled by newer") for e in weighed.overruled]
    found += [(e, "too old") for e in weighed.stale]
    return found + [(e, "says nothing") for e in weighed.silent if e is not weighed.dead]


def _speechless(weighed: Weighed, before: Status, now: int, grace_until: int) -> Status:
    """No source says anything: what was known holds while a client repaints; one that never spoke is starting."""
    if _spoken(before) and before.state != "unknown":
        hushed = max((e.changed for e in weighed.silent if e.source in PAINTED), default=0)
        if now - hushed < CONFLICT_MS:
            return replace(before, checked=now)
    if _spoken(before) or now >= grace_until:
        return _unknown("no source says what it does", before, now)
    since = before.since if before.state == "starting" else now
    return Status("starting", "tmux", since, "the client has not spoken yet", checked=now)


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
    # who names the tool knows most, then who shows the words: a client's own file may call a question a permission
    asking.sort(key=lambda e: (bool(e.ask and e.ask.tool), e.source == "screen", e.changed), reverse=True)
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
    since = before.since if before.state == "unknown" and before.since else now
    return Status("unknown", "", since, why, checked=now, last_known=_last_known(before))


def _last_known(before: Status) -> State | None:
    return before.last_known if before.state == "unknown" else before.state


def _spoken(before: Status) -> bool:
    """Whether something was known of this life of the agent already: then it does not start any more."""
    return _last_known(before) not in (None, "unknown", "starting", "exited")
