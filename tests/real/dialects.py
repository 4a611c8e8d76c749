"""The scripted model in the dialects that other clients speak: OpenAI's Responses and chat completions, and Gemini's.

    with Dialects() as model: ...  model.url, model.prompts

What is said is written in the prompt (agentdeck/demo/script.py), as with the scripted model of the demo, and
`::call TOOL {"json": "input"}` calls any tool a client offers. Nothing is kept: a client sends all of it every time.
"""

from __future__ import annotations

import json
import re
import select
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from agentdeck.demo.rules import Scenario
from agentdeck.demo.script import Call, Step

Event = tuple[str, dict[str, Any] | str]  # the name of a server-sent event ('' for none) and its data
INPUT, OUTPUT = 1000, 50  # tokens of every response whose script names none


@dataclass(frozen=True, slots=True)
class Handed:
    """One response that went out whole: for which prompt ('' when no human made it), and its tokens.

    `input` is uncached, `output` includes `reasoning`. `words` begin what was asked, to tell helper requests apart.
    """

    prompt: str
    words: str
    input: int
    read: int
    output: int
    reasoning: int


def used(step: Step, *, read: int = 0) -> tuple[int, int, int, int]:
    """Uncached input, cached input, output, and how much of it is reasoning."""
    output = step.usage.get("output", OUTPUT)
    cached = step.usage.get("read", read)
    return step.usage.get("input", INPUT - cached), cached, output, output // 10


class Dialects:
    """The server. `prompts` are those it answered for a human, each once, oldest first; `answered` counts responses.

    `log` tells what happened: (seconds since 1970, asked | answered | called | failed | cut, the prompt). A response
    that calls a tool is `called`; a request that no human made has the prompt ''. `handed` is what was paid for.
    """

    def __init__(self) -> None:
        self.log: list[tuple[float, str, str]] = []
        self.handed: list[Handed] = []
        self.prompts: list[str] = []
        self.answered = 0
        self.stopping = threading.Event()
        self._tries: Counter[tuple[str, int]] = Counter()
        handler = type("Bound", (Handler,), {"model": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # a client that hangs up is no news
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def step(self, prompt: str, taken: int) -> Step:
        """What comes next: a script's own step, or a title for a request that no human made (a title, a summary)."""
        if "::" not in prompt or "title" in prompt[:120] or prompt.startswith("Summarize") or _OWN.search(prompt):
            return Step(say="Scripted session")
        if prompt not in self.prompts:
            self.prompts.append(prompt)
        return Scenario().step(prompt, taken)

    def tries(self, prompt: str, taken: int) -> int:
        """How often this request has come by now: a client repeats one that failed."""
        self._tries[prompt, taken] += 1
        return self._tries[prompt, taken]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Dialects

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        self._json(200, {"object": "list", "data": [], "models": []})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        path = urlsplit(self.path).path
        read, write = (
            (_read_responses, _responses) if path.endswith("/responses")
            else (_read_chat, _chat) if path.endswith("/chat/completions")
            else (_read_gemini, _gemini)
        )  # fmt: skip
        if path.endswith(":countTokens"):
            self._json(200, {"totalTokens": INPUT})
            return
        try:
            self._answer(read(body), write, str(body.get("model") or path.rpartition("/")[2].partition(":")[0]), path)
        except ConnectionError:
            self.close_connection = True

    def _answer(self, turns: list[tuple[str, str]], write: Any, name: str, path: str) -> None:
        prompt, taken = _newest(turns)
        step = self.model.step(prompt, taken)
        known = prompt if prompt in self.model.prompts else ""
        self._note("asked", known)
        self.model.stopping.wait(step.wait or 0)
        tries = self.model.tries(prompt, taken)
        if step.fail and tries <= step.fail.times:
            self._note("failed", known)
            error = {"code": step.fail.status, "message": step.fail.message or "scripted", "status": "SCRIPTED"}
            self._json(step.fail.status, {"error": error})
            return
        if self._hung_up():
            raise ConnectionAbortedError
        self.model.answered += 1
        events = list(write(step, name))
        if tries <= step.cut:
            events = events[: len(events) // 2]
        handed = Handed(known, prompt[:80], *used(step, read=600 if write is _responses else 0))
        if write is _gemini and path.endswith(":generateContent"):
            self._note("answered", known)
            self.model.handed.append(handed)
            parts = [part for _, data in events for part in data["candidates"][0]["content"]["parts"]]
            events[-1][1]["candidates"][0]["content"]["parts"] = parts
            self._json(200, events[-1][1])
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event, data in events:
            shown = data if isinstance(data, str) else json.dumps(data)
            text = (f"event: {event}\n" if event else "") + f"data: {shown}\n\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(text.encode()), text.encode()))
            self.model.stopping.wait((step.slow or 0) / len(events))
        if tries <= step.cut:
            self._note("cut", known)
            raise ConnectionAbortedError
        self.model.handed.append(handed)
        self._note("called" if step.calls else "answered", known)
        self.wfile.write(b"0\r\n\r\n")

    def _hung_up(self) -> bool:
        """Whether the client has gone while the answer was thought of."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def _note(self, what: str, prompt: str) -> None:
        self.model.log.append((time.time(), what, prompt))

    def _json(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


# -- what was asked: (user | model, text) turn by turn

_OWN = re.compile("<state_snapshot>|[Ss]ummary|continuing our conversation")


def _newest(turns: list[tuple[str, str]]) -> tuple[str, int]:
    """The newest prompt that holds a script, else the newest one, and the responses after it.

    A client that asks the model something of its own (a compaction) does so behind everything that was said.
    """
    asked = [place for place, (who, text) in enumerate(turns) if who == "user" and text]
    if asked and asked[-1] == len(turns) - 1 and _OWN.search(turns[-1][1]):
        return turns[-1][1], 0
    place = next((place for place in reversed(asked) if "::" in turns[place][1]), asked[-1] if asked else 0)
    return turns[place][1] if turns else "", sum(who == "model" for who, _ in turns[place:])


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = [part for part in content or () if isinstance(part, Mapping)] if isinstance(content, list) else []
    return "\n".join(str(part.get("text") or "") for part in parts)


def _read_responses(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    turns: list[tuple[str, str]] = []
    for item in body.get("input") or []:
        kind = item.get("type", "message")
        if kind == "message" and item.get("role") == "user":
            turns.append(("user", _text(item.get("content"))))
        elif kind.endswith("_call") or (kind == "message" and item.get("role") == "assistant"):
            if not turns or turns[-1][0] != "model":  # one response may hold several items
                turns.append(("model", ""))
        else:
            turns.append(("tool", ""))
    return turns


def _read_chat(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    who = {"assistant": "model", "user": "user"}
    system = " ".join(_text(one.get("content")) for one in body.get("messages", []) if one.get("role") == "system")
    if "title" in system[:400]:
        return []  # a title for the session: no human asked for it
    return [(who.get(one["role"], "tool"), _text(one.get("content"))) for one in body.get("messages", [])]


def _read_gemini(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    context = re.compile(r"<session_context>.*?</session_context>\s*", re.DOTALL)
    return [
        ("model" if one.get("role") == "model" else "user", context.sub("", _text(one.get("parts"))))
        for one in body.get("contents") or []
    ]


# -- what is answered


def _call(call: Call, shell: str) -> tuple[str, dict[str, Any]]:
    """The tool and its input: `::bash` is the shell of the dialect, everything else is called by its name."""
    if call.verb == "call":
        return call.args[0], json.loads(call.args[1])
    field = "cmd" if shell == "exec_command" else "command"
    return shell, {field: call.args[0], **({"description": "Run it"} if shell == "bash" else {})}


def _pieces(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)


def _responses(step: Step, model: str) -> Iterator[Event]:
    items: list[dict[str, Any]] = []
    if step.say or not step.calls:
        content = [{"type": "output_text", "text": step.say, "annotations": []}]
        items.append({"type": "message", "id": f"msg_{_id()}", "role": "assistant", "content": content})
    for tool, given in (_call(call, "exec_command") for call in step.calls):
        space, _, name = tool.rpartition(".")  # a tool of a namespace is called by both names
        ids = {"id": f"fc_{_id()}", "call_id": f"call_{_id()}", "name": name, **({"namespace": space} if space else {})}
        items.append({"type": "function_call", **ids, "arguments": json.dumps(given)})
    fresh, read, output, reasoning = used(step, read=600)
    usage = {"input_tokens": fresh + read, "input_tokens_details": {"cached_tokens": read}, "output_tokens": output}
    usage |= {"output_tokens_details": {"reasoning_tokens": reasoning}, "total_tokens": fresh + read + output}
    response = {"id": f"resp_{_id()}", "object": "response", "created_at": int(time.time()), "model": model}
    yield "response.created", {"type": "response.created", "response": {**response, "status": "in_progress"}}
    for place, item in enumerate(items):
        where = {"item_id": item["id"], "output_index": place, "content_index": 0}
        yield "", {"type": "response.output_item.added", "output_index": place, "item": {**item, "content": []}}
        for piece in _pieces(step.say) if item["type"] == "message" else ():
            yield "", {"type": "response.output_text.delta", **where, "delta": piece}
        yield "", {"type": "response.output_item.done", "output_index": place, "item": item}
    done = {**response, "status": "completed", "output": items, "usage": usage}
    yield "response.completed", {"type": "response.completed", "response": done}


def _chat(step: Step, model: str) -> Iterator[Event]:
    base = {"id": f"chatcmpl-{_id()}", "object": "chat.completion.chunk", "created": int(time.time()), "model": model}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> Event:
        return "", {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    for piece in _pieces(step.say):
        yield chunk({"content": piece})
    for place, (name, given) in enumerate(_call(call, "bash") for call in step.calls):
        function = {"name": name, "arguments": json.dumps(given)}
        yield chunk({"tool_calls": [{"index": place, "id": f"call_{_id()}", "type": "function", "function": function}]})
    yield chunk({}, "tool_calls" if step.calls else "stop")
    fresh, read, output, reasoning = used(step)
    usage: dict[str, Any] = {"prompt_tokens": fresh + read, "completion_tokens": output}
    usage |= {"total_tokens": fresh + read + output, "prompt_tokens_details": {"cached_tokens": read}}
    usage |= {"completion_tokens_details": {"reasoning_tokens": reasoning}}
    yield "", {**base, "choices": [], "usage": usage}
    yield "", "[DONE]"


def _gemini(step: Step, model: str) -> Iterator[Event]:
    calls = [
        {"functionCall": {"name": name, "args": given}}
        for name, given in (_call(call, "run_shell_command") for call in step.calls)
    ]
    fresh, read, output, reasoning = used(step)
    usage = {"promptTokenCount": fresh + read, "cachedContentTokenCount": read, "thoughtsTokenCount": reasoning}
    usage |= {"candidatesTokenCount": output - reasoning, "totalTokenCount": fresh + read + output}

    def frame(parts: list[dict[str, Any]], **more: str) -> Event:
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0, **more}
        told = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": _id()[:16]}
        return "", told

    for piece in _pieces(step.say):
        yield frame([{"text": piece}])
    yield frame(calls or [{"text": ""}], finishReason="STOP")


def _id() -> str:
    return uuid.uuid4().hex[:24]
