"""What holds tasks back beside who fits: dependencies, approval, caps, pauses, routes, budgets; each said in words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentdeck import config
from agentdeck.adapters.database import store
from agentdeck.config import Config
from agentdeck.errors import UsageError
from agentdeck.models.agent import Agent
from agentdeck.models.status import Status
from agentdeck.models.task import Attempt, Outcome, Task
from agentdeck.services import rows
from agentdeck.services.queue import breaker, dependencies, queue, queue_rules, spawner, specs
from agentdeck.services.queue.assignment import SETTLING, Candidate, Choice, Load, Rules, choose, why
from agentdeck.services.queue.task_limits import intervene, stands_still


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    found = store.write(tmp_path / "deck.db")
    yield found
    found.close()


def add(conn: sqlite3.Connection, name: str = "", front: str = "", **words) -> int:
    head = f"---\n{front}\n---\n" if front else ""
    return queue.add(
        conn, specs.parse(f"{head}# {name or 'Do it'}\n", f"/r/specs/{name}" if name else ""), "/r", **words
    )


def agent(conn: sqlite3.Connection, name: str = "al", harness: str = "claude") -> Agent:
    made = Agent(f"id-{name}", name, harness, "/r", f"/w/{name}", f"deck/{name}/1", "", "base", "live")
    rows.insert(conn, "agents", rows.agent_columns(made))
    return made


def does(conn: sqlite3.Connection, key: int, by: Agent, outcome: Outcome, reason: str = "", limit: int = 1) -> None:
    attempt = queue.lease(conn, key, by)
    queue.finish(conn, key, attempt.n, outcome, reason, "tip", limit)


def state(conn: sqlite3.Connection, key: int) -> tuple[str, str]:
    found = queue.task(conn, key)
    return found.state, found.reason


# -- dependencies


def test_a_task_waits_for_all_that_it_needs(conn: sqlite3.Connection) -> None:
    one, two = add(conn, "one.md"), add(conn, "two.md")
    last = add(conn, "last.md", "depends_on: [one.md, 2]")
    by = agent(conn)
    assert dependencies.waits(conn) == {last: "waits for task 1 (one.md), which is queued and 1 more"}
    rules, load = queue_rules.read(conn, Config())
    free = [Candidate("id-al", "al", "/r", "claude")]
    assert choose(queue.waiting(conn, ["/r"]), free, rules, load) == [Choice(one, "id-al")]
    assert why(queue.task(conn, last), free, rules, load) == "waits for task 1 (one.md), which is queued and 1 more"
    does(conn, one, by, "passed")
    assert dependencies.waits(conn) == {last: "waits for task 2 (two.md), which is queued"}
    does(conn, two, by, "ended")
    assert dependencies.waits(conn) == {}


def test_what_failed_blocks_by_name_all_that_follows_until_it_is_tried_again(conn: sqlite3.Connection) -> None:
    one = add(conn, "one.md")
    two = add(conn, "two.md", "depends_on: one.md")
    three = add(conn, "three.md", "depends_on: two.md")
    does(conn, one, agent(conn), "failed", "verify failed")
    assert state(conn, two) == ("blocked", "task 1 (one.md) failed: verify failed")
    assert state(conn, three) == ("blocked", f"task 2 (two.md) is blocked: {state(conn, two)[1]}")
    queue.retry(conn, one)
    assert [state(conn, key)[0] for key in (two, three)] == ["queued", "queued"]
    queue.cancel(conn, one)
    assert state(conn, two) == ("blocked", "task 1 (one.md) was cancelled: cancelled by a human")


def test_flagged_work_must_be_judged_before_others_build_on_it(conn: sqlite3.Connection) -> None:
    one = add(conn, "one.md")
    two = add(conn, "two.md", "depends_on: one.md")
    does(conn, one, agent(conn), "flagged", "protected: check.sh was changed")
    assert state(conn, two) == (
        "blocked", "task 1 (one.md) waits for your judgement: protected: check.sh was changed"
    )  # fmt: skip
    queue.accept(conn, one)
    assert state(conn, two) == ("queued", "")


def test_rings_and_strangers_are_refused_by_name(conn: sqlite3.Connection) -> None:
    texts = {"a.md": "c.md", "b.md": "a.md", "c.md": "b.md"}
    ring = [specs.parse(f"---\ndepends_on: {on}\n---\nx\n", f"/r/{name}") for name, on in texts.items()]
    with pytest.raises(UsageError, match=r"a.md → c.md → b.md → a.md"):
        queue.add_all(conn, ring, "/r")
    with pytest.raises(UsageError, match=r"/r/specs/x.md depends on no.md, which is not in the queue"):
        add(conn, "x.md", "depends_on: no.md")
    with pytest.raises(UsageError, match="depends on task 9, which does not exist"):
        add(conn, "y.md", "depends_on: 9")
    own = specs.parse("---\ndepends_on: s.md\n---\nx\n", "/r/s.md")
    with pytest.raises(UsageError, match=r"s.md → s.md"):
        queue.add_all(conn, [own], "/r")
    with pytest.raises(UsageError), store.transaction(conn):
        queue.add_all(conn, [specs.parse("fine\n"), specs.parse("---\ndepends_on: no.md\n---\nx\n")], "/r")
    assert queue.tasks(conn) == [], "all or none"


def test_a_ring_closed_by_a_later_edit_is_refused(conn: sqlite3.Connection) -> None:
    one = add(conn, "one.md")
    two = add(conn, "two.md", "depends_on: one.md")
    edited = specs.parse(f"---\ndepends_on: {two}\n---\nx\n", "/r/specs/one.md")
    with pytest.raises(UsageError, match=r"2 \(two.md\) → 1 \(one.md\)|1 \(.*\) → 2"), store.transaction(conn):
        queue.revise(conn, one, edited)
    assert [need.id for need in dependencies.needs(conn, two)] == [one]


def test_specs_added_together_may_come_in_any_order(conn: sqlite3.Connection) -> None:
    later = specs.parse("---\ndepends_on: [first.md]\n---\nx\n", "/r/specs/later.md")
    first = specs.parse("first\n", "/r/specs/first.md")
    ids = queue.add_all(conn, [later, first], "/r")
    assert [need.id for need in dependencies.needs(conn, ids[0])] == [ids[1]]


# -- approval and versions


def test_an_unread_text_is_blocked_until_a_human_approves_it_once(conn: sqlite3.Connection) -> None:
    one = add(conn, "one.md", approved_by="")
    twin = queue.add(conn, specs.parse("# one.md\n", "/r/copy.md"), "/r", approved_by="")
    after = add(conn, "after.md", "depends_on: one.md")
    assert state(conn, one) == ("blocked", dependencies.UNAPPROVED)
    assert state(conn, after)[0] == "blocked"
    queue.approve(conn, one)
    assert [state(conn, key) for key in (one, twin, after)] == [("queued", "")] * 3
    with pytest.raises(UsageError, match="approved already"):
        queue.approve(conn, one)
    assert state(conn, queue.add(conn, specs.parse("# one.md\n", "/r/again.md"), "/r", approved_by=""))[0] == "queued"


def test_a_running_attempt_keeps_its_version(conn: sqlite3.Connection) -> None:
    key, by = add(conn, "one.md"), agent(conn)
    attempt = queue.lease(conn, key, by)
    new = specs.parse("---\nverify: make\n---\n# Better\n", "/r/specs/one.md")
    queue.revise(conn, key, new)
    found = queue.task(conn, key)
    assert (found.title, found.spec_version, found.state) == ("Better", new.version, "running")
    assert found.attempts[0].spec_version == attempt.spec_version != new.version
    assert "# one.md" in queue.text(conn, attempt.spec_version)
    queue.finish(conn, key, 1, "failed", "no")
    queue.revise(conn, key, specs.parse("third\n", "/r/specs/one.md"))
    assert state(conn, key)[0] == "queued"
    assert queue.lease(conn, key, by).spec_version == queue.task(conn, key).spec_version


# -- caps, pauses, routes


AL, BO = Candidate("1", "al", "/r", "claude", account="x"), Candidate("2", "bo", "/r", "codex", account="x")


def task(key: int = 1, **words) -> Task:
    return Task(key, f"task {key}", "queued", "v", "/r", **words)


@pytest.mark.parametrize(
    ("rules", "load", "taken", "said"),
    [
        (Rules(per_repo=1), Load(), 1, ""),
        (Rules(per_repo=1), Load(repos={"/r": 1}), 0, "1 tasks run in this repository, and [queue] per_repo is 1"),
        (Rules(per_harness={"claude": 1, "codex": 1}), Load(harnesses={"claude": 1, "codex": 1}), 0,
         "1 tasks run with claude, and its cap is 1"),
        (Rules(per_harness={"claude": 1}), Load(harnesses={"claude": 1}), 1, ""),
        (Rules(per_account=1), Load(), 1, ""),
        (Rules(per_account=1), Load(accounts={"x": 1}), 0,
         "1 tasks run on the account of al, and [queue] per_account is 1"),
        (Rules(review_cap=2), Load(review=2), 0,
         "2 results wait for your review, and [queue] review_cap is 2"),
        (Rules(review_cap=2), Load(review=1), 2, ""),
        (Rules(paused={"harness claude": "the harness claude pauses"}), Load(), 1, ""),
        (Rules(paused={"spec v": "this spec pauses"}), Load(), 0, "this spec pauses"),
        (Rules(veto=lambda t, a: "over its budget"), Load(), 0, "over its budget"),
        (Rules(waits={1: "waits", 2: "waits"}), Load(), 0, "waits"),
    ],
)  # fmt: skip
def test_rules_hold_and_are_said(rules: Rules, load: Load, taken: int, said: str) -> None:
    tasks = [task(1), task(2)]
    assert len(choose(tasks, [AL, BO], rules, load)) == taken
    if said:
        assert why(tasks[0], [AL, BO], rules, load) == said


ROUTES = {"frontier": [("claude", ""), ("codex", "")]}


@pytest.mark.parametrize(
    ("first", "second", "taker"),
    [
        (AL, BO, "1"),
        (replace(AL, free=False, state="working"), BO, None),
        (replace(AL, free=False, state="limited"), BO, "2"),
        (replace(AL, free=False, state="failed"), BO, "2"),
        (replace(AL, free=False, state="exited"), BO, "2"),
        (replace(AL, free=False, state="limited"), replace(BO, free=False, state="working"), None),
    ],
)
def test_a_niche_fails_over_to_the_next_of_its_list(first: Candidate, second: Candidate, taker: str | None) -> None:
    chosen = choose([task(niche="frontier")], [second, first], Rules(routes=ROUTES))
    assert [choice.agent for choice in chosen] == ([taker] if taker else [])


def test_a_niche_that_nobody_names_is_said() -> None:
    assert why(task(niche="local"), [AL], Rules()) == (
        "no harness is named for the niche local: add [[niches.local]] to config.toml"
    )
    over = Rules(routes=ROUTES, veto=lambda t, a: "its budget is used up" if a.harness == "claude" else "")
    assert choose([task(niche="frontier")], [AL, BO], over) == [Choice(1, "2")]


def test_niches_in_the_config(tmp_path: Path) -> None:
    from agentdeck import paths

    paths.config_file().parent.mkdir(parents=True)
    paths.config_file().write_text(
        '[[niches.frontier]]\nharness = "claude"\nmodel = "opus"\n[[niches."expert:sql"]]\nharness = "codex"\n'
    )
    found = config.load().niches
    assert (found["frontier"][0].model, found["expert:sql"][0].harness) == ("opus", "codex")
    paths.config_file().write_text('[[niches.best]]\nharness = "claude"\n')
    with pytest.raises(UsageError, match="'best' is none"):
        config.load()


@pytest.mark.parametrize(
    ("outcomes", "row"),
    [
        (["died"] * 5, 5),
        (["died", "refused", "died", "refused", "died", "passed"], 5),
        (["died"] * 4, 0),
        (["died"] * 4 + ["failed", "died"], 0),
        (["cancelled", "died", "limited", "died", "running", "died", "died", "died"], 5),
        (["died", "lost", "died", "died", "lost", "died", "died"], 5),
        (["lost"] * 9, 0),
        ([], 0),
    ],
)
def test_the_breaker_counts_what_never_worked(outcomes: list[str], row: int) -> None:
    assert breaker.tripped(outcomes, 5) == row


def test_the_breaker_pauses_until_a_human_lets_it_go_on(conn: sqlite3.Connection) -> None:
    by = agent(conn)
    for n in range(2):
        does(conn, add(conn, f"{n}.md"), by, "died", "exit code 1")
    assert breaker.paused(conn, 3) == {}
    found = breaker.paused(conn, 2)
    assert list(found) == ["harness claude"]
    assert "the harness claude pauses: 2 attempts in a row died" in found["harness claude"]
    assert "exit code 1" in found["harness claude"]
    assert breaker.resume(conn, 2) == ["harness claude"]
    assert breaker.paused(conn, 2) == {}
    for n in range(2):
        does(conn, add(conn, f"lost {n}.md"), by, "died", "the agent ended: its pane is gone")
    assert breaker.paused(conn, 2) == {}, "the tmux server went, and all agents with it"


# -- limits


def test_attempts_go_back_until_their_limit(conn: sqlite3.Connection) -> None:
    key, by = add(conn), agent(conn)
    for n in (1, 2, 3):
        does(conn, key, by, "failed", f"no {n}", 3)
        assert state(conn, key) == (("queued" if n < 3 else "failed"), f"no {n}")
    queue.retry(conn, key)
    does(conn, key, by, "failed", "again", 3)
    assert state(conn, key)[0] == "queued", "a retry is a fresh start"
    for _ in range(4):
        does(conn, key, by, "limited", "at its limit", 3)
    assert state(conn, key)[0] == "queued", "a limit is nobody's failure"


def test_work_goes_on_in_the_same_tree(conn: sqlite3.Connection) -> None:
    key, by = add(conn), agent(conn)
    first = queue.lease(conn, key, by, branch="deck/al/7", base_oid="b")
    queue.finish(conn, key, 1, "failed", "no", limit=3)
    second = queue.carry_on(conn, first, by, "it failed")
    found = conn.execute("SELECT text, task FROM deliveries WHERE id = ?", (second.delivery,)).fetchone()
    assert tuple(found) == ("it failed", key)
    assert (second.n, second.branch, second.base_oid) == (2, "deck/al/7", "b")


def test_turns_without_a_change_end_it() -> None:
    def tried(*heads: str) -> list[Attempt]:
        return [Attempt(1, n, "a", "h", "", 1, "failed", head_oid=head) for n, head in enumerate(heads, 1)]

    assert stands_still(tried("a", "a"), 3, "a") == "3 turns without a change"
    assert stands_still(tried("b", "a"), 3, "a") == ""
    assert stands_still(tried("a"), 3, "a") == ""
    assert stands_still(tried("a", "a"), 3, "") == ""


@pytest.mark.parametrize(
    ("state", "since", "asked", "verb"),
    [
        ("working", 0, 0, ""),
        ("hung", 95_000, 0, ""),
        ("hung", 0, 0, "interrupt"),
        ("hung", 0, 99_000, ""),
        ("hung", 0, 60_000, "stop"),
    ],
)
def test_when_the_deck_steps_in(state, since: int, asked: int, verb: str) -> None:
    assert intervene(Status(state, since=since), asked, 100_000, 10_000)[0] == verb


# -- agents that the queue starts


def ours(n: int, **words) -> Agent:
    life, harness = words.pop("life", "live"), words.pop("harness", "claude")
    return Agent(f"q{n}", f"queue-{n}", harness, "/r", f"/w/{n}", "b", "", "", life, **words)


def seen(agent: Agent, state: str = "idle") -> Candidate:
    return Candidate(agent.id, agent.name, agent.repo, agent.harness, state=state, free=state == "idle")


def habit(repo: str) -> tuple[str, str]:
    return "claude", ""


@pytest.mark.parametrize(
    ("ready", "agents", "states", "start"),
    [
        ([], [], [], None),
        ([task(1)], [], [], "queue-1"),
        ([task(1)], [ours(1)], ["starting"], None),
        ([task(1)], [ours(1)], [SETTLING], None),
        ([task(1)], [ours(1)], ["working"], "queue-2"),
        ([task(1)], [ours(1), ours(2)], ["working", "working"], None),
        ([task(1), task(2)], [ours(1)], ["starting"], "queue-2"),
        ([task(1), task(2, harness="codex")], [ours(1)], ["idle"], "queue-2"),
        ([task(1)], [ours(1, life="stopped")], ["exited"], "resume q1"),
        ([], [ours(1)], ["working"], None),
    ],
)
def test_when_the_queue_starts_an_agent(ready, agents, states, start: str | None) -> None:
    known = [seen(one, state) for one, state in zip(agents, states, strict=True)]
    found = spawner.wanted(ready, agents, known, Rules(), 2, habit)
    told = None if found is None else f"resume {found.resume}" if found.resume else found.name
    assert told == start


def test_it_starts_what_the_niche_prefers_and_is_not_at_its_limit() -> None:
    rules = Rules(routes={"frontier": [("claude", "opus"), ("codex", "")]})
    found = spawner.wanted([task(1, niche="frontier")], [], [], rules, 2, habit)
    assert found is not None
    assert (found.harness, found.model) == ("claude", "opus")
    limited = [Candidate("x", "x", "/r", "claude", "opus", state="limited", free=False)]
    found = spawner.wanted([task(1, niche="frontier")], [], limited, rules, 2, habit)
    assert found is not None
    assert (found.harness, found.model) == ("codex", "")
