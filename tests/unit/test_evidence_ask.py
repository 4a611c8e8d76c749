"""What a waiting agent asks, taken from its hook."""

from __future__ import annotations

from agentdeck.harnesses import loader
from agentdeck.models.status import Evidence
from agentdeck.services.evidence import from_hook

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
