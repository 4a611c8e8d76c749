"""`agentdeck events` and `show`: the whole chain behind a status, for a person and for a program."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.cli import main
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.status import Ask, Evidence, Status
from agentdeck.services import rows
from agentdeck.services.delivery import deliveries

HOOK = {"source": "hook", "states": ["needs_input"], "part": "decides", "changed": 1_700_000_000_000, "why": "a hook"}
LOST = {
    "source": "screen",
    "states": ["working"],
    "part": "overruled by newer",
    "changed": 1_699_999_990_000,
    "why": "●",
}


@pytest.fixture(autouse=True)
def _deck() -> Iterator[None]:
    conn, now = store.write(paths.database_file()), now_ms()
    agent = Agent(id="a1", name="bo", harness="builtin", repo="/r", worktree="/t", branch="b", base="main",
                  base_oid="0" * 40, life="stopped")  # fmt: skip
    rows.insert(conn, "agents", rows.agent_columns(agent))
    ask = Ask("Bash: git push", "permission", "Bash", "command: git push\ndescription: Push", ("Yes", "No"))
    status = Status("needs_input", "hook", now, "a hook; the title", "permission", ask, checked=now)
    rows.insert(conn, "status", {"agent": "a1", **rows.status_columns(status), "epoch": 1})
    seen = Evidence("hook", ("needs_input",), now, now, "a hook")
    rows.insert(conn, "evidence", {"agent": "a1", **rows.evidence_columns(seen)})
    rows.event(conn, 1_700_000_000_100, "status", "a1", state="needs_input", before="working", source="hook",
               why="a hook; the title", ask="Bash: git push", chain=[HOOK, LOST])  # fmt: skip
    rows.event(conn, 1_700_000_000_200, "answer", "a1", answer="allow", taken=True)
    conn.close()
    yield


def run(*words: str) -> str:
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == 0, done.output
    return done.output


def test_a_status_is_told_in_one_line_and_its_chain_below_it() -> None:
    plain = run("events").splitlines()
    assert "working -> needs_input: Bash: git push (a hook; the title)" in plain[0]
    assert "answer=allow  taken=True" in plain[1] and len(plain) == 2
    chain = run("events", "--why", "--kind", "status").splitlines()
    assert len(chain) == 3
    assert chain[1].split() == ["decides", "hook", "needs_input", "22:13:20.000", "a", "hook"]
    assert "overruled by newer" in chain[2] and "working" in chain[2]


def test_a_program_gets_the_chain_with_its_times() -> None:
    [told] = map(json.loads, run("events", "--json", "--kind", "status", "--agent", "bo").splitlines())
    assert told["data"]["chain"][0] == {**HOOK, "changed": "2023-11-14T22:13:20.000Z"}
    assert [link["part"] for link in told["data"]["chain"]] == ["decides", "overruled by newer"]


def test_show_tells_the_question_in_full_and_who_says_so() -> None:
    shown = run("show", "bo")
    assert "status     needs_input: permission, since" in shown
    for line in ("asks: Bash: git push", "description: Push", "2 No", "decides"):
        assert line in shown


def test_show_tells_the_way_of_every_text() -> None:
    assert "no text was sent to it yet" in run("show", "bo")
    conn = store.write(paths.database_file())
    for number in range(7):
        key = deliveries.add(conn, "a1", f"text {number}\nof two lines")
    first = deliveries.get(conn, key)
    assert first is not None
    deliveries.wait(conn, first, "it is working, not idle")
    pasted = deliveries.claim(conn, first)
    assert pasted is not None and deliveries.step(conn, pasted, ["pasted"], "submitted")
    deliveries.step(conn, pasted, ["submitted"], "acknowledged", "", "UserPromptSubmit hook")
    conn.close()

    shown = run("show", "bo")
    assert "text 1" not in shown and "text 2 of two lines" in shown, "the last five"
    way = shown[shown.index("text 6 of two lines") :].splitlines()[1:]
    assert [line.split()[1:] for line in way] == [
        ["queued"], ["it", "is", "working,", "not", "idle"], ["pasted"], ["submitted"],
        ["acknowledged", "UserPromptSubmit", "hook"],
    ]  # fmt: skip
    told = json.loads(run("show", "bo", "--json"))["outbox"][-1]
    assert (told["text"], told["state"], told["evidence"]) == ("text 6\nof two lines", "acknowledged",
                                                               "UserPromptSubmit hook")  # fmt: skip
    assert [(step["state"], step["waits"]) for step in told["steps"]] == [
        ("queued", False), ("queued", True), ("pasted", False), ("submitted", False), ("acknowledged", False),
    ]  # fmt: skip


def test_a_text_whose_events_are_gone_tells_what_its_row_knows() -> None:
    conn = store.write(paths.database_file())
    key = deliveries.add(conn, "a1", "old")
    found = deliveries.get(conn, key)
    assert found is not None and deliveries.step(conn, found, ["queued"], "refused", "its pane is gone")
    conn.execute("DELETE FROM events")
    conn.close()
    [old] = json.loads(run("show", "bo", "--json"))["outbox"]
    assert [(step["state"], step["why"]) for step in old["steps"]] == [("queued", ""), ("refused", "its pane is gone")]
