"""One text on its way to one agent: the gate, the paste, Enter, and the sign that it was taken.

Each step is recorded before it is done, and done by tmux only if the pane is as it was seen (adapters/tmux/handing).
The marks on the pane tell an engine that takes over which of the steps really happened, so that it goes on from there:
what was never pasted is queued again, what was pasted gets its Enter, and Enter is never pressed twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from agentdeck.adapters import processes, tmux
from agentdeck.adapters.database.store import Writer
from agentdeck.harnesses import loader
from agentdeck.harnesses.schema import Harness
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.delivery import Delivery
from agentdeck.services.delivery import deliveries, receipts, sighting, wording
from agentdeck.services.delivery import paste_gate as gate
from agentdeck.services.delivery.sighting import Seen
from agentdeck.services.failpoints import reach
from agentdeck.services.status.monitor import Monitor, strip

ARRIVE_SECONDS = 5.0  # until a paste is taken for dropped, if the client has painted since; else three times as long
ENTER_AFTER_SECONDS = 0.12  # a client takes an Enter too close behind a burst for a newline
PASTES = 3  # at most; Enter follows the one that shows
ACKNOWLEDGE_SECONDS = 10.0
LOOK_SECONDS = 0.2  # between two looks for a sign that it was taken
NOTICE_SECONDS = 0.05
HOOK_SECONDS = 1.5  # by then a client that reports prompts has reported; its other signs count from here on
YOUNG_MS = 2_000  # one that paints on at rest is not waited for longer
T = TypeVar("T")


class Handing:
    """Carries one delivery as far as it comes; what it raises (TmuxError) leaves a row that `run` can go on from."""

    def __init__(
        self, client: tmux.ControlClient, socket: Path, writer: Writer, monitor: Monitor, ears: receipts.Ears,
        agent: Agent, delivery: Delivery, waiter: receipts.Waiter | None = None,
    ) -> None:  # fmt: skip
        """`waiter` has listened since an engine found this delivery half-way: its text may have been sent meanwhile."""
        self.client = client
        self.socket = socket
        self.writer = writer
        self.monitor = monitor
        self.ears = ears
        self.agent = agent
        self.delivery = delivery
        self.waiter = waiter
        self.harness: Harness = loader.get(agent.harness)
        self.text = delivery.text if delivery.command else (wording.literal(self.harness.typing, delivery.text) or "")

    async def run(self, last: int = 0, ended: int = 0) -> None:
        """From wherever the row stands. `last` and `ended` as in `gate.rest`."""
        if not self.text:
            await self._end(
                "refused", "it begins like a command of its client, which knows no way to say that it is none"
            )
            return
        if self.delivery.state == "queued" and not await self._begin(last, ended):
            return
        waiter = self.waiter or self.ears.wait(self.agent.id, self.delivery.pasted, self.delivery.text)
        try:  # one that listens to the end: a report may come before the Enter is written down, or by a human's
            if self.delivery.state == "submitted" or await self._enter(waiter):
                await self._acknowledge(waiter)
        finally:
            self.ears.drop(self.agent.id, waiter)

    async def take_up(self) -> None:
        """What an engine that ended left half-way: the marks on the pane tell how far it really came."""
        seen, row = await self._see(), self.delivery
        gone = gate.refuse(seen.sight.pane if seen else None, self.agent.id)
        if seen is None or gone:
            await self._end_without_pane(gone)
            return
        pasted, entered = seen.sight.pasted == row.paste_mark, seen.sight.entered == row.id
        if row.state == "submitted" and not entered:
            if not pasted:  # no engine of today left that
                await self._unsettled("the engine ended before the client answered")
                return
            await self._step(["submitted"], "pasted", "the engine ended before Enter was sent")
        elif row.state == "submitted" and self.waiter is not None:
            names = self.harness.acknowledge
            if told := await self._change(lambda conn: deliveries.reported(conn, row, names)):
                self.waiter.tell(f"{told} hook, heard by the engine that ended")
        elif row.state == "pasted" and not row.tries:
            await self._end("refused", "the engine ended before Enter; the text may stand in its composer")
        elif row.state == "pasted" and not pasted:
            await self._step(["pasted"], "queued", "the engine ended before it was pasted")
            return
        await self.run()

    async def _unsettled(self, why: str) -> None:
        known = await receipts.transcribed(self.agent, self.delivery.text, self.delivery.submitted)
        await self._end("acknowledged" if known else "uncertain", "" if known else why, known)

    # -- the gate, and the paste

    async def _begin(self, last: int, ended: int) -> bool:
        status = self.monitor.status(self.agent.id)
        if self.delivery.mode == "interrupt" and status.state in ("working", "retrying"):
            await self._interrupt()
            return False
        reason = gate.rest(status, self.delivery.mode, now_ms(), int(self.harness.settle_seconds * 1000), last, ended)
        if reason:
            await self._wait(reason)
            return False
        seen = await self._see()
        final = gate.refuse(seen.sight.pane if seen else None, self.agent.id)
        if seen is None or final:
            await self._end("refused", final)
            return False
        if reason := self._closed(seen):
            await self._wait(reason)
            return False
        return await self._paste()

    def _closed(self, seen: Seen) -> str:
        if self.delivery.mode != "queue" and seen.works:
            return "it has begun to work"
        young = now_ms() - self.monitor.status(self.agent.id).since < YOUNG_MS
        if self.delivery.mode != "queue" and young and not seen.sight.quiet:
            return "it has only just come to rest"  # in silence, any change on its screen stops the paste
        return gate.screen(seen.sight.pane, seen.typed, seen.asks, seen.sight.typed, now_ms())

    async def _interrupt(self) -> None:
        """End the turn that runs, once; the text goes in when it rests."""
        if self.delivery.interrupted:
            return
        await tmux.check_writable(self.client, self.agent.pane, self.agent.id)
        if not await self._change(lambda conn: _interrupting(conn, self.delivery)):
            return
        await tmux.press(self.client, self.agent.pane, self.harness.keys.interrupt)

    async def _paste(self) -> bool:
        claimed = await self._change(lambda conn: deliveries.claim(conn, self.delivery))
        if claimed is None:
            return False
        self.delivery = claimed
        await reach("claimed", self.delivery.task)
        seen = await self._see()  # the disk took its time: what counts is what is there now
        if (
            seen is not None
            and not self._closed(seen)
            and await tmux.paste_as_seen(self.socket, seen.sight, self.text, self.delivery.paste_mark)
        ):
            await reach("pasted", self.delivery.task)
            return True
        await self._step(["pasted"], "queued")  # something moved on its screen: it is looked at again
        return False

    # -- Enter

    async def _enter(self, waiter: receipts.Waiter) -> bool:
        """Press Enter once the text has stood alone in its composer for a moment; whether that was done."""
        clock = asyncio.get_running_loop().time
        missed, stood, painted = 0.0, 0.0, 0
        while not waiter.evidence:
            began, seen = clock(), await self._see()
            gone = gate.refuse(seen.sight.pane if seen else None, self.agent.id)
            if seen is None or gone:
                await self._end_without_pane(gone)
                return False
            painted = painted or seen.sight.pane.activity
            if waiter.stood and seen.typed.state == "empty" and not seen.asks and self._composes:
                break  # where no composer can be seen, nothing leaves it: Enter is only tried again
            hold = self._hold(seen)
            if hold and (seen.held == "ours" or seen.asks or seen.sight.pane.in_mode):
                waiter.stood, stood = waiter.stood or seen.held == "ours", 0.0
                await self._wait(hold)
            elif seen.held == "ours":
                waiter.stood, stood = True, stood or began
                if began - stood >= max(ENTER_AFTER_SECONDS, self.harness.typing.enter_seconds) and await self._press():
                    return True
            elif missed > ARRIVE_SECONDS and seen.held == "other":
                waiter.stood = True  # whoever typed to it sends it or takes it out: a human's line is theirs
                await self._wait("something else stands with it in its composer; Enter is left to whoever typed that")
            elif waiter.stood and seen.typed.state == "absent":
                await self._wait("it stands in its composer, which is not on the screen now")
            elif missed > ARRIVE_SECONDS and await self._astray(waiter, seen, missed, painted):
                return False
            await asyncio.sleep(NOTICE_SECONDS)
            missed += clock() - began if not hold and seen.held != "ours" else 0.0
        await self._taken_away(waiter)
        return False

    def _hold(self, seen: Seen) -> str:
        """What keeps Enter back for now: it would answer a question, or end a human's line."""
        if seen.asks or self.monitor.status(self.agent.id).state == "needs_input":
            return "it stands in its composer; a question came up, and Enter waits until that is answered"
        if seen.sight.pane.in_mode:
            return "it stands in its composer; Enter waits until the pane leaves copy mode"
        if seen.works and self.delivery.mode != "queue":
            return "it stands in its composer; work began there, and Enter waits until that is done"
        if now_ms() - seen.sight.typed < gate.TYPING_MS:
            return "it stands in its composer; Enter waits until nobody types there"
        return ""

    async def _press(self) -> bool:
        if not await self._step(["pasted"], "submitted"):
            return False
        await reach("submitting", self.delivery.task)
        seen = await self._see()
        if (
            seen is not None
            and seen.held == "ours"
            and not self._hold(seen)
            and await tmux.enter_as_seen(self.socket, seen.sight, self.delivery.id)
        ):
            await reach("entered", self.delivery.task)
            return True
        await self._step(["submitted"], "pasted")
        return False

    async def _astray(self, waiter: receipts.Waiter, seen: Seen, missed: float, painted: int) -> bool:
        """A paste that does not show: whether that is the end of it."""
        if seen.sight.pane.activity <= painted and missed < 3 * ARRIVE_SECONDS:
            return False  # it has painted nothing since: it may not have read it yet
        if await asyncio.to_thread(self._stopped):
            return False
        if begun := self._begun(waiter):
            await self._end("uncertain", f"the text never showed in its composer, but {begun}")
        elif seen.typed.state == "empty" and self.delivery.tries < PASTES:
            await self._step(["pasted"], "queued", "its composer did not take the text; it is tried again")
        else:
            await self._end("refused", "the text did not show in its composer; Enter was not sent")
        return True

    def _stopped(self) -> bool:
        process = processes.Process(self.agent.pid, self.agent.pid_start)
        return bool(processes.stopped([process]))

    async def _taken_away(self, waiter: receipts.Waiter) -> None:
        """It stood in the composer and is gone, without our Enter: a human sent it, or took it out with their own."""
        by = await self._by_hand(waiter)
        tells = bool(self.harness.acknowledge or self.harness.transcript.reader)
        if by:
            await self._end("acknowledged", "", f"{by}; Enter was pressed by somebody else")
        elif tells and self.delivery.tries < PASTES:
            await self._step(["pasted"], "queued", "somebody emptied the composer before Enter; it is tried again")
        elif tells:
            await self._end("refused", "somebody took it out of its composer before Enter was sent")
        else:
            await self._end("uncertain", "it left its composer before our Enter: somebody sent it, or took it out")

    async def _by_hand(self, waiter: receipts.Waiter) -> str:
        """What shows that a human sent it. Work that begins after other letters stood there shows nothing."""
        for _ in range(int(HOOK_SECONDS / NOTICE_SECONDS)):
            if waiter.evidence:
                return waiter.evidence
            if begun := self._begun(waiter):
                return begun
            seen = await self._see()
            if seen is not None and seen.held == "other":
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(NOTICE_SECONDS):
                    await waiter.heard.wait()
        return waiter.evidence or await receipts.transcribed(self.agent, self.delivery.text, waiter.since)

    # -- the acknowledgement

    async def _acknowledge(self, waiter: receipts.Waiter) -> None:
        evidence = await self._taken(waiter)
        await reach("taken", self.delivery.task)
        if evidence:
            await self._end("acknowledged", "", evidence)
            return
        seen = await self._see()
        gone = gate.refuse(seen.sight.pane if seen else None, self.agent.id)
        if seen is None or gone:
            await self._end_without_pane(gone)
            return
        stands = " The text still stands in its composer." if seen.held == "ours" and self._composes else ""
        await self._end("uncertain", f"no sign within {ACKNOWLEDGE_SECONDS:g} s that it took the text.{stands}")

    async def _taken(self, waiter: receipts.Waiter) -> str:
        """What shows that the client took the text, '' when nothing did in time.

        A `/command` that the client carries out itself reports no prompt, and some clients report none at all:
        there it is the emptied composer, or that it has begun to work.
        """
        if not self._composes and not self.harness.acknowledge:
            return "its terminal took the line"
        clock = asyncio.get_running_loop().time
        began, emptied = clock(), 0
        while not waiter.evidence and clock() - began < ACKNOWLEDGE_SECONDS:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await waiter.heard.wait()
            if waiter.evidence:
                break
            seen = await self._see()
            if seen is None or gate.refuse(seen.sight.pane, self.agent.id):
                break  # it has died on it; what it still reported is heard later
            emptied = emptied + 1 if seen.held == "nothing" else 0
            sign = await self._sign(waiter, seen, emptied, clock() - began)
            waiter.evidence = waiter.evidence or sign  # a report may have come meanwhile
        return waiter.evidence

    async def _sign(self, waiter: receipts.Waiter, seen: Seen, emptied: int, waited: float) -> str:
        """An emptied composer alone shows something only where no prompt is reported: a human's key empties it too."""
        silent = self.delivery.command or not self.harness.acknowledge
        begun = self._begun(waiter)
        if silent and begun:
            return begun
        if emptied > 1 and silent:
            return "its composer took the text"
        if waited < HOOK_SECONDS:
            return ""
        if emptied > 1 and begun:
            return f"its composer took the text, and {begun}"
        if (
            emptied > 1
            and self.delivery.mode == "queue"
            and seen
            and wording.stands(strip(seen.sight.screen), self.text)
        ):
            return "its composer took the text, and its screen shows it"
        return await receipts.transcribed(self.agent, self.delivery.text, self._gone_out(waiter))

    def _gone_out(self, waiter: receipts.Waiter) -> int:
        return self.delivery.submitted or waiter.since

    def _begun(self, waiter: receipts.Waiter) -> str:
        status = self.monitor.status(self.agent.id)
        works = status.state in ("working", "retrying", "needs_input") and status.since >= self._gone_out(waiter)
        return f"it is {status.state}: {status.why}" if works else ""

    # -- looking and writing down

    @property
    def _composes(self) -> bool:
        return sighting.composes(self.harness)

    async def _see(self) -> Seen | None:
        rest = self.monitor.status(self.agent.id).since
        return await sighting.see(self.client, self.agent, self.harness, self.text, rest)

    async def _end_without_pane(self, why: str) -> None:
        if self.delivery.state == "submitted":
            await self._end("uncertain", f"{why or 'its pane is gone'}, just after Enter was sent")
        else:
            await self._end("refused", f"{why or 'its pane is gone'}; Enter was not sent")

    async def _end(self, state: str, reason: str, evidence: str = "") -> None:
        await self._step([self.delivery.state], state, reason, evidence)

    async def _step(self, was: list[str], state: str, reason: str = "", evidence: str = "") -> bool:
        """Record a step; False when the row stands elsewhere by now (then this is no longer ours)."""
        done = await self._change(lambda conn: deliveries.step(conn, self.delivery, was, state, reason, evidence))
        if done:
            fresh = await self._change(lambda conn: deliveries.get(conn, self.delivery.id))
            self.delivery = fresh or replace(self.delivery, state=state)  # type: ignore[arg-type]
        return done

    async def _wait(self, reason: str) -> None:
        if reason != self.delivery.reason:
            self.delivery = replace(self.delivery, reason=reason)
            was = self.delivery
            await self._change(lambda conn: deliveries.wait(conn, was, reason))

    async def _change(self, change: Callable[[sqlite3.Connection], T]) -> T:
        return await self.writer.run(change)


def _interrupting(conn: sqlite3.Connection, delivery: Delivery) -> bool:
    query = "UPDATE deliveries SET interrupted = ? WHERE id = ? AND state = 'queued' AND interrupted = 0"
    return bool(conn.execute(query, (now_ms(), delivery.id)).rowcount)
