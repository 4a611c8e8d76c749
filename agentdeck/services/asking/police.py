"""Answers permission requests by the human's policy file: each request judged once, every decision on record."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from agentdeck import paths
from agentdeck.adapters.database.store import EpochLost, Writer
from agentdeck.adapters.tmux import ControlClient
from agentdeck.errors import AgentDeckError
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.status import Ask, Evidence
from agentdeck.services import rows
from agentdeck.services.asking import answering, policy
from agentdeck.services.asking.policy import Decision, Wanted
from agentdeck.services.status.monitor import Monitor

log = logging.getLogger("agentdeck.policy")


class Police:
    """`due` names what nobody has judged yet, `judge` does it. `lock` is the agent's: a human may answer meanwhile."""

    def __init__(self, writer: Writer, monitor: Monitor, lock: Callable[[str], asyncio.Lock]) -> None:
        self.writer = writer
        self.monitor = monitor
        self.lock = lock
        self._judged: dict[str, tuple[int, Ask | None]] = {}

    def due(self) -> list[tuple[Agent, Ask]]:
        """Requests that stand now and were not named before."""
        found = []
        for key, agent in self.monitor.agents.items():
            status = self.monitor.status(key)
            mark = (status.since, status.ask)
            if status.state != "needs_input" or self._judged.get(key) == mark:
                continue
            self._judged[key] = mark
            if status.ask is not None and policy.wanted(agent, status.ask) is not None:
                found.append((agent, status.ask))
        for gone in self._judged.keys() - self.monitor.agents.keys():
            del self._judged[gone]
        return found

    async def judge(self, client: ControlClient, agent: Agent, ask: Ask) -> None:
        """Answer it as a rule says; without one, or when its question is not what stands there, it is the human's."""
        request = policy.wanted(agent, ask)
        try:
            rules = await asyncio.to_thread(policy.load, paths.policy_file())
            decision = policy.decide(rules, request) if request is not None else None
            if decision is None or request is None:
                return
            async with self.lock(agent.id):
                await self._answer(client, agent, ask, request, decision)
        except EpochLost:
            raise
        except AgentDeckError as error:
            log.warning("%s: left to the human: %s", agent.name, error.title)
            await self._note(agent, trouble=error.title, hint=error.hint)

    async def _answer(self, client: ControlClient, agent: Agent, ask: Ask, request: Wanted, decision: Decision) -> None:
        told = {"answer": decision.answer, "rule": decision.number, "tool": request.tool, "argument": request.argument}

        def same(screen: Evidence) -> bool:
            return screen.ask is not None and policy.stands(request, screen.ask.detail.splitlines())

        try:
            done = await answering.give(client, self.monitor, agent, decision.answer, ask, same)
        except AgentDeckError as error:
            await self._note(agent, **told, trouble=error.title)
            return
        log.info("%s: %s by rule %d: %s", agent.name, decision.answer, decision.number, ask.text)
        await self._note(agent, **told, taken=done.taken)

    async def _note(self, agent: Agent, **told: object) -> None:
        await self.writer.run(lambda conn: rows.event(conn, now_ms(), "policy", agent.id, **told))
