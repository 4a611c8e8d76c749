"""Checks what an agent calls done: on its branch, a change, from its base, mergeable, and verified by the deck itself.

Every step is a row while it runs and when it has ended. A new engine begins anew where an
earlier one was cut off; only the verify command, which may be long, is not run twice: its
process goes on by itself and is found again.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import verify_run
from agentdeck.adapters.database.store import Writer
from agentdeck.adapters.verify_run import Order, Ran
from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.gate import STEPS, GateStep, Step
from agentdeck.models.spec import Spec
from agentdeck.models.task import Attempt, Task
from agentdeck.services import settings
from agentdeck.services.failpoints import reach
from agentdeck.services.gate import gate_checks, gate_rows
from agentdeck.services.gate.gate_checks import Case, Finding
from agentdeck.services.gate.ruling import judged

LOOK_SECONDS = 0.1
TELL_SECONDS = 1.0
ROUNDS = 3  # so often a branch may move under the check before that counts against it
RESTARTS = 2  # so often a run whose own supervisor was killed is begun again
# What the command sees of the human's environment; `[gate] env` adds to it.
ALLOWED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
    "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "JAVA_HOME", "GOPATH", "GOROOT", "CARGO_HOME", "RUSTUP_HOME", "NVM_DIR",
    "PYENV_ROOT", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip


def environment(extra: tuple[str, ...] = ()) -> dict[str, str]:
    """What a verify command may know: no keys, no tokens, nothing of the agent's or ours."""
    found = {name: value for name, value in os.environ.items() if name in (*ALLOWED, *extra) or name.startswith("LC_")}
    # bytecode would be left in a tree that does not ignore it, and taken for the agent's work
    return {"PATH": os.defpath, "LANG": "C.UTF-8", **found, "TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1"}


class Gatekeeper:
    """`judge` looks at one attempt; any number of them may run at the same time."""

    def __init__(self, writer: Writer, place: Path) -> None:
        self.writer = writer
        self.place = place

    async def judge(self, attempt: Attempt, agent: Agent, task: Task, spec: Spec) -> tuple[list[GateStep], str]:
        """The steps as they ended, and the commit that they are about."""
        case = Case(
            task.id, attempt.n, agent.name, Path(agent.worktree), Path(agent.repo), attempt.branch, attempt.base_oid,
            task.base or agent.base, agent.here, spec.verify, spec.protect,
        )  # fmt: skip
        steps, tip = list[GateStep](), ""
        for _ in range(ROUNDS):
            steps, tip = await _Check(self, case, spec).run()
            if any(s.state == "failed" for s in steps) or await asyncio.to_thread(_stands, case, tip):
                return steps, tip
        moved = replace(steps[-1], state="failed", reason="its branch went on moving while it was checked")
        await self.writer.run(lambda conn: gate_rows.put(conn, case.task, case.n, moved))
        return [*steps[:-1], moved], tip

    def stop(self, task: int, n: int) -> None:
        """Have a verify run ended: its task was cancelled."""
        verify_run.stop(self.place / f"{task}.{n}")

    def halt(self, task: int, n: int) -> None:
        """End a verify run as if it had never begun. Blocks."""
        verify_run.end(self.place / f"{task}.{n}")

    def forget(self, task: int, n: int) -> None:
        """The result is stored; what the run left on disk is not needed any more."""
        shutil.rmtree(self.place / f"{task}.{n}", ignore_errors=True)


def _stands(case: Case, tip: str) -> bool:
    try:
        return gate_checks.stands(case, tip)
    except AgentDeckError:
        return False


class _Check:
    """One look at one attempt."""

    def __init__(self, keeper: Gatekeeper, case: Case, spec: Spec) -> None:
        self.writer = keeper.writer
        self.case = case
        self.spec = spec
        self.place = keeper.place / f"{case.task}.{case.n}"
        self.steps: list[GateStep] = []

    async def run(self) -> tuple[list[GateStep], str]:
        case = self.case
        paths.make_private(self.place)
        await self.writer.run(lambda conn: gate_rows.clear(conn, case.task, case.n))
        tip, begin, onto = "", "", ""

        def look() -> Finding:
            nonlocal tip, begin, onto
            found, tip = gate_checks.branch(case)
            onto = gate_checks.target(case)
            begin = gate_checks.start(case, tip, onto) if tip else ""
            return found

        await self._step("branch", look)
        await self._step("changed", lambda: gate_checks.changed(case, tip, begin))
        await self._step("base", lambda: gate_checks.base(case, tip))
        await self._step("protected", lambda: gate_checks.protected(case, tip, begin))
        await self._step("merge", lambda: gate_checks.merge(case, tip, onto, self.place / "merge"))
        if self.spec.verify and not self._failed:
            await self._verify(tip)
            now = onto if self._failed else await asyncio.to_thread(gate_checks.target, case)
            if now != onto:  # its base moved on meanwhile
                self.steps = [step for step in self.steps if step.step != "merge"]
                await self._step("merge", lambda: gate_checks.merge(case, tip, now, self.place / "merge"))
                self.steps.sort(key=lambda step: STEPS.index(step.step))
        return self.steps, tip

    @property
    def _failed(self) -> bool:
        return any(step.state == "failed" for step in self.steps)

    async def _step(self, name: Step, look: Callable[[], Finding]) -> None:
        if self._failed:
            return
        step = GateStep(name, command=self.spec.verify if name == "verify" else "", started=now_ms())
        await self._put(step)
        await reach(f"gate-{name}", self.case.task)
        try:
            found = await asyncio.to_thread(look)
        except AgentDeckError as error:
            found = Finding("failed", error.title)
        await reach(f"gate-{name}-found", self.case.task)
        await self._end(replace(step, state=found.state, reason=found.reason))

    async def _put(self, step: GateStep) -> None:
        case = self.case
        await self.writer.run(lambda conn: gate_rows.put(conn, case.task, case.n, step))

    async def _end(self, step: GateStep) -> None:
        step = replace(step, ended=now_ms())
        self.steps.append(step)
        await self._put(step)

    async def _verify(self, tip: str) -> None:
        limits = settings.current().gate
        seconds = self.spec.verify_timeout or limits.verify_seconds
        mark = hashlib.sha256(f"{self.case.task} {self.case.n} {tip} {self.spec.verify}".encode()).hexdigest()[:20]
        step = GateStep("verify", command=self.spec.verify, started=now_ms())
        await self._put(step)
        await reach("gate-verify", self.case.task)
        order = Order(
            self.spec.verify, str(self.case.tree), environment(limits.env), seconds,
            int(limits.output_mb * 1_000_000), mark,
        )  # fmt: skip
        ran = await self._ran(order)
        await reach("gate-verify-found", self.case.task)
        state, reason = judged(ran, seconds, limits.output_mb)
        await self._end(replace(step, state=state, reason=reason, exit_code=ran.exit_code, output=ran.tail))

    async def _ran(self, order: Order) -> Ran:
        for _ in range(1 + RESTARTS):
            if verify_run.ordered(self.place) != order.mark or not verify_run.known(self.place):
                await asyncio.to_thread(self._begin, order)
            await reach("gate-verify-begun", self.case.task)
            ran = await self._wait()
            await asyncio.to_thread(verify_run.take_leave, self.place)
            if ran is not None:
                return ran
            await asyncio.to_thread(verify_run.sweep, order.mark)
        return Ran(None, 0.0, "its supervisor was killed again and again", "start")

    def _begin(self, order: Order) -> None:
        """Start it, once whatever ran here for an earlier state of the branch has ended."""
        if verify_run.at_work(self.place):
            verify_run.stop(self.place)
            verify_run.wait(self.place)
        (self.place / "result.json").unlink(missing_ok=True)
        (self.place / "tail").unlink(missing_ok=True)
        verify_run.begin(self.place, order)

    async def _wait(self) -> Ran | None:
        """How it ended; None when its process is gone without a word."""
        told, since, text = 0.0, asyncio.get_running_loop().time(), ""
        while True:
            if (ran := verify_run.result(self.place)) is not None:
                return ran
            if not verify_run.known(self.place):
                return verify_run.result(self.place)
            now = asyncio.get_running_loop().time()
            if now - max(told, since) > TELL_SECONDS:
                told, new = now, verify_run.tail(self.place)
                if new != text:
                    text = new
                    await self.writer.run(self._tell(text))
            await asyncio.sleep(LOOK_SECONDS)

    def _tell(self, text: str) -> Callable[[sqlite3.Connection], None]:
        return lambda conn: gate_rows.tell(conn, self.case.task, self.case.n, text)
