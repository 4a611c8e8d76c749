"""The queue end to end: a spec goes to an idle agent on a fresh branch, and what was left is never lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck.demo.server import ScriptedModel
from tests import repos
from tests.deck import Deck


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


@pytest.fixture
def deck(git_repo: Path, model: ScriptedModel) -> Iterator[Deck]:
    deck = Deck(git_repo, model)
    yield deck
    deck.end()


def spec(deck: Deck, name: str, text: str) -> str:
    (deck.repo / name).write_text(text)
    return name


def test_two_tasks_one_after_the_other_each_on_a_branch_of_its_own(deck: Deck, model: ScriptedModel) -> None:
    deck.new("gina", "builtin", "--", "--yes")
    tree = Path(deck.is_("gina", "idle")["worktree"])
    (tree / "left").write_text("from before\n")
    first = spec(
        deck, "one.md", "---\ntitle: The first\nharness: builtin\n---\nDo it ::write one.txt := 1 ::say One.\n"
    )
    added = deck.ok("task", "add", first, "--json").json
    more = deck.ok(
        "task", "add", "-", "--json", given="# The second\n\nAnd this ::write two.txt := 2 ::say Two.\n"
    ).json
    assert len(added) == len(more) == 1

    done = deck.run("run", "--until-empty")
    assert done.code == 0, deck.story()
    one, two = deck.ok("task", "ls", "--json").json
    assert (one["title"], two["title"]) == ("The first", "The second")
    assert [task["state"] for task in (one, two)] == ["review", "review"]
    for task, branch in ((one, "deck/gina/2"), (two, "deck/gina/3")):
        [attempt] = task["attempts"]
        assert (attempt["agent"], attempt["outcome"], attempt["branch"]) == ("gina", "ended", branch)
        assert attempt["usage"]["messages"] == 2
        assert attempt["ended"] >= attempt["started"]
    assert two["attempts"][0]["started"] >= one["attempts"][0]["ended"], "one lease at a time"
    assert deck.ok("task", "show", str(added[0]), "--json").json == one

    row = deck.row("gina")
    assert row["branch"] == "deck/gina/3"
    assert row["task"] == {"id": more[0], "title": "The second", "state": "review"}
    assert repos.git(tree, "branch", "--show-current") == "deck/gina/3"
    assert repos.show(deck.repo, "deck/gina/1", "left") == b"from before\n"
    assert repos.show(deck.repo, "deck/gina/2", "one.txt").rstrip() == b"1"
    assert not (tree / "one.txt").exists(), "nothing is carried along"
    assert (tree / "two.txt").read_text().rstrip() == "2"
    prompts = [found.prompt for found in model.requests if found.step == 0]
    assert prompts == [
        "Do it ::write one.txt := 1 ::say One.",
        "# The second\n\nAnd this ::write two.txt := 2 ::say Two.",
    ]
    assert [d["state"] for d in deck.deliveries("gina")] == ["acknowledged", "acknowledged"]

    deck.ok("task", "accept", str(added[0]))
    deck.ok("task", "reject", str(more[0]), "--note", "not so")
    states = [(task["state"], task["attempts"][0]["outcome"]) for task in deck.ok("task", "ls", "--json").json]
    assert states == [("accepted", "ended"), ("failed", "rejected")]


def test_a_task_nobody_can_take_waits_says_why_and_can_be_cancelled(deck: Deck) -> None:
    deck.new("hugo", "shell", "--", "cat")
    [key] = deck.ok("task", "add", "-", "--json", given="Something for nobody.\n").json
    why = deck.ok("task", "why", str(key))
    assert why.out.strip()
    assert "Traceback" not in why.err
    assert deck.ok("run", "--for", "0.6").code == 0
    assert deck.ok("task", "show", str(key), "--json").json["state"] == "queued"
    deck.ok("task", "cancel", str(key))
    shown = deck.ok("task", "show", str(key), "--json").json
    assert (shown["state"], shown["attempts"]) == ("cancelled", [])
    again = deck.run("task", "cancel", str(key))
    assert (again.code, again.out) == (2, "")
    assert "there is nothing to cancel" in again.err
    assert deck.deliveries("hugo") == []
    deck.ok("run", "--until-empty")


def test_a_running_task_is_cancelled_and_its_agent_left_alone(deck: Deck) -> None:
    deck.new("ines")
    [key] = deck.ok("task", "add", "-", "--json", given="# Long\n\n::wait 60 ::say never\n").json
    deck.is_("ines", "working")
    shown = deck.ok("task", "show", str(key), "--json").json
    assert (shown["state"], shown["agent"]) == ("running", "ines")
    deck.ok("task", "cancel", str(key))
    shown = deck.ok("task", "show", str(key), "--json").json
    assert shown["state"] == "cancelled"
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["cancelled"]
    assert deck.row("ines")["status"]["state"] == "working"
    deck.ok("task", "retry", str(key))
    assert deck.ok("task", "show", str(key), "--json").json["state"] == "queued"


BAD_SPECS = {
    "key.md": ("---\ntitle: x\nverfy: make\n---\nbody\n", "key.md, line 3: unknown key 'verfy'"),
    "type.md": ("---\ntitle: [a]\n---\nbody\n", "type.md, line 2: 'title' must be one text"),
    "open.md": ("---\ntitle: x\nbody\n", "open.md, line 1: the settings have no end"),
    "empty.md": ("---\ntitle: x\n---\n\n", "holds no work"),
    "escape.md": ("do\n\x1b[201~rm\n", "escape.md, line 2: a control character"),
}


def test_a_wrong_spec_is_named_with_its_line_and_nothing_is_queued(deck: Deck) -> None:
    good = spec(deck, "good.md", "Good.\n")
    for name, (text, said) in BAD_SPECS.items():
        spec(deck, name, text)
        done = deck.run("task", "add", good, name)
        assert (done.code, done.out) == (2, ""), name
        title, hint = done.err.splitlines()
        assert said in title
        assert title.startswith("agentdeck: ")
        assert hint.strip()
    missing = deck.run("task", "add", "nowhere.md")
    assert (missing.code, missing.out) == (2, "")
    assert "nowhere.md is not a file" in missing.err
    stranger = deck.run("task", "add", good, "--agent", "nobody")
    assert stranger.code == 2
    assert "no agent is called 'nobody'" in stranger.err
    assert deck.ok("task", "ls", "--json").json == []
