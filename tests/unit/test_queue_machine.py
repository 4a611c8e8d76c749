"""The queue under any sequence of what humans, agents and engines do: a hypothesis state machine over real rows."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from agentdeck.adapters.database import store
from agentdeck.config import Config
from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.task import Attempt
from agentdeck.services import rows
from agentdeck.services.queue import dependencies, queue, queue_rules, specs
from agentdeck.services.queue.assignment import Candidate

ENDS = st.sampled_from(["ended", "passed", "flagged", "failed", "refused", "limited", "died"])
NAMES = ("al", "bo", "cy")


class Queue(RuleBasedStateMachine):
    """`running` holds the attempts that are leased."""

    tasks, running = Bundle("tasks"), Bundle("running")

    def __init__(self) -> None:
        super().__init__()
        self._place = tempfile.TemporaryDirectory()
        self.conn = store.write(Path(self._place.name) / "deck.db")
        for name in NAMES:
            made = Agent(f"id-{name}", name, "claude", "/r", f"/w/{name}", f"deck/{name}/1", "", "b", "live")
            rows.insert(self.conn, "agents", rows.agent_columns(made))
        self.count = 0

    def teardown(self) -> None:
        self.conn.close()
        self._place.cleanup()

    def _spec(self, needs: list[int], priority: int) -> specs.Spec:
        self.count += 1
        front = f"---\npriority: {priority}\ndepends_on: [{', '.join(map(str, needs))}]\n---\n"
        return specs.parse(f"{front}job {self.count}\n", f"/r/{self.count}.md")

    def _tries(self, *change) -> None:
        """What is refused changes nothing."""
        before = self._all()
        try:
            with store.transaction(self.conn):
                change[0](self.conn, *change[1:])
        except AgentDeckError as error:
            assert error.hint
            assert self._all() == before

    def _all(self) -> list[tuple[object, ...]]:
        query = "SELECT id, state, reason, spec_version FROM tasks ORDER BY id"
        return [tuple(row) for row in self.conn.execute(query)]

    @rule(target=tasks, needs=st.lists(tasks, max_size=3), priority=st.integers(-2, 2), read=st.booleans())
    def add(self, needs: list[int], priority: int, read: bool) -> int:
        with store.transaction(self.conn):
            return queue.add(self.conn, self._spec(needs, priority), "/r", approved_by="human" if read else "")

    @rule(task=tasks, needs=st.lists(tasks, max_size=2), read=st.booleans())
    def edit(self, task: int, needs: list[int], read: bool) -> None:
        spec = self._spec(needs, 0)
        self._tries(lambda conn: queue.revise(conn, task, spec, approved_by="human" if read else ""))

    @rule(target=running)
    def dispatch(self):
        """As an engine does: choose, then lease."""
        taken = {row[0] for row in self.conn.execute("SELECT agent FROM attempts WHERE outcome = 'running'")}
        known = [Candidate(f"id-{n}", n, "/r", "claude", free=f"id-{n}" not in taken) for n in NAMES]
        rules, load = queue_rules.read(self.conn, Config())
        leased = []
        for choice in queue.choose(queue.waiting(self.conn, ["/r"]), known, rules, load):
            found = queue.task(self.conn, choice.task)
            assert queue.approved(self.conn, found.spec_version), "nobody has read what would run"
            for need in dependencies.needs(self.conn, choice.task):
                assert need.state in ("review", "accepted", "landed"), need
            with store.transaction(self.conn):
                leased.append(queue.lease(self.conn, choice.task, rows.find(self.conn, choice.agent)))
        return multiple(*leased)

    @rule(attempt=consumes(running), end=ENDS, limit=st.integers(1, 3))
    def end(self, attempt: Attempt, end, limit: int) -> None:
        with store.transaction(self.conn):
            queue.finish(self.conn, attempt.task, attempt.n, end, "because", "tip", limit)

    @rule(attempt=running)
    def calls_it_done(self, attempt: Attempt) -> None:
        self._tries(queue.check, attempt.task)

    @rule(task=tasks, verb=st.sampled_from(["cancel", "retry", "accept", "reject", "approve"]))
    def human(self, task: int, verb: str) -> None:
        self._tries(getattr(queue, verb), task)

    @invariant()
    def one_lease_a_task_and_an_agent(self) -> None:
        query = "SELECT task, agent FROM attempts WHERE outcome = 'running'"
        held = [tuple(row) for row in self.conn.execute(query)]
        assert len({task for task, _ in held}) == len({agent for _, agent in held}) == len(held)
        at_work = {row[0] for row in self.conn.execute("SELECT id FROM tasks WHERE state IN ('running', 'verifying')")}
        assert at_work == {task for task, _ in held}

    @invariant()
    def nothing_unread_is_queued_and_what_failed_blocks(self) -> None:
        for found in queue.tasks(self.conn, states=["queued", "blocked"]):
            read = queue.approved(self.conn, found.spec_version)
            state, reason = dependencies.standing(dependencies.needs(self.conn, found.id))
            if found.state == "queued":
                assert read
                assert state == "queued", (found, reason)
            else:
                assert found.reason
                assert not read or state == "blocked", found

    @invariant()
    def no_ring(self) -> None:
        for row in self.conn.execute("SELECT task, needs FROM task_depends").fetchall():
            assert not dependencies._path(self.conn, row["needs"], row["task"])


TestQueue = pytest.mark.slow(Queue.TestCase)
TestQueue.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
