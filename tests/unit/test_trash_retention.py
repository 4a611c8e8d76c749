"""Which trees in the trash have to go: by age, by size, oldest first, none within its first hour."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from agentdeck.commands import output, trash
from agentdeck.config import Trash as Limits
from agentdeck.models.agent import Agent
from agentdeck.models.trash import TrashEntry
from agentdeck.services.trash.trash import DAY_MS, YOUNG_MS, overdue
from agentdeck.services.trash.trash_rows import free_name
from agentdeck.services.trees.loss_report import Report, printable
from agentdeck.services.trees.losses import Loss

NOW = 100 * DAY_MS
GB = 10**9


def entry(name: str, days: float, size: int = 0, state: str = "trashed") -> TrashEntry:
    removed = NOW - int(days * DAY_MS)
    return TrashEntry(name, f"id-{name}", name, "/r", "/o", "/p", size=size, state=state, removed=removed)


HOUR = YOUNG_MS / DAY_MS


@pytest.mark.parametrize(
    ("entries", "limits", "gone"),
    [
        ([entry("a", 13.9), entry("b", 14)], Limits(14, 20), ["b"]),
        ([entry("a", 20, state="emptied")], Limits(14, 20), []),
        ([entry("a", 1, 9 * GB), entry("b", 2, 9 * GB), entry("c", 3, 9 * GB)], Limits(14, 20), ["c"]),
        ([entry("a", 1, 9 * GB), entry("b", 2, 0), entry("c", 3, 30 * GB)], Limits(14, 20), ["c"]),
        ([entry("a", HOUR / 2, 50 * GB), entry("b", 1, GB)], Limits(14, 20), ["b"]),
        ([entry("a", HOUR / 2, 50 * GB)], Limits(0, 0), []),
        ([entry("a", HOUR, 50 * GB)], Limits(14, 20), ["a"]),
        ([entry("a", HOUR, 5)], Limits(0, 20), ["a"]),
        ([entry("b", 2), entry("a", 40), entry("c", 30)], Limits(14, 20), ["a", "c"]),
    ],
)
def test_what_has_to_go(entries: list[TrashEntry], limits: Limits, gone: list[str]) -> None:
    assert [one.id for one in overdue(entries, limits, NOW)] == gone


def test_a_free_name_is_a_valid_one() -> None:
    assert free_name({"bo"}, "al") == "al"
    assert free_name({"al", "al-2"}, "al") == "al-3"
    long = "a" * 32
    assert free_name({long}, long) == "a" * 28 + "-2"


def test_a_path_is_one_line_whatever_is_in_it() -> None:
    assert printable("new ünï") == "new ünï"
    assert printable("a\nb\t\x1b[31m\x9b") == "a\\nb\\t\\x1b[31m\\x9b"
    assert printable("bad \udcff") == "bad \\udcff"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """`rm` at a terminal, with an engine that only remembers what it was asked."""
    calls: list[dict[str, object]] = []

    def ask(kind: str, agent: str = "", **args: object) -> dict[str, object]:
        calls.append({"kind": kind, "agent": agent, **args})
        return {"id": agent, "trash": "0a0b0c0d", "holds": "1 untracked", "place": "/t", "origin": "/o"}

    monkeypatch.setattr(output, "ask", ask)
    monkeypatch.setattr(output, "agent_id", lambda name: f"id-{name}")
    monkeypatch.setattr(trash.os, "isatty", lambda fd: True)
    return calls


def report(**more: str) -> Report:
    return Report(
        Agent("id-al", "al", "shell", "/r", "/o", "b", "", "", "stopped"), "/o", Loss(untracked=("n",)), **more
    )


def test_rm_at_a_terminal_asks_after_it_has_shown(monkeypatch: pytest.MonkeyPatch, asked: list[object]) -> None:
    monkeypatch.setattr(trash, "_report", lambda agent: report())
    no = CliRunner().invoke(trash.rm, ["al"], input="n\n")
    assert (no.exit_code, asked) == (1, [])
    assert "untracked: n" in no.output and no.output.index("untracked: n") < no.output.index("Remove 'al'?")
    yes = CliRunner().invoke(trash.rm, ["al"], input="y\n")
    assert yes.exit_code == 0 and "agentdeck undo 0a0b0c0d" in yes.stderr
    assert asked == [{"kind": "rm", "agent": "id-al", "timeout": trash.SECONDS, "shown": report().digest}]


def test_rm_does_not_ask_for_what_it_cannot_do(monkeypatch: pytest.MonkeyPatch, asked: list[object]) -> None:
    monkeypatch.setattr(trash, "_report", lambda agent: report(refusal="it is locked"))
    refused = CliRunner().invoke(trash.rm, ["al"], input="y\n")
    assert (refused.exit_code, asked) == (1, [])
    assert "it cannot be removed now: it is locked" in refused.output and "Remove 'al'?" not in refused.output
