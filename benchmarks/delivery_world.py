"""Fake clients in all their moods, humans who type to some of them, texts for all, and what became of each text."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from agentdeck import paths
from agentdeck.adapters import tmux
from agentdeck.errors import AgentDeckError
from agentdeck.models.clock import now_ms
from agentdeck.services import requests
from agentdeck.services.lives.environment import save_environment
from tests import fakeclient
from tests.waiting import wait_until

FAKE = Path(fakeclient.__file__)
KINDS = ("idle", "busy", "deaf", "dialog", "mortal", "resized", "typed")
HABITS = {"idle": "", "resized": "", "typed": ""}  # the others are habits of the client itself
STUCK_SECONDS = 40
PIECES = (
    "plain words",
    "two\nlines",
    "a\ttab",
    "👩‍💻 漢字 é",
    "`code` $HOME \\ {x}",
    "# heading",
    "x" * 300,
    "#9 @a/b.py",
)


@dataclass
class Agent:
    id: str
    name: str
    kind: str
    pane: str
    log: Path
    wrong: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """Of all texts: how many went which way, the faults, and seconds from the opening of the gate to the receipt."""

    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    kinds: dict[str, list[float]] = field(default_factory=dict)
    by_hand: int = 0  # whose Enter a human pressed
    early: int = 0  # pastes in the very moment in which a client began to work by itself; Enter waited


class World:
    """One deck of fake clients. Its humans type as the dashboard's zoom does."""

    def __init__(self, repo: Path, random: Random) -> None:
        self.repo = repo
        self.random = random
        self.agents: list[Agent] = []
        self.client: tmux.ControlClient | None = None
        self.sent = 0
        self.stuck: list[str] = []  # agents whose texts did not move on for long
        self.hands: dict[str, Callable[[bytes], None]] = {}  # of humans who type into a zoomed dashboard, by agent
        self._ended = asyncio.Event()

    async def build(self, count: int, kinds: Sequence[str] = KINDS) -> None:
        from agentdeck.services.lives import summon

        folder = paths.user_harnesses_dir()
        folder.mkdir(parents=True, exist_ok=True)
        for name, tells in (("telling", True), ("mute", False)):
            (folder / f"{name}.toml").write_text(fakeclient.harness(name, tells=tells))
        await summon.ensure_engine()
        for number in range(count):
            await self._new(number, kinds[number % len(kinds)])
        self.client = await tmux.ControlClient.open(paths.tmux_socket())

    async def _new(self, number: int, kind: str) -> None:
        tells = number // len(KINDS) % 2 == 0
        name, log = f"{kind}-{number}", self.repo.parent / f"{kind}-{number}.log"
        habits = ",".join(filter(None, [HABITS.get(kind, kind), "tells" if tells else ""])) or "none"
        command = [sys.executable, str(FAKE), str(log), str(self.random.random()), habits]
        env_file = save_environment()
        try:
            made = await requests.ask(
                "new", name=name, harness="telling" if tells else "mute", repo=str(self.repo), args=command,
                env_file=str(env_file), here=True,
            )  # fmt: skip
        finally:
            env_file.unlink(missing_ok=True)
        self.agents.append(Agent(str(made["id"]), name, kind, str(made["pane_id"]), log))

    # -- living

    async def live(self, texts: int, patience: float) -> None:
        """Send `texts` texts, all agents at once, and wait until each has settled, `patience` seconds at most."""
        others = [asyncio.create_task(self._human(agent)) for agent in self.agents if agent.kind == "typed"]
        others += [asyncio.create_task(self._resizer(agent)) for agent in self.agents if agent.kind == "resized"]
        others += [asyncio.create_task(self._reviver(agent)) for agent in self.agents if agent.kind == "mortal"]
        share = [texts // len(self.agents) + (n < texts % len(self.agents)) for n in range(len(self.agents))]
        try:
            await asyncio.gather(*(self._sender(agent, n) for agent, n in zip(self.agents, share, strict=True)))
            with suppress(AssertionError):  # what has not settled is counted
                await wait_until(lambda: not self._unsettled(), patience, interval=0.1)
        finally:
            self._ended.set()
            await asyncio.gather(*others)
            if self.client is not None:
                await self.client.close()

    async def _sender(self, agent: Agent, count: int) -> None:
        for _ in range(count):
            try:
                await wait_until(lambda: self._unsettled(agent.id) < 2, STUCK_SECONDS, interval=0.05)
            except AssertionError:
                self.stuck.append(agent.name)
                return
            self.sent += 1
            piece = self.random.choice(PIECES)
            text = f"[{self.sent}] {piece} " + "y" * self.random.choice((0, 0, 0, 40, 5000))
            while True:
                try:
                    await requests.ask("send", agent.id, text=text, timeout=60)
                    break
                except AgentDeckError:  # it has ended; somebody resumes it
                    await asyncio.sleep(0.2)
            await asyncio.sleep(self.random.uniform(0, 0.4))

    async def _pause(self, least: float, most: float) -> bool:
        """Whether life goes on after so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), self.random.uniform(least, most))
        return not self._ended.is_set()

    async def _human(self, agent: Agent) -> None:
        """Types a few letters at some moment, then sends them or takes them back."""
        while await self._pause(0.5, 6.0):
            for letter in "hm "[: self.random.randint(1, 3)]:
                await self._type(agent, letter.encode())
                await asyncio.sleep(self.random.uniform(0.05, 0.2))
            await asyncio.sleep(self.random.uniform(0.1, 0.8))
            await self._type(agent, self.random.choice((b"\x15", b"\x15", b"\r")))
        await self._type(agent, b"\x15")

    async def _type(self, agent: Agent, keys: bytes) -> None:
        assert self.client is not None
        if agent.name in self.hands:
            await asyncio.to_thread(self.hands[agent.name], keys)
            return
        with suppress(tmux.TmuxError):
            await tmux.check_writable(self.client, agent.pane, agent.id, typing=True)
            await tmux.send_bytes(self.client, agent.pane, keys)

    async def _resizer(self, agent: Agent) -> None:
        assert self.client is not None
        while await self._pause(0.1, 0.6):
            columns, rows = self.random.randint(60, 180), self.random.randint(12, 50)
            with suppress(tmux.TmuxError):
                await self.client.command("resize-window", "-t", agent.pane, "-x", str(columns), "-y", str(rows))

    async def _reviver(self, agent: Agent) -> None:
        while await self._pause(0.5, 1.5):
            with closing(_read()) as conn:
                life = conn.execute("SELECT life FROM agents WHERE id = ?", (agent.id,)).fetchone()[0]
            if life != "stopped":
                continue
            env_file = save_environment()
            with suppress(AgentDeckError):
                await requests.ask("resume", agent.id, env_file=str(env_file), timeout=30)
            env_file.unlink(missing_ok=True)

    def _unsettled(self, agent: str = "") -> int:
        with closing(_read()) as conn:
            where = "AND agent = ?" if agent else ""
            query = f"SELECT COUNT(*) FROM deliveries WHERE state IN ('queued', 'pasted', 'submitted') {where}"
            return int(conn.execute(query, (agent,) if agent else ()).fetchone()[0])

    # -- what came of it

    def judge(self, limit: float = 5.0) -> Tally:
        """Compare what the deck says with what the clients recorded."""
        tally = Tally()
        for agent in self.agents:
            log = [json.loads(line) for line in agent.log.read_text().splitlines()]
            with closing(_read()) as conn:
                query = "SELECT * FROM deliveries WHERE agent = ? ORDER BY created, rowid"
                told = [dict(row) for row in conn.execute(query, (agent.id,))]
            self._judge(agent, log, told, limit, tally)
        tally.faults += [f"{name}: its texts did not move on" for name in self.stuck]
        if sum(tally.states.values()) != self.sent:
            tally.faults.append(f"{self.sent} sent, {sum(tally.states.values())} in the outbox")
        return tally

    def _judge(self, agent: Agent, log: list[dict[str, Any]], told: list[dict[str, Any]], limit: float, tally: Tally
               ) -> None:  # fmt: skip
        wrong = [f"{agent.name}: {row['what']} {row}" for row in log if row["what"] in ("key", "paste", "over")]
        if agent.kind == "typed":  # its human types blindly too
            wrong = [each for each in wrong if ": key " not in each]
        sent = [row for row in log if row["what"] == "prompt" and row["text"].startswith("[")]
        wrong += [
            f"{agent.name}: Enter while it worked: {row['text'][:40]!r}" for row in sent if row["state"] != "ready"
        ]
        tally.early += sum(row["what"] == "early" for row in log)
        heard = Counter(row["text"].strip() for row in sent)
        before = 0
        for delivery in told:
            tally.states[delivery["state"]] += 1
            count = heard.pop(delivery["text"].strip(), 0)
            if "somebody else" in delivery["evidence"]:  # a human's own Enter, be it with letters of theirs
                tally.by_hand += 1
                whole = [text for text in heard if delivery["text"].strip() in text]
                count += sum(heard.pop(text) for text in whole)
            what = f"{agent.name}: {delivery['text'][:24]!r} is {delivery['state']} ({delivery['reason']})"
            if delivery["state"] == "acknowledged":
                if count != 1:
                    wrong.append(f"{what} and came {count} times")
                waited = (delivery["settled"] - _opened(log, delivery, before)) / 1000
                tally.waits.append(waited)
                tally.kinds.setdefault(agent.kind, []).append(waited)
                if waited > limit:
                    wrong.append(f"{what} {waited:.1f} s after its gate had opened")
            else:
                tally.reasons[f"{delivery['state']}: {delivery['reason']}"] += 1
                if count and delivery["state"] != "uncertain":
                    wrong.append(f"{what} but came {count} times")
                if not _excused(agent, delivery, log):
                    wrong.append(what)
            before = delivery["settled"] or now_ms()
        by_hand = [one["text"].strip() for one in told if "somebody sent it" in one["reason"]]
        nobodys = [text for text in heard if not any(each in text for each in by_hand)]
        wrong += [f"{agent.name}: nobody sent {text[:40]!r}" for text in nobodys]
        tally.faults += wrong


def _excused(agent: Agent, delivery: dict[str, Any], log: list[dict[str, Any]]) -> bool:
    """Whether a text that was not acknowledged could not be: its client died, or its human took it in hand."""
    if agent.kind == "mortal" and "ended" in delivery["reason"]:
        return True
    what = delivery["text"].strip()
    wiped = any(row["what"] == "wiped" and row["text"].strip() == what for row in log)
    if "took it out of" in delivery["reason"]:
        return wiped
    sent = any(row["what"] == "prompt" and row["mixed"] and what in row["text"] for row in log)
    return "somebody sent it, or took it out" in delivery["reason"] and (wiped or sent)


def _opened(log: list[dict[str, Any]], delivery: dict[str, Any], before: int) -> int:
    """When the gate opened for this text (UTC ms): the client was ready, and the text before it was done with."""
    moments = [
        row["at"] for row in log if row["what"] == "open" and row["value"] and row["at"] <= delivery["submitted"]
    ]
    return max([delivery["created"], before, *moments[-1:]])


def _read() -> sqlite3.Connection:
    conn = sqlite3.connect(f"file:{paths.database_file()}?mode=ro", uri=True, timeout=10)
    conn.row_factory = sqlite3.Row
    return conn
