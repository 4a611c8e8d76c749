"""Carries out what views ask for: one coroutine a kind, one request at a time to any agent."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import tmux
from agentdeck.adapters.database.store import EpochLost, Writer
from agentdeck.engine import ledger
from agentdeck.engine.link import Link
from agentdeck.errors import AgentDeckError, TryAgain, UsageError
from agentdeck.harnesses import loader
from agentdeck.models.agent import NAME, NAME_RULE, Agent, check_team
from agentdeck.models.budget import Amounts
from agentdeck.models.clock import now_ms
from agentdeck.services import rows
from agentdeck.services.asking import answering
from agentdeck.services.budgets import budgets
from agentdeck.services.delivery import deliveries, wording
from agentdeck.services.failpoints import reach
from agentdeck.services.foreign import foreign, foreign_watch
from agentdeck.services.foreign.foreign_watch import ForeignWatch
from agentdeck.services.lives import adoption, environment
from agentdeck.services.lives.lives import Order
from agentdeck.services.lives.supervisor import Supervisor
from agentdeck.services.queue import queue, specs
from agentdeck.services.status.monitor import Monitor
from agentdeck.services.tools import companions
from agentdeck.services.trees import disk

log = logging.getLogger("agentdeck.requests")
Args = Mapping[str, object]
Result = dict[str, object]


class Handlers:
    """`begin` claims a request for this engine, `carry_out` does it and settles its row."""

    def __init__(
        self, writer: Writer, monitor: Monitor, supervisor: Supervisor, link: Link, elsewhere: ForeignWatch
    ) -> None:
        self.writer = writer
        self.monitor = monitor
        self.supervisor = supervisor
        self.link = link
        self.elsewhere = elsewhere
        self._begun: set[str] = set()
        self._closed: set[str] = set()
        self.ending: set[str] = set()  # agents whose end was asked for: it is no news
        self._locks: dict[str, asyncio.Lock] = {}
        self.lent = environment.Lent()
        self.halt: Callable[[], Awaitable[None]] = _nothing  # what ends beside the agents, and
        self.go_on: Callable[[], None] = lambda: None  # begins again with the first of them
        self._kinds: dict[str, Callable[[Agent, Args], Awaitable[Result]]] = {
            "send": self._send, "answer": self._answer, "interrupt": self._interrupt, "stop": self._stop,
            "resume": self._resume, "beside": self._beside, "rm": self._remove, "rename": self._rename,
            "team": self._team,
        }  # fmt: skip

    @property
    def busy(self) -> bool:
        return bool(self._begun)

    def lock(self, agent: str) -> asyncio.Lock:
        """Held while something is done to that agent."""
        return self._locks.setdefault(agent, asyncio.Lock())

    def begin(self, request: ledger.Ordered) -> bool:
        """Whether this request is new to us: the same row may be read twice before it is claimed."""
        if request.id in self._begun:
            return False
        self._begun.add(request.id)
        return True

    async def carry_out(self, request: ledger.Ordered) -> None:
        try:
            if await self.writer.run(lambda conn: ledger.claim(conn, request.id)):
                await self._settled(request)
        finally:
            self._begun.discard(request.id)

    def spent(self, agents: Sequence[Agent]) -> list[Agent]:
        """Companions that have ended and go now; each is named once."""
        found = [agent for agent in agents if companions.spent(agent) and agent.id not in self._closed]
        self._closed.update(agent.id for agent in found)
        return found

    async def close(self, agent: Agent) -> None:
        """Take an ended companion off the deck, its pane with it."""
        async with self.lock(agent.id):
            try:
                await self.supervisor.close(agent)
            except AgentDeckError as error:
                log.warning("%s stays on the deck: %s", agent.name, error.title)

    async def _settled(self, request: ledger.Ordered) -> None:
        try:
            result, state = await self._do(request), "done"
        except EpochLost:
            raise
        except AgentDeckError as error:
            result, state = {"title": error.title, "hint": error.hint, "exit_code": error.exit_code}, "failed"
        except Exception as error:  # the boundary: one request that fails must not end the engine
            log.exception("request %s failed", request.kind)
            result, state = (
                {
                    "title": f"{request.kind} failed: {error}",
                    "hint": "The engine's log has the whole story: `agentdeck log`.",
                    "exit_code": 1,
                },
                "failed",
            )
        await self.writer.run(lambda conn: ledger.settle(conn, request.id, state, result))

    async def _do(self, request: ledger.Ordered) -> Result:
        if request.kind == "new":
            return await self._new(request.args)
        if request.kind == "take":
            return await self._take(request.args)
        if request.kind == "halt":
            await self.halt()
            return {}
        if request.kind == "dispatch":
            return await self._dispatch(request)
        if request.kind == "undo":
            return await self._undo(request.args)
        if request.kind == "empty":
            return await self._empty(request.args)
        if request.kind == "adopt":
            return await self._adopt(request.args)
        if request.kind == "cancel":
            return await self._cancel(request.args)
        handler = self._kinds.get(request.kind)
        if handler is None:
            raise UsageError(
                f"the engine knows no request '{request.kind}'",
                "A newer view may be talking to an older engine: `agentdeck halt` and start again.",
            )
        async with self.lock(request.agent):
            agent = await self.writer.run(lambda conn: rows.find(conn, request.agent))
            return await handler(agent, request.args)

    # -- one coroutine a kind

    async def _new(self, args: Args) -> Result:
        environ = await asyncio.to_thread(self.lent.take, str(args.get("env_file") or ""))
        words = args.get("args")
        given = {key: str(args.get(key) or "") for key in ("base", "model", "team", "prompt")}
        check_team(given["team"])
        budget = str(args.get("budget") or "")
        order = Order(
            name=str(args["name"]),
            harness=str(args["harness"]),
            repo=str(args["repo"]),
            here=bool(args.get("here")),
            args=tuple(map(str, words)) if isinstance(words, list) else (),
            setup=str(args.get("setup") or "ask"),
            limits=budgets.parse_limits(budget) if budget else Amounts(),
            **given,
        )
        await self.link.ensure()
        agent = await self.supervisor.new(order, environ)
        self.go_on()
        return {
            "id": agent.id,
            "name": agent.name,
            "pane_id": agent.pane,
            "worktree": agent.worktree,
            "branch": agent.branch,
        }

    async def _take(self, args: Args) -> Result:
        """Go on with a session that was started elsewhere; `anyway` although its process still has it."""
        environ = await asyncio.to_thread(self.lent.take, str(args.get("env_file") or ""))
        row = await self.elsewhere.find(str(args.get("session") or ""))
        held = await asyncio.to_thread(foreign_watch.still_has, row)
        order, environ = foreign_watch.taken_up(row, str(args["name"]), environ, held and not args.get("anyway"))
        await self.link.ensure()
        agent = await self.supervisor.new(order, environ)
        if not held:
            await self.writer.run(lambda conn: foreign.forget(conn, row))
        return {"id": agent.id, "name": agent.name, "pane_id": agent.pane, "worktree": agent.worktree}

    async def _dispatch(self, request: ledger.Ordered) -> Result:
        """A spec for one agent, by file or by text; a human's own dispatch is the approval of that content."""
        await asyncio.to_thread(disk.require_room)
        args = request.args
        path = str(args.get("spec_path") or "")
        spec = await asyncio.to_thread(specs.load, Path(path)) if path else specs.parse(str(args.get("text") or ""))

        def change(conn: sqlite3.Connection) -> int:
            agent = rows.find(conn, request.agent)
            key = queue.add(conn, spec, agent.repo, agent=agent.name)
            ledger.settle(conn, request.id, "done", {"task": key})  # in one with it: no crash can have it added twice
            return key

        await reach("asked")
        return {"task": await self.writer.run(change)}

    async def _adopt(self, args: Args) -> Result:
        """Rows for what survived without one; what cannot be adopted keeps nothing else back."""
        words = args.get("wanted")
        wanted = [str(word) for word in words] if isinstance(words, list) else []
        socket = self.supervisor.socket
        found = adoption.choose(await asyncio.to_thread(adoption.find_in, paths.database_file(), socket), wanted)
        made, failed = list[Result](), list[str]()
        for one in found:
            try:
                agent = await asyncio.to_thread(adoption.adopt, self.writer, socket, one)
            except AgentDeckError as error:
                failed.append(f"{error.title}. {error.hint}")
                continue
            self.monitor.fresh_start(agent.id)
            made.append({"id": agent.id, "name": agent.name, "life": agent.life, "worktree": agent.worktree})
        return {"adopted": made, "failed": failed}

    async def _send(self, agent: Agent, args: Args) -> Result:
        text, mode = wording.clean(str(args.get("text") or "")), str(args.get("mode") or "idle")
        if not text.text.strip():
            left = f" once its {text.note}" if text.note else ""
            raise UsageError(f"there is nothing to send{left}", "Give the text, or - to read it from standard input.")
        if agent.life != "live":
            raise AgentDeckError(f"'{agent.name}' is not running", f"Resume it first: `agentdeck resume {agent.name}`.")
        given, command, batch = str(args.get("text")), bool(args.get("command")), str(args.get("batch") or "")
        key = await self.writer.run(
            lambda conn: deliveries.add(conn, agent.id, given, mode=mode, command=command, batch=batch)
        )
        return {"delivery": key, "note": text.note}

    async def _cancel(self, args: Args) -> Result:
        found = await self.writer.run(lambda conn: deliveries.cancel(conn, str(args.get("delivery") or "")))
        return {"delivery": found.id, "agent": found.agent}

    async def _client(self, agent: Agent) -> tmux.ControlClient:
        client = await self.link.client()
        if client is None or agent.life != "live":
            raise AgentDeckError(f"'{agent.name}' is not running", f"Resume it first: `agentdeck resume {agent.name}`.")
        await tmux.check_writable(client, agent.pane, agent.id)
        return client

    async def _answer(self, agent: Agent, args: Args) -> Result:
        client, given = await self._client(agent), str(args.get("answer", ""))
        expected = rows.ask(str(args["expected"])) if args.get("expected") else None
        since = int(str(args.get("since") or 0))
        done = await answering.give(client, self.monitor, agent, given, expected, since=since)
        note = {"answer": given, "taken": done.taken}
        await self.writer.run(lambda conn: rows.event(conn, done.at, "answer", agent.id, **note))
        if done.words and done.taken:
            await self._send(agent, {"text": done.words})
        if not done.taken:
            raise TryAgain(
                f"'{agent.name}' was answered, but the question still stands on its screen",
                f"Look before you answer again: `agentdeck screen {agent.name}`.",
            )
        return {"pressed": list(done.keys), "left": done.words}

    async def _interrupt(self, agent: Agent, args: Args) -> Result:
        client = await self._client(agent)
        keys = loader.get(agent.harness).keys.interrupt
        await tmux.press(client, agent.pane, keys)
        await self.writer.run(lambda conn: rows.event(conn, now_ms(), "agent", agent.id, action="interrupt"))
        return {"pressed": keys}

    async def _stop(self, agent: Agent, args: Args) -> Result:
        if agent.life == "creating" or (agent.life == "stopped" and not await self.supervisor.lingers(agent)):
            return {"already": True}
        self.ending.add(agent.id)
        polite = self.monitor.status(agent.id).state in ("idle", "failed")
        client = await self.link.client()
        await self.supervisor.stop(agent, client if polite else None)
        if agent.life == "stopped":  # what lingered is gone: say so
            self.monitor.fresh_start(agent.id)
        return {"already": False}

    async def _resume(self, agent: Agent, args: Args) -> Result:
        environ = await asyncio.to_thread(self.lent.take, str(args.get("env_file") or ""))
        other = await self.writer.run(lambda conn: foreign.running(conn, agent.harness, agent.session))
        await asyncio.to_thread(foreign_watch.require_free, other)
        await self.link.ensure()
        agent, began = await self.supervisor.resume(agent, environ)
        self.go_on()
        self.ending.discard(agent.id)
        self.monitor.fresh_start(agent.id, began)
        return {"id": agent.id, "pane_id": agent.pane}

    async def _beside(self, agent: Agent, args: Args) -> Result:
        """A shell or tool of the human's in the agent's worktree."""
        environ = await asyncio.to_thread(self.lent.take, str(args.get("env_file") or ""))
        words = args.get("argv")
        argv = tuple(map(str, words)) if isinstance(words, list) else ()
        taken = await self.writer.run(lambda conn: {each.name for each in rows.agents(conn)})
        await self.link.ensure()
        made = await self.supervisor.new(companions.order(agent, str(args.get("what") or "sh"), argv, taken), environ)
        return {"id": made.id, "name": made.name, "pane_id": made.pane}

    async def _remove(self, agent: Agent, args: Args) -> Result:
        if agent.beside:
            await self.supervisor.close(agent)
            return {"id": agent.id, "trash": ""}
        entry = await self.supervisor.remove(agent, str(args.get("shown") or ""))
        return {"id": agent.id, "trash": entry.id, "holds": entry.holds, "place": entry.place, "origin": entry.origin}

    async def _undo(self, args: Args) -> Result:
        name = str(args.get("name") or "")
        if name and not NAME.match(name):
            raise UsageError(f"'{name}' cannot be an agent's name", f"A name is {NAME_RULE}.")
        back = await self.supervisor.trash.back(str(args.get("entry") or ""), name)
        self.monitor.fresh_start(back.agent)
        return {**asdict(back), "notes": list(back.notes)}

    async def _empty(self, args: Args) -> Result:
        wanted = args.get("entries")
        gone = await self.supervisor.trash.empty([str(key) for key in wanted] if isinstance(wanted, list) else [])
        return {"freed": sum(entry.size for entry in gone), "entries": [entry.id for entry in gone]}

    async def _rename(self, agent: Agent, args: Args) -> Result:
        name = str(args.get("name", ""))
        if not NAME.match(name):
            raise UsageError(f"'{name}' cannot be an agent's name", f"A name is {NAME_RULE}.")

        def change(conn: sqlite3.Connection) -> None:
            if conn.execute("SELECT 1 FROM agents WHERE name = ? AND life != 'removed'", (name,)).fetchone():
                raise UsageError(f"an agent is called '{name}' already", "Choose another name.")
            rows.update(conn, "agents", "id", agent.id, name=name)
            rows.event(conn, now_ms(), "agent", agent.id, action="rename", name=name, before=agent.name)

        await self.writer.run(change)
        return {"name": name}

    async def _team(self, agent: Agent, args: Args) -> Result:
        team = str(args.get("team", "")).strip()
        check_team(team)

        def change(conn: sqlite3.Connection) -> None:
            rows.update(conn, "agents", "id", agent.id, team=team)
            rows.update(conn, "agents", "beside", agent.id, team=team)
            rows.event(conn, now_ms(), "agent", agent.id, action="team", team=team, before=agent.team)

        await self.writer.run(change)
        return {"team": team}


async def _nothing() -> None: ...
