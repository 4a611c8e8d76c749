"""Copies of one response: whichever comes first, the outcome is the same."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from agentdeck.models.usage import Tokens, UsageRecord
from agentdeck.services.usage.usage_store import merge

STARTED: dict[str, int] = {"early": 5, "late": 9}
_count = st.integers(0, 3)
copies = st.builds(
    UsageRecord,
    key=st.just("k"),
    harness=st.just("h"),
    session=st.sampled_from(["early", "late", "foreign", "other"]),
    ts=st.integers(1, 4),
    model=st.sampled_from(["m", "n"]),
    tokens=st.builds(Tokens, _count, _count, _count, _count, _count, _count),
    sidechain=st.sampled_from(["", "a", "b"]),
    client_cost=st.none() | st.integers(0, 2),
    searches=_count,
    variant=st.sampled_from(["", "fast"]),
    # Copies of one response share these, or they are kept nowhere.
    message=st.just("m"),
    cwd=st.just(""),
    context_tokens=st.just(0),
)


def started(session: str) -> int:
    return STARTED.get(session, 1 << 62)


def merged(*records: UsageRecord) -> UsageRecord:
    whole = records[0]
    for record in records[1:]:
        whole = merge(whole, record, started)
    return whole


@given(copies, copies, copies)
def test_the_order_of_copies_is_of_no_account(a: UsageRecord, b: UsageRecord, c: UsageRecord) -> None:
    assert merged(a, b, c) == merged(c, b, a) == merged(b, a, c)
    assert merged(a, a) == a


def _copy(**changes: object) -> UsageRecord:
    whole = UsageRecord("k", "h", "late", 20, "m", Tokens(output=5), sidechain="a")
    change: Callable[..., UsageRecord] = whole._replace
    return change(**changes)


def test_the_largest_total_wins_the_first_moment_counts_and_the_earlier_session_pays() -> None:
    big, first = _copy(tokens=Tokens(input=4, output=5)), _copy(ts=10, session="early", sidechain="")
    assert merge(big, first, started) == _copy(tokens=Tokens(input=4, output=5), ts=10, session="early", sidechain="")


def test_the_clients_own_cost_is_kept_whichever_copy_has_it() -> None:
    assert merge(_copy(client_cost=7), _copy(tokens=Tokens(output=9)), started).client_cost == 7
