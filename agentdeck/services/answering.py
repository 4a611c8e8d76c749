"""Presses the keys of an answer: once, into a question that has stood still, and looks whether it went away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from agentdeck.adapters import tmux
from agentdeck.errors import AgentDeckError
from agentdeck.harnesses import loader
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.status import Ask, Evidence
from agentdeck.services import answers
from agentdeck.services import evidence as ev
from agentdeck.services.monitor import Monitor, strip

SETTLED_MS = 500  # a client may lose a key that comes earlier: at 0.1 s 4 of 4 were lost, from 0.3 s none of 8
PAINTED_MS = 3_000  # a client tells its question before it paints it; under load this much before
TAKEN_MS = 3_000
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Given:
    """The keys pressed, when (UTC ms), and whether the question went away then."""

    keys: tuple[str, ...]
    at: int
    taken: bool


async def give(
    client: tmux.ControlClient,
    monitor: Monitor,
    agent: Agent,
    answer: str,
    expected: Ask | None,
    same: Callable[[Evidence], bool] = lambda screen: True,
) -> Given:
    """Answer the question that stands on the agent's screen. The keys are never pressed a second time.

    Raises when there is no such question, when it is another one than `expected`, or when `same` says no to the screen.
    """
    harness = loader.get(agent.harness)
    screen = await _settled(client, monitor, agent)
    if not same(screen):
        raise AgentDeckError("its screen does not show the whole of what it asked", "Zoom in and look.")
    press = answers.plan(harness, monitor.status(agent.id), screen, answer, expected)
    await tmux.check_writable(client, agent.pane, agent.id)
    since, at = monitor.status(agent.id).since, now_ms()
    for key in press.keys:
        await tmux.send_key(client, agent.pane, key)
    while _same(screen, await _look(client, agent)) and monitor.status(agent.id).since == since:
        if now_ms() - at > TAKEN_MS:
            return Given(press.keys, at, taken=False)
        await asyncio.sleep(LOOK_SECONDS)
    return Given(press.keys, at, taken=True)


async def _settled(client: tmux.ControlClient, monitor: Monitor, agent: Agent) -> Evidence:
    """The screen, once its question has stood there for SETTLED_MS; as it is when none comes within PAINTED_MS."""
    known = monitor.watched[agent.id].evidence.get("screen") if agent.id in monitor.watched else None
    painted = known.changed if known is not None and "needs_input" in known.states else 0
    while True:
        screen, now = await _look(client, agent), now_ms()
        status = monitor.status(agent.id)
        if "needs_input" not in screen.states:
            painted = 0
            if status.state != "needs_input" or now - status.since > PAINTED_MS:
                return screen
        else:
            painted = painted or now
            if now - painted >= SETTLED_MS:
                return screen
        await asyncio.sleep(LOOK_SECONDS)


async def _look(client: tmux.ControlClient, agent: Agent) -> Evidence:
    rows = (await tmux.capture(client, [agent.pane])).get(agent.pane)
    if rows is None:
        raise AgentDeckError(f"the pane of '{agent.name}' is gone", f"`agentdeck resume {agent.name}` starts it again.")
    return ev.from_screen(loader.get(agent.harness), strip(rows), now_ms())


def _same(before: Evidence, now: Evidence) -> bool:
    return (before.states, before.ask) == (now.states, now.ask)
