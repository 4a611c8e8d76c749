"""The pure judgement over evidence: tables of what real clients do, and what must hold for any evidence at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.models.status import STATES, Ask, Evidence, State, Status
from agentdeck.services.status.verdict import CONFLICT_MS, FRESH_MS, SETTLE_MS, explain, verdict

NOW = 1_000_000_000


def seen(source: str, *states: State, ago: int = 1000, at: int = 0, ask: Ask | None = None) -> Evidence:
    """`ago`: ms since the value changed; `at`: ms since it was last confirmed."""
    return Evidence(source, states, NOW - ago, NOW - at, f"{source} says {states}", ask=ask)


BUSY: tuple[State, ...] = ("working", "retrying")
REST: tuple[State, ...] = ("idle", "failed", "limited")

CASES: list[tuple[str, list[Evidence], State]] = [
    ("a busy client", [seen("vendor", *BUSY), seen("hook", *BUSY), seen("screen", "working")], "working"),
    (
        "a retry loop fires no hook",
        [seen("hook", *BUSY, ago=9000), seen("vendor", *BUSY), seen("screen", "retrying")],
        "retrying",
    ),
    ("Esc in a turn fires no hook", [seen("hook", *BUSY, ago=5000), seen("vendor", *REST)], "idle"),
    ("Esc on a box fires no hook", [seen("hook", "needs_input", ago=5000), seen("vendor", *REST)], "idle"),
    (
        "a failed turn without a hook",
        [seen("vendor", *REST, ago=900), seen("hook", *BUSY, ago=5000), seen("screen", "failed", ago=800)],
        "failed",
    ),
    (
        "a client that hangs leaves its signs of work standing",
        [
            seen("vendor", *BUSY, ago=60_000),
            seen("title", *BUSY, ago=40_000),
            seen("screen", "working", ago=30_000),
            seen("silence", "hung", ago=1000),
        ],
        "hung",
    ),
    ("and one that moves again works", [seen("vendor", *BUSY, ago=60_000), seen("silence", ago=10)], "working"),
    ("silence says nothing of a client at rest", [seen("silence", ago=10), seen("vendor", *REST, ago=9000)], "idle"),
    (
        "a session that ended while its process lives is no end, though the status file is away for a moment",
        [seen("tmux", ago=9000), seen("hook", "exited", "starting", "idle", ago=600)],
        "starting",
    ),
    ("a limit", [seen("vendor", *REST, ago=900), seen("screen", "limited", ago=800)], "limited"),
    ("a question", [seen("hook", "needs_input", ago=700), seen("vendor", "needs_input", ago=600)], "needs_input"),
    (
        "a hook ahead of the status file",
        [seen("hook", "needs_input", ago=20), seen("vendor", *BUSY, ago=4000)],
        "needs_input",
    ),
    ("a start-up dialog has no status file", [seen("screen", "needs_input"), seen("title")], "needs_input"),
    ("a dead pane", [seen("tmux", "exited", ago=10), seen("vendor", *BUSY, ago=5)], "exited"),
    ("a title that says nothing", [seen("title"), seen("vendor", *REST)], "idle"),
]


@pytest.mark.parametrize(("what", "evidence", "state"), CASES, ids=[case[0] for case in CASES])
def test_known_situations(what: str, evidence: list[Evidence], state: State) -> None:
    assert verdict(evidence, NOW, Status("unknown")).state == state


def test_the_reason_and_the_ask_come_from_whoever_knows_most() -> None:
    full = Ask("Bash: ls", tool="Bash", detail="command: ls")
    found = verdict(
        [
            seen("screen", "needs_input", ask=Ask("Do you want to proceed?")),
            seen("hook", "needs_input", ask=full, ago=1100),
        ],
        NOW,
    )
    assert found.ask == full


def test_idle_is_believed_only_when_nothing_has_changed_for_a_moment() -> None:
    before = Status("working", since=NOW - 9000)
    assert (
        verdict([seen("hook", "idle", ago=SETTLE_MS - 50)], NOW, before).state == "unknown"
    )  # nothing polled: no signal
    fresh = [seen("hook", "idle", ago=SETTLE_MS - 50), seen("title")]
    assert verdict(fresh, NOW, before).state == "working"
    assert verdict([seen("hook", "idle", ago=SETTLE_MS + 50), seen("title")], NOW, before).state == "idle"


def test_rest_between_a_limit_and_a_client_that_goes_on_by_itself_is_not_taken_for_idle() -> None:
    """It shows an empty composer for half a second; nothing may be pasted then."""
    before = Status("limited", "screen", NOW - 60_000, "hit its limit", until=NOW - 1_000, checked=NOW)
    rest = [seen("vendor", *REST, ago=60_000), seen("screen", "idle", ago=600)]
    assert verdict(rest, NOW, before).state == "limited"
    assert verdict([*rest, seen("hook", *BUSY, ago=10)], NOW, before).state == "working"
    assert verdict([seen("vendor", *REST, ago=60_000), seen("screen", "idle", ago=3_100)], NOW, before).state == "idle"


def test_a_less_trusted_newer_sign_is_waited_for_and_then_admitted_as_unknown() -> None:
    before = Status("working", since=NOW - 9000)
    vendor = seen("vendor", *BUSY, ago=9000)
    assert verdict([seen("screen", "needs_input", ago=CONFLICT_MS - 100), vendor], NOW, before).state == "working"
    found = verdict([seen("screen", "needs_input", ago=CONFLICT_MS + 100), vendor], NOW, before)
    assert (found.state, found.last_known) == ("unknown", "working")


def test_without_any_fresh_source_nothing_is_known_but_what_was() -> None:
    before = Status("working", since=NOW - 60_000)
    stale = [seen("vendor", *BUSY, ago=60_000, at=FRESH_MS + 1), seen("title", at=FRESH_MS + 1)]
    found = verdict(stale, NOW, before)
    assert (found.state, found.why, found.last_known) == ("unknown", "no signal", "working")
    again = verdict(stale, NOW + 1000, found)
    assert (again.since, again.last_known) == (found.since, "working")


def test_while_a_client_repaints_what_was_known_holds_and_then_nobody_knows_but_it_never_starts_again() -> None:
    before, grace = Status("idle", "screen", NOW - 9000, "rest", checked=NOW - 100), NOW + 50_000
    blank = [seen("tmux"), seen("title", ago=9000), seen("screen", ago=CONFLICT_MS - 100)]
    assert verdict(blank, NOW, before, grace).state == "idle"
    later = verdict(blank, NOW + 200, before, grace)
    assert (later.state, later.last_known) == ("unknown", "idle")
    assert verdict(blank, NOW + 300, later, grace).state == "unknown"


def test_an_agent_that_has_not_spoken_yet_is_starting_until_its_time_is_up() -> None:
    alive = [seen("tmux"), seen("title")]
    assert verdict(alive, NOW, Status(), grace_until=NOW + 1).state == "starting"
    assert verdict(alive, NOW, Status(), grace_until=NOW).state == "unknown"
    old = [seen("tmux", ago=60_000, at=FRESH_MS + 1)]
    assert verdict(old, NOW, Status(), grace_until=NOW + 1).state == "starting"
    known = verdict(old, NOW, Status("working"), grace_until=NOW + 1)  # one that has worked does not start any more
    assert (known.state, known.last_known, known.why) == ("unknown", "working", "no signal")
    assert verdict(old, NOW, known, grace_until=NOW + 1).state == "unknown"


SOURCES = st.sampled_from(["vendor", "hook", "transcript", "title", "screen", "process"])
SOME = st.lists(st.sampled_from(STATES), max_size=3, unique=True).map(tuple)
EVIDENCE = st.lists(
    st.builds(
        lambda s, w, ago, at: seen(s, *w, ago=ago, at=min(ago, at)),
        SOURCES,
        SOME,
        st.integers(0, 90_000),
        st.integers(0, 20_000),
    ),
    max_size=6,
    unique_by=lambda e: e.source,
)
BEFORE = st.builds(lambda s, since: Status(s, since=NOW - since), st.sampled_from(STATES), st.integers(0, 90_000))


@given(EVIDENCE, BEFORE)
def test_a_dead_pane_is_always_exited(evidence: list[Evidence], before: Status) -> None:
    assert verdict([*evidence, seen("tmux", "exited")], NOW, before).state == "exited"


@given(EVIDENCE, BEFORE)
def test_idle_is_never_said_against_the_client_itself(evidence: list[Evidence], before: Status) -> None:
    """While the client's own file says that it waits, and nothing as trusted is newer, it is not called idle."""
    others = [e for e in evidence if e.source not in ("vendor", "hook")]
    asking = seen("vendor", "needs_input", ago=500)
    found = verdict([*others, asking], NOW, Status("needs_input", since=NOW - 500))
    assert found.state in ("needs_input", "unknown")


@given(EVIDENCE, BEFORE)
def test_a_state_is_only_said_when_some_source_is_compatible_with_it_or_it_was_so_before(
    evidence: list[Evidence], before: Status
) -> None:
    found = verdict(evidence, NOW, before)
    allowed = {state for e in evidence for state in e.states} | {"unknown", before.state}
    assert found.state in allowed


@given(EVIDENCE, BEFORE)
def test_a_state_that_goes_on_keeps_its_beginning(evidence: list[Evidence], before: Status) -> None:
    first = verdict(evidence, NOW, before)
    second = verdict(evidence, NOW, first)
    if second.state == first.state:
        assert second.since == first.since


SOURCES = ("tmux", "vendor", "hook", "transcript", "title", "screen", "process")
ANY = st.lists(
    st.builds(
        lambda source, states, ago, at: seen(source, *states, ago=ago + at, at=at),
        st.sampled_from(SOURCES),
        st.lists(st.sampled_from(STATES), max_size=3, unique=True),
        st.integers(0, 60_000),
        st.integers(0, 2 * FRESH_MS),
    ),
    max_size=7,
    unique_by=lambda e: e.source,
)


@given(ANY)
def test_every_piece_of_evidence_is_explained_once_and_who_decides_allows_the_verdict(found: list[Evidence]) -> None:
    told = explain(found, NOW)
    assert sorted(e.source for e, _ in told) == sorted(e.source for e in found)
    status = verdict(found, NOW)
    if status.state not in ("unknown", "starting"):
        parts = {part: e for e, part in told}  # while a change travels, the more trusted source still stands
        speakers = [parts["decides"], *(e for part, e in parts.items() if part.startswith("contradicts"))]
        assert any(status.state in (*e.states, *(["hung"] if "working" in e.states else [])) for e in speakers)


def test_the_parts_that_evidence_plays() -> None:
    found = [
        seen("vendor", *REST, ago=900), seen("hook", *BUSY, ago=5000), seen("screen", "failed", ago=800),
        seen("title", ago=1), seen("process", "working", at=FRESH_MS + 1, ago=FRESH_MS + 2),
    ]  # fmt: skip
    parts = {e.source: part for e, part in explain(found, NOW)}
    assert parts == {
        "screen": "decides", "vendor": "agrees", "hook": "overruled by newer", "title": "says nothing",
        "process": "too old",
    }  # fmt: skip
    conflict = {e.source: part for e, part in explain([seen("title", "working", ago=1), seen("vendor", "idle")], NOW)}
    assert conflict == {"title": "decides", "vendor": "contradicts, and is trusted more"}
