"""The scripted model's HTTP side: routes, streams, refusals and hang-ups."""

from __future__ import annotations

import json
import select
import sys
import threading
import time
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from agentdeck.demo import reply as wire
from agentdeck.demo.request import Asked, read
from agentdeck.demo.rules import Scenario
from agentdeck.demo.script import Step
from agentdeck.demo.served import Served, Tally
from agentdeck.errors import UsageError

MODELS = ("claude-sonnet-4-5", "claude-opus-4-5", "claude-haiku-4-5")


class Gone(Exception):
    """The client hung up, or the script breaks the connection here."""


class Server(ThreadingHTTPServer):
    """One loopback port, a thread per connection. `stopping` ends every wait."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, scenario: Scenario) -> None:
        self.scenario = scenario
        self.tally = Tally()
        self.stopping = threading.Event()
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; anything else is worth its traceback."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "agentdeck-scripted"
    disable_nagle_algorithm = True

    @property
    def model(self) -> Server:
        assert isinstance(self.server, Server)
        return self.server

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr: the tally holds more than an access log would."""

    def do_HEAD(self) -> None:
        self._json(200, {})

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.rstrip("/")
        if path == "/debug/requests":
            self._json(200, [asdict(served) for served in self.model.tally.requests()])
        elif path == "/v1/models":
            self._json(200, {"data": [_model(name) for name in MODELS], "has_more": False})
        elif path.startswith("/v1/models/"):
            self._json(200, _model(path.rsplit("/", 1)[1]))
        elif not path:
            self._json(200, {"name": "agentdeck scripted model", "requests": len(self.model.tally.requests())})
        else:
            self._json(404, wire.error(404, f"No such path: {path}"))

    def do_POST(self) -> None:
        path = urlsplit(self.path).path.rstrip("/")
        try:
            body = self._body()
            if path == "/v1/messages/count_tokens":
                self._json(200, {"input_tokens": wire.tokens(body)})
            elif path == "/v1/messages":
                self._answer(body)
            else:
                self._json(404, wire.error(404, f"No such path: {path}"))
        except UsageError as error:
            self._json(400, wire.error(400, str(error)))
        except (Gone, ConnectionError):
            self.close_connection = True

    def _body(self) -> dict[str, Any]:
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        except ValueError as error:
            raise UsageError(f"The body of a request is JSON: {error}") from error
        if not isinstance(body, dict):
            raise UsageError("The body of a request is a JSON object.")
        return body

    def _answer(self, body: dict[str, Any]) -> None:
        asked = read(body, dict(self.headers.items()))
        scenario = self.model.scenario
        step = wire.side_step(body, asked.prompt) if asked.side else scenario.step(asked.prompt, asked.taken)
        refusal = self.model.tally.refusal(step, asked)
        if refusal == "fail" and step.fail:
            self._refuse(step, asked)
            return
        reply = wire.build(step, asked, body)
        number = self.model.tally.add(_served(self, asked, reply))
        self._pause(step.wait or 0)
        if asked.stream:
            self._stream(reply, step.slow or 0, number, broken=refusal == "cut")
        else:
            self._pause(step.slow or 0)
            if refusal == "cut":
                raise Gone
            # before the client can have it: who reads the list right after its answer finds it there
            self.model.tally.sent(number, reply.counts, finished=True)
            self._json(200, wire.message(reply))

    def _refuse(self, step: Step, asked: Asked) -> None:
        assert step.fail
        number = self.model.tally.add(_served(self, asked, None, status=step.fail.status))
        self._pause(step.wait or 0)
        self.model.tally.refused(number)
        headers = dict(step.fail.headers)
        if step.fail.status == 429:
            headers.setdefault("retry-after", "1")
        self._json(step.fail.status, wire.error(step.fail.status, step.fail.message), headers)

    def _stream(self, reply: wire.Reply, seconds: float, number: int, *, broken: bool) -> None:
        """Send the events, the deltas spread over `seconds`; a broken one ends after half of them."""
        events = list(wire.events(reply))
        deltas = sum(event["type"] == "content_block_delta" for event in events)
        sent = 0
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            if event["type"] == "ping":
                self.model.tally.sent(number, replace(reply.counts, output_tokens=1), finished=False)
            if event["type"] == "message_delta":  # the one that tells what all of it took
                self.model.tally.sent(number, reply.counts, finished=True)
            if event["type"] == "content_block_delta":
                if broken and sent >= deltas // 2:
                    self.model.tally.refused(number)
                    raise Gone
                self._pause(seconds / deltas)
                sent += 1
            data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")

    def _pause(self, seconds: float) -> None:
        """Wait, but not for a client that has hung up, nor longer than the server lives."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.model.stopping.is_set():
                raise Gone
            if select.select([self.connection], [], [], min(left, 0.5))[0]:
                raise Gone

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _model(name: str) -> dict[str, str]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"}


def _served(handler: Handler, asked: Asked, reply: wire.Reply | None, status: int = 200) -> Served:
    return Served(
        at=time.time(),
        path=handler.path,
        client=handler.headers.get("User-Agent") or "",
        session=asked.session,
        model=asked.model,
        side=asked.side,
        stream=asked.stream,
        status=status,
        prompt=asked.prompt[:400],
        step=asked.taken,
        message=reply.id if reply else "",
        calls=tuple(block["name"] for block in reply.blocks if block["type"] == "tool_use") if reply else (),
    )
