"""What a human is told of while away: each thing once, several together, never a storm."""

from __future__ import annotations

from dataclasses import replace

from agentdeck.models.status import Ask, State, Status
from agentdeck.services.asking.herald import GATHER_MS, PAUSE_MS, Herald, Known, Notice, notice

T = 1_000_000


def known(name: str, state: State = "working", ask: str = "", *, wanted: bool = False) -> Known:
    return Known(
        f"id-{name}", name, Status(state, "hook", 1, "why", "", Ask(ask, "permission") if ask else None), wanted
    )


def begun(*agents: Known) -> Herald:
    herald = Herald()
    herald.look(agents, T)
    return herald


def test_what_an_earlier_engine_left_is_no_news() -> None:
    herald = begun(known("ann", "needs_input", "May I?"))
    herald.look([known("ann", "needs_input", "May I?")], T + 10_000)
    assert herald.due(T + 20_000) is None


def test_a_question_is_told_once_and_the_next_one_again() -> None:
    herald = begun(known("ann"))
    herald.look([known("ann", "needs_input", "May I?")], T)
    assert herald.due(T + GATHER_MS - 1) is None
    assert herald.due(T + GATHER_MS) == Notice("ann needs you", "May I?")
    for beat in range(100):
        herald.look([known("ann", "needs_input", "May I?")], T + 2000 + beat)
        assert herald.due(T + 10_000 + beat) is None
    herald.look([known("ann", "needs_input", "And this?")], T + 20_000)
    assert herald.due(T + 20_000 + GATHER_MS) == Notice("ann needs you", "And this?")


def test_what_a_human_looks_at_is_not_told() -> None:
    """Neither what was seen as it came up, nor what was seen before its time."""
    herald = begun(known("ann"), known("bo"))
    herald.look([replace(known("ann", "needs_input", "May I?"), seen=True), known("bo", "failed")], T)
    herald.look(
        [replace(known("ann", "needs_input", "May I?"), seen=True), replace(known("bo", "failed"), seen=True)], T
    )
    assert herald.due(T + 10 * GATHER_MS) is None
    herald.look([known("ann", "needs_input", "And this?"), replace(known("bo", "failed"), seen=True)], T + 20_000)
    assert herald.due(T + 30_000) == Notice("ann needs you", "And this?")


def test_what_passes_by_itself_is_not_told() -> None:
    herald = begun(known("ann"))
    herald.look([known("ann", "needs_input", "May I?")], T)
    herald.look([known("ann", "working")], T + GATHER_MS // 2)
    assert herald.due(T + 10 * GATHER_MS) is None


def test_a_wave_is_one_notice_and_the_next_waits() -> None:
    names = [f"a{number}" for number in range(40)]
    herald = begun(*(known(name) for name in names))
    herald.look([known(name, "limited") for name in names], T)
    told = herald.due(T + GATHER_MS)
    assert told is not None and told.title == "40 agents: a0, a1, a2 and 37 more"
    assert len(told.text.splitlines()) == 40
    herald.look([known(name, "failed") for name in names], T + GATHER_MS + 1)
    assert herald.due(T + 2 * GATHER_MS + 1) is None
    assert herald.due(T + GATHER_MS + PAUSE_MS) is not None


def test_an_end_that_was_asked_for_is_no_news_and_a_removed_agent_none_at_all() -> None:
    herald = begun(known("ann"), known("bo"), known("cy"))
    herald.look([known("ann", "exited", wanted=True), known("bo", "exited"), known("cy", "failed")], T)
    herald.look([known("ann", "exited", wanted=True), known("bo", "exited")], T + 1)
    assert herald.due(T + GATHER_MS) == Notice("bo has ended", "why")


def test_only_the_states_wanted() -> None:
    herald = Herald(["idle"])
    herald.look([known("ann"), known("bo")], T)
    herald.look([known("ann", "idle"), known("bo", "failed")], T)
    assert herald.due(T + GATHER_MS) == Notice("ann is idle", "why")


def test_three_are_named_without_a_count() -> None:
    assert notice([known("a", "failed"), known("b", "failed"), known("c", "failed")]).title == "3 agents: a, b, c"


def test_what_turns_out_to_be_part_of_something_told_already_is_not_told_again() -> None:
    herald = begun(known("ann"))
    herald.look([known("ann", "limited")], T)
    herald.look([known("ann", "limited", wanted=True)], T + 100)
    assert herald.due(T + GATHER_MS) is None
