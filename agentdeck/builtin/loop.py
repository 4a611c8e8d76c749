"""The agent itself: prompt, model, tool calls, results, model again, until the model has nothing more to do."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, Protocol

from agentdeck.builtin.history import INTERRUPTED, Block, History, result_block, text_block
from agentdeck.builtin.model import ATTEMPTS, Model, ModelError, Reply
from agentdeck.builtin.report import Reporter
from agentdeck.builtin.tools import Tool, ToolError, Workplace
from agentdeck.builtin.transcript import Transcript

DENIED = "The user denied this call. Do not try to get round it; go on without it, or say what is needed."

Outcome = Literal["done", "interrupted", "failed"]


class Front(Protocol):
    """What the human sees and says; a terminal, or nothing but stdout."""

    def heard(self, prompt: str) -> None: ...
    def text(self, piece: str) -> None: ...
    def count(self, output_tokens: int) -> None: ...
    def call(self, name: str, given: dict[str, Any]) -> None: ...
    def result(self, name: str, content: str, failed: bool) -> None: ...
    def retrying(self, seconds: float, attempt: int, attempts: int, error: str) -> None: ...
    def working(self) -> None: ...
    def note(self, text: str, failed: bool = False) -> None: ...
    async def ask(self, name: str, given: dict[str, Any], why: str) -> bool: ...


class Agent:
    """One conversation. Only `turn` runs long; cancelling its task is how a human interrupts."""

    def __init__(
        self,
        model: Model,
        tools: dict[str, Tool],
        place: Workplace,
        front: Front,
        report: Reporter,
        transcript: Transcript,
        history: History,
        system: str,
        ask: bool = True,
    ) -> None:
        self._model = model
        self._tools = tools
        self._place = place
        self._front = front
        self._report = report
        self._transcript = transcript
        self._history = history
        self._system = system
        self._ask = ask
        self.queued: list[str] = []  # what the human said during the turn
        self.last_text = ""
        self._spent = 0  # output tokens of this turn's finished responses

    def queue(self, prompt: str) -> None:
        """Say something during a turn; the model hears it with its next request."""
        self.queued.append(prompt)
        self._report.send("UserPromptSubmit", prompt=prompt)

    async def turn(self, prompt: str) -> Outcome:
        """Work on `prompt` until the model is done. Never raises for what the model or the human did."""
        self.last_text, self._spent = "", 0
        self._report.send("UserPromptSubmit", prompt=prompt)
        self._hear(prompt)
        try:
            await self._work()
        except asyncio.CancelledError:
            self._interrupted()
            return "interrupted"
        except ModelError as error:
            self._front.note(f"✗ API error: {error}", failed=True)
            self._report.send("StopFailure", error=str(error))
            return "failed"
        self._report.send("Stop", last_assistant_message=self.last_text)
        return "done"

    async def _work(self) -> None:
        while True:
            reply = await self._respond()
            for call in reply.calls():
                await self._run(call, cut=call["id"] in reply.cut)
            if self._place.summary is not None:
                return
            heard = self._hear_queued()
            if not reply.calls() and not heard:
                if reply.stop_reason not in ("end_turn", "stop_sequence"):
                    self._front.note(f"The answer ended early: {reply.stop_reason}.")
                return

    def _hear(self, prompt: str) -> None:
        self._front.heard(prompt)
        self._transcript.append("user", content=prompt)
        self._history.user(text_block(prompt))

    def _hear_queued(self) -> bool:
        prompts, self.queued = self.queued, []
        for prompt in prompts:
            self._hear(prompt)
        return bool(prompts)

    async def _respond(self) -> Reply:
        """One answer of the model, over as many attempts as it takes."""
        attempt = 1
        while True:
            reply = Reply()
            try:
                await self._stream(reply)
            except ModelError as error:
                wait = error.wait(attempt)
                self._keep(reply, partial=True, content=wait is None)
                if wait is None:
                    raise
                attempt += 1
                self._front.retrying(wait, attempt, ATTEMPTS, str(error))
                self._report.send("Retry", attempt=attempt, seconds=round(wait, 1), error=str(error))
                await asyncio.sleep(wait)
            except asyncio.CancelledError:
                self._keep(reply, partial=True)
                raise
            else:
                self._keep(reply)
                self.last_text = reply.text() or self.last_text
                self._spent += reply.usage.get("output_tokens", 0)
                return reply

    async def _stream(self, reply: Reply) -> None:
        self._front.working()
        tools = [tool.definition() for tool in self._tools.values()]
        length = 0

        def show(piece: str) -> None:
            nonlocal length
            length += len(piece)
            self._front.text(piece)
            # The provider counts at the end; until then four characters are about a token.
            self._front.count(self._spent + max(reply.usage.get("output_tokens", 0), length // 4))

        await self._model.stream(self._system, tools, self._history.request(), reply, show)

    def _keep(self, reply: Reply, partial: bool = False, content: bool = True) -> None:
        """Remember a response, also a broken one: its tokens were counted all the same."""
        if not reply.id:
            return
        if partial:
            reply.close_block(early=True)
            reply.blocks = [block for block in reply.blocks if block["type"] == "text"] if content else []
        self._history.assistant(reply.blocks)
        row = {
            "id": reply.id,
            "request_id": reply.request_id,
            "model": reply.model,
            "stop_reason": reply.stop_reason,
            "content": reply.blocks,
            "usage": reply.usage,
        }
        self._transcript.append("assistant", **row, **({"partial": True} if partial else {}))

    async def _run(self, call: Block, cut: bool) -> None:
        """One tool call: shown, allowed or not, run, and its result given back to the model."""
        name, given = call["name"], call["input"]
        facts = {"tool_name": name, "tool_input": given, "tool_use_id": call["id"]}
        self._front.call(name, given)
        self._report.send("PreToolUse", **facts)
        failed = True
        try:
            content = await self._carry_out(name, given, cut)
            failed = False
        except ToolError as error:
            content = str(error)
        except (OSError, ValueError, RuntimeError) as error:  # bad paths, full disks, link loops: for the model to see
            content = f"{type(error).__name__}: {error}"
        self._front.result(name, content, failed)
        self._result(call, content, failed)
        self._report.send("PostToolUse", **facts, tool_response={"is_error": failed, "content": content[:2000]})

    async def _carry_out(self, name: str, given: dict[str, Any], cut: bool) -> str:
        if cut:
            raise ToolError("The input of this call was cut off at the output limit: send less at once.")
        tool = self._tools.get(name)
        if tool is None:
            raise ToolError(f"There is no tool {name!r}. Tools are: {', '.join(self._tools)}.")
        tool.check(given)
        why = tool.asks(self._place, given)
        if why and self._ask and not await self._allowed(name, given, why):
            raise ToolError(DENIED)
        return await tool.run(self._place, given)

    async def _allowed(self, name: str, given: dict[str, Any], why: str) -> bool:
        self._report.send("PermissionRequest", tool_name=name, tool_input=given)
        allowed = False
        try:
            allowed = await self._front.ask(name, given, why)
        finally:  # interrupted at the question counts as no
            self._report.send("PermissionReply", decision="allow" if allowed else "deny")
        return allowed

    def _result(self, call: Block, content: str, failed: bool) -> None:
        self._history.user(result_block(call["id"], content, failed))
        row = {"tool_use_id": call["id"], "name": call["name"], "content": content, "is_error": failed}
        self._transcript.append("tool_result", **row)

    def _interrupted(self) -> None:
        """Leave a valid history: the calls that did not finish get a result that says so."""
        for call in self._history.open_calls():
            self._result(call, "Interrupted by the user.", True)
        self._front.note("⎿ Interrupted")
        self._transcript.append("interrupt")
        self._history.user(text_block(INTERRUPTED))
        self._report.send("Interrupt")
