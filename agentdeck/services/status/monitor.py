"""Watches every agent: gathers evidence each tick, judges, and tells what changed. Writes nothing itself."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agentdeck.adapters import processes, tmux
from agentdeck.harnesses import loader
from agentdeck.harnesses.schema import Harness
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.pane import Pane
from agentdeck.models.status import Evidence, Status
from agentdeck.services.status import evidence as ev
from agentdeck.services.status import probes
from agentdeck.services.status.status_files import StatusFiles
from agentdeck.services.status.verdict import spent, verdict

SGR = re.compile(r"\x1b\[[0-9;:]*m|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
CPU_EVERY_MS = 2_000
ANSWER_SECONDS = 1.5  # that a round waits for tmux: the other sources are looked at all the same
GAP_MS = 3_000  # without an answer of tmux for so long, what was silent meanwhile is not known
DYING_MS = 1_000  # so long a program may take to end after its screen has gone
BUSY_SHARE = 0.02  # of one processor: less than this is housekeeping


def strip(lines: Iterable[str]) -> list[str]:
    """Captured lines without their colours."""
    return [SGR.sub("", line) for line in lines]


@dataclass
class Watched:
    """What is known of one agent between ticks."""

    evidence: dict[str, Evidence] = field(default_factory=dict)
    status: Status = field(default_factory=Status)
    pane: Pane | None = None
    screen: list[str] = field(default_factory=list)  # raw lines with SGR, as captured last
    captured: int = 0  # UTC ms of the last capture
    shown: bool = False  # nothing is known to have changed on it since
    cpu: tuple[int, float] = (0, 0.0)  # when measured, seconds used
    busy: bool | None = None
    stopped: tuple[int, ...] = ()  # processes of its tree that a signal has stopped
    gone: int = 0  # UTC ms since when its pane is missing, 0 while it is there
    dirty: set[str] = field(default_factory=set)  # sources whose value changed since the last write


@dataclass(frozen=True, slots=True)
class Report:
    """What one tick found: agents whose verdict changed, and the hook events that came in."""

    changed: tuple[str, ...]
    events: tuple[probes.SpoolEvent, ...]
    broken: tuple[str, ...]


def slot(found: Evidence) -> str:
    """Process table and silence are one observation: each replaces the other."""
    return "process" if found.source == "silence" else found.source


class Monitor:
    """Holds the evidence of all agents in memory; `tick` brings it up to date."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self.watched: dict[str, Watched] = {}
        self._measured = 0  # when silent agents were measured last
        self._files = StatusFiles(probes.ProcessFiles().read)
        self._heard = 0  # UTC ms of the last answer of tmux
        self._hearing = 0  # UTC ms since when it answers without a gap: nobody was silent before that

    def restore(
        self, agents: Sequence[Agent], evidence: Mapping[str, list[Evidence]], statuses: Mapping[str, Status]
    ) -> None:
        """Take up what an earlier engine knew, so that `since` and pending asks survive it."""
        for agent in agents:
            self.watched[agent.id] = Watched(
                {slot(e): e for e in evidence.get(agent.id, [])}, statuses.get(agent.id, Status())
            )
        self.know(agents)

    def know(self, agents: Sequence[Agent]) -> None:
        """The agents that exist now; forgets the others."""
        self.agents = {agent.id: agent for agent in agents if agent.life != "creating"}
        for agent_id in list(self.watched):
            if agent_id not in self.agents:
                del self.watched[agent_id]
        for agent_id in self.agents:
            self.watched.setdefault(agent_id, Watched())

    def fresh_start(self, agent_id: str, began: int | None = None) -> None:
        """Forget what was known of an agent's last life; what it told since its new one `began` (UTC ms) stays."""
        known = self.watched.get(agent_id, Watched()).evidence
        told = {key: e for key, e in known.items() if e.source == "hook" and began is not None and e.changed >= began}
        self.watched[agent_id] = Watched(told, dirty=set(told))

    def status(self, agent_id: str) -> Status:
        found = self.watched.get(agent_id)
        return found.status if found else Status()

    async def tick(self, client: tmux.ControlClient | None, server_gone: bool = False) -> Report:
        """One round over all sources. A probe that fails asserts nothing and stops no other."""
        panes = await self._panes(client)
        if panes is not None:
            await self._capture(client, panes)
        events, files, broken = await asyncio.to_thread(self._poll)
        now = now_ms()
        for agent in self.agents.values():
            watched = self.watched[agent.id]
            if agent.life == "live":
                self._observe(agent, watched, panes, server_gone, now)
                if agent.id in files:  # else its disk has not answered, which asserts nothing
                    self._take_file(loader.get(agent.harness), watched, files[agent.id], now)
        for event in events:
            self._hook(event)
        changed = tuple(agent_id for agent_id in self.agents if self._judge(agent_id, now))
        return Report(changed, tuple(events), tuple(broken))

    async def _panes(self, client: tmux.ControlClient | None) -> dict[str, Pane] | None:
        if client is None:
            return None
        try:
            found = await tmux.list_panes(client, timeout=ANSWER_SECONDS)
        except tmux.TmuxError:
            return None
        now = now_ms()
        if now - self._heard > GAP_MS:
            self._hearing = now
        self._heard = now
        return {key: replace(pane, activity=max(pane.activity, self._hearing // 1000)) for key, pane in found.items()}

    @property
    def hears(self) -> bool:
        """Whether tmux has answered in the last round."""
        return now_ms() - self._heard < GAP_MS

    async def _capture(self, client: tmux.ControlClient | None, panes: Mapping[str, Pane]) -> None:
        """Captures the panes that changed since their last capture; activity has a resolution of one second."""
        wanted = {}
        for agent in self.agents.values():
            pane = panes.get(agent.pane)
            watched = self.watched[agent.id]
            if pane is None or agent.life != "live" or pane.deck_id != agent.id:
                continue
            if not loader.get(agent.harness).patterns:
                continue  # nobody reads its screen
            if pane.activity >= watched.captured // 1000 or not watched.screen or _moved(watched.pane, pane):
                wanted[agent.pane] = watched
        if client is None or not wanted:
            return
        taken = now_ms()
        try:
            screens = await tmux.capture(client, list(wanted), timeout=ANSWER_SECONDS)
        except tmux.TmuxError:
            screens = {}
        for watched in wanted.values():
            watched.shown = False  # what it showed before asserts nothing any more
        for pane_id, lines in screens.items():
            wanted[pane_id].screen, wanted[pane_id].captured, wanted[pane_id].shown = lines, taken, True

    def _poll(self) -> tuple[list[probes.SpoolEvent], dict[str, dict[str, object] | None], list[str]]:
        events: list[probes.SpoolEvent] = []
        broken: list[str] = []
        for agent in list(self.agents.values()):
            found, bad = probes.read_spool(agent.id, time.time())
            events += found
            broken += bad
        places = {
            agent.id: file
            for agent in list(self.agents.values())
            if agent.life == "live" and (file := probes.status_file(loader.get(agent.harness), agent))
        }
        files = self._files.look(places)
        self._measure_silent(now_ms())
        return sorted(events, key=lambda e: e.at), files, broken

    def _measure_silent(self, now: int) -> None:
        """Measure all silent agents at once: one look at the process table, however many they are."""
        if now - self._measured < CPU_EVERY_MS:
            return
        silent = [agent for agent in list(self.agents.values()) if self._silent(agent, now)]
        self._measured = now
        trees = processes.trees([processes.Process(agent.pid, agent.pid_start) for agent in silent])
        for agent in silent:
            self._measure(self.watched[agent.id], trees.get(agent.pid, []), now)

    def _silent(self, agent: Agent, now: int) -> bool:
        """Whether an agent's silence may mean something by now."""
        watched, harness = self.watched[agent.id], loader.get(agent.harness)
        if agent.life != "live" or watched.pane is None or not _tells_by_silence(harness, agent, watched.status):
            watched.busy, watched.stopped = None, ()  # of another state: it would say that who waits hangs
            return False
        if now // 1000 - watched.pane.activity < (ev.QUIET_SECONDS if harness.process_status else ev.STOPPED_SECONDS):
            watched.busy, watched.stopped = None, ()
            return False
        return True

    def _measure(self, watched: Watched, tree: Sequence[processes.Process], now: int) -> None:
        """Processor time of an agent's tree since the last look, and which of it a signal has stopped."""
        used, span = processes.cpu_seconds(tree), (now - watched.cpu[0]) / 1000
        if watched.cpu[0] and span < 60:
            watched.busy = (used - watched.cpu[1]) / span > BUSY_SHARE
        watched.stopped = processes.stopped(tree)
        watched.cpu = (now, used)

    def _observe(
        self, agent: Agent, watched: Watched, panes: Mapping[str, Pane] | None, server_gone: bool, now: int
    ) -> None:
        harness = loader.get(agent.harness)
        if server_gone:
            self._gone(agent, watched, now)
            return
        pane = None if panes is None else panes.get(agent.pane)
        if panes is not None and (pane is None or pane.deck_id != agent.id):
            self._gone(agent, watched, now)
            return
        if pane is not None:
            watched.pane, watched.gone = pane, 0
            self._take(watched, ev.from_pane(pane, now))
            if harness.titles:
                self._take(watched, ev.from_title(harness, pane.title, now))
            if harness.patterns and watched.screen and watched.shown:
                self._take(watched, ev.from_screen(harness, strip(watched.screen), now))
            if harness.process_status:
                self._take(watched, ev.from_process(agent.argv, pane, now, watched.busy))
            elif harness.still_seconds:
                silent = now / 1000 - pane.activity
                behind = any(e.background and e.states for e in watched.evidence.values())  # nothing moves
                busy = None if behind else watched.busy
                found = ev.from_stillness(harness.still_seconds, silent, busy, watched.stopped, now)
                self._take(watched, found)

    def _take_file(self, harness: Harness, watched: Watched, file: dict[str, object] | None, now: int) -> None:
        found = ev.from_status_file(harness, file, now) if file is not None else None
        if found is not None:
            self._take(watched, found)
        elif file is None:
            watched.evidence.pop("vendor", None)

    def _gone(self, agent: Agent, watched: Watched, now: int) -> None:
        """Its screen is gone, and it with it, or soon: a program that does not care is named."""
        watched.gone = watched.gone or now
        pid = _lives_on(agent)
        if not pid or now - watched.gone >= DYING_MS:
            self._take(watched, ev.gone(now, pid))

    def _hook(self, event: probes.SpoolEvent) -> None:
        agent = self.agents.get(event.agent)
        if agent is None:
            return
        found = ev.from_hook(loader.get(agent.harness), event.payload, event.at)
        if found is not None:
            self._take(self.watched[agent.id], found)

    def _take(self, watched: Watched, found: Evidence) -> None:
        key = slot(found)
        old = watched.evidence.get(key)
        merged = found if found.source == "hook" else ev.merge(old, found)
        if old is None or old.changed != merged.changed or old.states != merged.states:
            watched.dirty.add(key)
        watched.evidence[key] = merged

    def _judge(self, agent_id: str, now: int) -> bool:
        agent, watched = self.agents[agent_id], self.watched[agent_id]
        if agent.life != "live":
            new = _ended(agent, watched.status, now)
        else:
            grace = agent.created + int(_ready_seconds(agent) * 1000)
            grace = max(grace, int(agent.pid_start * 1000) + int(_ready_seconds(agent) * 1000))
            new = verdict(watched.evidence.values(), now, watched.status, grace)
            for event in spent(watched.evidence.values(), now):
                watched.evidence[slot(event)] = replace(event, states=(), background=False, why=f"{event.why}, over")
                watched.dirty.add(slot(event))
        old, watched.status = watched.status, new
        return (old.state, old.reason, old.ask, old.source, old.why) != (
            new.state,
            new.reason,
            new.ask,
            new.source,
            new.why,
        )


def _tells_by_silence(harness: Harness, agent: Agent, status: Status) -> bool:
    """A plain command always; a client that moves while it works only then."""
    if harness.process_status:
        return not ev.is_prompt_shell(agent.argv)
    return harness.still_seconds > 0 and status.state in ("working", "retrying", "hung", "unknown")


def _moved(old: Pane | None, new: Pane) -> bool:
    return old is None or (old.cursor_y, old.title, old.dead, old.alternate) != (
        new.cursor_y,
        new.title,
        new.dead,
        new.alternate,
    )


def _lives_on(agent: Agent) -> int:
    """The process id of an agent whose screen is gone, should it run all the same; else 0."""
    return agent.pid if agent.pid and processes.alive(processes.Process(agent.pid, agent.pid_start)) else 0


def _ready_seconds(agent: Agent) -> float:
    harness: Harness = loader.get(agent.harness)
    return harness.ready_seconds


def _ended(agent: Agent, before: Status, now: int) -> Status:
    if before.state == "exited":
        return before
    why = "stopped" if agent.exit_code is None else f"exited with {agent.exit_code}"
    return Status("exited", "tmux", agent.ended or now, why, checked=now)
