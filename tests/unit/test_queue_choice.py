"""Who takes which task: pure, deterministic, and never against a constraint."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.models.agent import Agent
from agentdeck.models.task import Attempt, Outcome, Task, TaskState
from agentdeck.services.queue import queue
from agentdeck.services.queue.queue import Candidate, Choice, choose, state_after, why

AL = Candidate("1", "al", "/r", "claude", "opus")
BO = Candidate("2", "bo", "/r", "builtin")
SH = Candidate("3", "sh", "/r", "shell", by_name=True)


def task(key: int = 1, state: TaskState = "queued", **words) -> Task:
    return Task(key, f"task {key}", state, "v", words.pop("repo", "/r"), **words)


def test_higher_priority_first_then_older() -> None:
    tasks = [task(1), task(2, priority=5), task(3, priority=5), task(4)]
    assert choose(tasks, [AL]) == [Choice(2, "1")]
    assert choose(tasks, [AL, BO]) == [Choice(2, "1"), Choice(3, "2")]
    assert choose(reversed(tasks), [AL, BO]) == choose(tasks, [AL, BO])


@pytest.mark.parametrize(
    ("words", "takers"),
    [
        ({}, ["1", "2"]),
        ({"harness": "builtin"}, ["2"]),
        ({"model": "opus"}, ["1"]),
        ({"model": "opus", "harness": "builtin"}, []),
        ({"repo": "/other"}, []),
        ({"agent": "bo"}, ["2"]),
        ({"agent": "2"}, ["2"]),
        ({"agent": "sh"}, ["3"]),
        ({"agent": "sh", "harness": "claude"}, []),
        ({"agent": "nobody"}, []),
    ],
)
def test_who_fits(words: dict[str, str], takers: list[str]) -> None:
    assert [agent.id for agent in (AL, BO, SH) if queue.fits(task(**words), agent)] == takers


def test_a_task_that_nobody_fits_blocks_nobody() -> None:
    assert choose([task(1, harness="codex", priority=9), task(2)], [AL]) == [Choice(2, "1")]


NAMES = st.sampled_from(["", "al", "bo", "cy"])
TASKS = st.lists(
    st.builds(
        Task, id=st.integers(1, 1000), title=st.just("t"),
        state=st.sampled_from(["queued", "queued", "running", "review", "failed"]),
        spec_version=st.just("v"), repo=st.sampled_from(["/r", "/s"]), priority=st.integers(-2, 2),
        harness=st.sampled_from(["", "claude", "shell"]), model=st.sampled_from(["", "opus"]), agent=NAMES,
    ),
    unique_by=lambda t: t.id, max_size=12,
)  # fmt: skip
AGENTS = st.lists(
    st.builds(
        Candidate, id=st.integers(1, 99).map(str), name=NAMES.filter(bool), repo=st.sampled_from(["/r", "/s"]),
        harness=st.sampled_from(["claude", "shell"]), model=st.sampled_from(["", "opus"]),
        by_name=st.booleans(), free=st.booleans(),
    ),
    unique_by=(lambda a: a.id, lambda a: a.name), max_size=3,
)  # fmt: skip


@given(TASKS, AGENTS)
def test_choices_hold_every_constraint(tasks: list[Task], agents: list[Candidate]) -> None:
    choices = choose(tasks, agents)
    by_task, by_agent = {t.id: t for t in tasks}, {a.id: a for a in agents}
    assert len({c.agent for c in choices}) == len({c.task for c in choices}) == len(choices)
    for choice in choices:
        chosen, agent = by_task[choice.task], by_agent[choice.agent]
        assert chosen.state == "queued"
        assert agent.free
        assert agent.repo == chosen.repo
        assert chosen.harness in ("", agent.harness)
        assert chosen.model in ("", agent.model)
        assert chosen.agent in ("", agent.name)
        assert chosen.agent or not agent.by_name


@given(TASKS, AGENTS)
def test_no_task_waits_while_one_behind_it_takes_its_agent(tasks: list[Task], agents: list[Candidate]) -> None:
    choices = choose(tasks, agents)
    started = {c.task for c in choices}
    by_task, by_agent = {t.id: t for t in tasks}, {a.id: a for a in agents}
    for waiting in (t for t in tasks if t.state == "queued" and t.id not in started):
        for agent in (a for a in agents if a.free and queue.fits(waiting, a)):
            taken = next(c for c in choices if c.agent == agent.id)  # a free agent that fits is never left idle
            first = by_task[taken.task]
            assert (-first.priority, first.id) < (-waiting.priority, waiting.id)
    assert [by_task[c.task] for c in choices] == sorted(
        (by_task[c.task] for c in choices), key=lambda t: (-t.priority, t.id)
    )
    assert all(by_agent[c.agent] in agents for c in choices)


@given(TASKS, AGENTS)
def test_there_is_always_one_line_on_why(tasks: list[Task], agents: list[Candidate]) -> None:
    for one in tasks:
        line = why(one, agents)
        assert line.strip()
        assert "\n" not in line


def busy(agent: Candidate, state: str = "working") -> Candidate:
    return replace(agent, free=False, state=state)


@pytest.mark.parametrize(
    ("words", "agents", "line"),
    [
        ({}, [], "no agent in this repository"),
        ({"harness": "codex"}, [AL], "no agent with harness codex in this repository"),
        ({"agent": "al"}, [busy(AL)], "waits for agent al, which works"),
        ({"agent": "al"}, [busy(AL, "needs_input")], "waits for agent al, which waits for a human"),
        ({"agent": "al"}, [busy(AL, "idle")], "waits for agent al, which has another task"),
        ({"agent": "zoe"}, [AL], "no agent is called zoe"),
        ({"agent": "al", "model": "x"}, [AL], "agent al is not what it asks for: with model x in this repository"),
        ({"harness": "claude"}, [busy(AL), BO], "waits for agent al, which works"),
        ({}, [busy(AL), busy(BO, "unknown")], "no idle agent in this repository: al works, bo is unknown"),
        ({}, [busy(AL), BO], "an agent is free: it starts next"),
        ({}, [SH], "no agent in this repository"),
        ({"state": "failed", "reason": "it died"}, [], "it is failed: it died"),
    ],
)  # fmt: skip
def test_why(words: dict[str, str], agents: list[Candidate], line: str) -> None:
    assert why(task(**words), agents) == line


def test_who_is_a_candidate() -> None:
    agent = Agent("1", "al", "claude", "/r", "/w", "b", "", "", "live")
    assert queue.candidate(agent, "idle", takes_tasks=True).free
    for one in (
        queue.candidate(agent, "working", takes_tasks=True),
        queue.candidate(agent, "unknown", takes_tasks=True),
        queue.candidate(agent, "idle", takes_tasks=True, leased=True),
        queue.candidate(replace(agent, life="stopped"), "idle", takes_tasks=True),
    ):
        assert not one.free
    assert queue.candidate(agent, "idle", takes_tasks=False).by_name
    assert queue.candidate(replace(agent, here=True), "idle", takes_tasks=True).by_name


def tries(*outcomes: Outcome) -> list[Attempt]:
    return [Attempt(1, n, "a", "h", "", n, outcome, reason=f"why {n}") for n, outcome in enumerate(outcomes, 1)]


@pytest.mark.parametrize(
    ("outcomes", "delivered", "state"),
    [
        ((), (), "queued"),
        (("running",), (1,), "running"),
        (("ended",), (1,), "review"),
        (("passed",), (1,), "review"),
        (("flagged",), (1,), "review"),
        (("died",), (1,), "failed"),
        (("died",), (), "queued"),
        (("refused",), (), "queued"),
        (("refused",), (1,), "failed"),
        (("limited",), (1,), "queued"),
        (("failed",), (1,), "failed"),
        (("rejected",), (1,), "failed"),
        (("cancelled",), (), "cancelled"),
        (("refused", "died"), (), "queued"),
        (("refused", "died", "refused"), (), "failed"),
        (("refused", "died", "refused", "refused"), (), "queued"),
        (("refused", "refused", "died", "refused"), (3,), "queued"),
        (("died", "ended"), (2,), "review"),
    ],
)
def test_a_tasks_state_follows_from_its_attempts(
    outcomes: tuple[Outcome, ...], delivered: tuple[int, ...], state: str
) -> None:
    found, reason = state_after(tries(*outcomes), delivered)
    assert found == state
    if state == "failed":
        assert reason == f"why {len(outcomes)}"
