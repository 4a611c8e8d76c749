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
from agentdeck.models.screen import parse
from agentdeck.models.status import Ask, Evidence
from agentdeck.services.asking import answers
from agentdeck.services.status import evidence as ev
from agentdeck.services.status.monitor import Monitor, strip

SETTLED_MS = 500  # a client may lose a key that comes earlier: at 0.1 s 4 of 4 were lost, from 0.3 s none of 8
PAINTED_MS = 3_000  # a client tells its question before it paints it; under load this much before
TAKEN_MS = 3_000
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Given:
    """The keys pressed, when (UTC ms), whether the question went away then, and words to be left for the agent."""

    keys: tuple[str, ...]
    at: int
    taken: bool
    words: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A screen now: what it says, and its rows with and without their looks."""

    says: Evidence
    rows: tuple[str, ...]
    raw: tuple[str, ...]


async def give(
    client: tmux.ControlClient,
    monitor: Monitor,
    agent: Agent,
    answer: str,
    expected: Ask | None,
    same: Callable[[Evidence], bool] = lambda screen: True,
    since: int = 0,
) -> Given:
    """Answer the question that stands on the agent's screen. The keys are never pressed a second time.

    Raises when there is no such question, when it is another one than `expected` (which stands `since` then, UTC ms),
    or when `same` says no to the screen.
    """
    harness = loader.get(agent.harness)
    seen = await _settled(client, monitor, agent)
    status = monitor.status(agent.id)
    if not same(seen.says):
        raise AgentDeckError("its screen does not show the whole of what it asked", "Zoom in and look.")
    press = answers.plan(harness, status, seen.says, answer, expected, since)
    if not answers.stands(status.ask, seen.rows):
        raise AgentDeckError(
            "its screen shows another question than the one it told of",
            f"It told of {status.ask.text if status.ask else 'none'}. Zoom in and answer what stands there.",
        )
    if answer == "allow" and harness.answer.lit and not answers.highlighted(parse(seen.raw), harness.answer.lit):
        raise AgentDeckError(f"another choice than '{harness.answer.lit}' is highlighted", "Zoom in and choose there.")
    await tmux.check_writable(client, agent.pane, agent.id)
    at = now_ms()
    for key in press.keys:
        await tmux.send_key(client, agent.pane, key)
    if press.text:
        await _write(client, agent, press.text)
    taken = await _goes(client, monitor, agent, seen, status.since, at)
    return Given(press.keys, at, taken, press.words)


async def _write(client: tmux.ControlClient, agent: Agent, text: str) -> None:
    """Type a text into the line that a key has opened, see it there, and submit it; else nothing is submitted."""
    await asyncio.sleep(SETTLED_MS / 1000)
    await tmux.send_bytes(client, agent.pane, tmux.pasteable(text).encode())
    sought, end = "".join(text.split())[:40], now_ms() + TAKEN_MS
    while sought not in "".join("".join((await _look(client, agent)).rows).split()):
        if now_ms() > end:
            raise AgentDeckError("the words did not arrive in its question", "Nothing was submitted: zoom in and look.")
        await asyncio.sleep(LOOK_SECONDS)
    await asyncio.sleep(LOOK_SECONDS * 2)
    await tmux.send_key(client, agent.pane, "Enter")


async def _goes(client: tmux.ControlClient, monitor: Monitor, agent: Agent, seen: Look, since: int, at: int) -> bool:
    """Whether the question goes away in time."""
    while _same(seen.says, (await _look(client, agent)).says) and monitor.status(agent.id).since == since:
        if now_ms() - at > TAKEN_MS:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


async def _settled(client: tmux.ControlClient, monitor: Monitor, agent: Agent) -> Look:
    """The screen, once its question has stood there for SETTLED_MS; as it is when none comes within PAINTED_MS."""
    known = monitor.watched[agent.id].evidence.get("screen") if agent.id in monitor.watched else None
    painted = known.changed if known is not None and "needs_input" in known.states else 0
    while True:
        seen, now = await _look(client, agent), now_ms()
        status = monitor.status(agent.id)
        if "needs_input" not in seen.says.states:
            painted = 0
            if status.state != "needs_input" or now - status.since > PAINTED_MS:
                return seen
        else:
            painted = painted or now
            if now - painted >= SETTLED_MS:
                return seen
        await asyncio.sleep(LOOK_SECONDS)


async def _look(client: tmux.ControlClient, agent: Agent) -> Look:
    rows = (await tmux.capture(client, [agent.pane])).get(agent.pane)
    if rows is None:
        raise AgentDeckError(f"the pane of '{agent.name}' is gone", f"`agentdeck resume {agent.name}` starts it again.")
    plain = strip(rows)
    return Look(ev.from_screen(loader.get(agent.harness), plain, now_ms()), tuple(plain), tuple(rows))


def _same(before: Evidence, now: Evidence) -> bool:
    return (before.states, before.ask) == (now.states, now.ask)
