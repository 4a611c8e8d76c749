"""Observations into evidence: asks, dates and signs that are over."""

from __future__ import annotations

import pytest

from agentdeck.harnesses import loader
from agentdeck.models.status import Evidence
from agentdeck.services.status.evidence import from_hook, from_screen, from_stillness, merge

QUESTION = {"question": "Which colour?", "multiSelect": False, "options": [{"label": "Red"}, {"label": "Blue"}]}


def _asked(tool: str, given: object) -> Evidence | None:
    payload = {"hook_event_name": "PermissionRequest", "tool_name": tool, "tool_input": given}
    return from_hook(loader.get("claude"), payload, 1_000)


def test_a_question_is_no_permission() -> None:
    """Allowing it would choose its first option."""
    found = _asked("AskUserQuestion", {"questions": [QUESTION]})
    assert found is not None
    assert (found.reason, found.ask.kind) == ("question", "question")
    assert (found.ask.text, found.ask.options) == ("Which colour?", ("Red", "Blue"))
    assert '"multiSelect": false' in found.ask.detail


def test_a_permission_tells_the_whole_input() -> None:
    found = _asked("Bash", {"command": "a\nb", "timeout": 5})
    assert found is not None
    assert (found.reason, found.ask.text, found.ask.detail) == ("permission", "Bash: a\nb", "command: a\nb\ntimeout: 5")


def test_a_status_file_that_went_to_and_fro_between_two_looks_is_newer() -> None:
    """A turn that failed within one beat: idle before, idle after, and a hook in between."""
    before = Evidence("vendor", ("idle", "failed"), 1_000, 5_000, "status file says idle")
    after = Evidence("vendor", ("idle", "failed"), 5_200, 5_250, "status file says idle")
    assert merge(before, after).changed == 5_200


def test_an_undated_source_keeps_the_moment_of_its_change() -> None:
    before = Evidence("screen", ("idle",), 1_000, 5_000, "screen '❯'")
    after = Evidence("screen", ("idle",), 5_250, 5_250, "screen '❯'")
    assert merge(before, after).changed == 1_000


ERROR = ["❯ Try it", "● API Error: 400 Nothing works", "─" * 80, "❯", "─" * 80, "  ? for shortcuts"]


def test_an_error_of_an_older_turn_is_over() -> None:
    harness = loader.get("claude")
    assert from_screen(harness, ERROR, 1_000).states == ("failed",)
    newer = [*ERROR[:2], "❯ Again", "● It works.", "✻ Worked for 1s · done 11:59 AM", *ERROR[2:]]
    assert from_screen(harness, newer, 1_000).states == ("idle",)


@pytest.mark.parametrize(
    ("silent", "busy", "stopped", "states"),
    [
        (1, False, (), ()),
        (16, False, (), ("hung",)),
        (16, True, (), ()),  # it computes
        (31, True, (), ("hung",)),  # and shows nothing of it
        (16, None, (), ()),  # nobody has measured
        (14, False, (), ()),
        (3, None, (77,), ("hung",)),  # stopped by a signal: no need to wait
        (1, None, (77,), ()),
    ],
)
def test_stillness_of_a_client_that_moves_while_it_works(
    silent: float, busy: bool | None, stopped: tuple[int, ...], states: tuple[str, ...]
) -> None:
    found = from_stillness(15, silent, busy, stopped, 1000)
    assert found.states == states
    assert "77" in found.why or not (stopped and states)
