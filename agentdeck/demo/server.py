"""A scripted model on loopback: real coding agents run against it with no account and no network.

    with ScriptedModel() as model: ...  model.url, model.requests
    python -m agentdeck.demo.server --port 0 --scenario FILE --ready-file FILE

It speaks the Anthropic Messages API (streams and JSON). What it says is written in the
prompt (script.py) or in a scenario (rules.py). GET /debug/requests lists what it handed out.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from agentdeck.demo.handler import Server
from agentdeck.demo.rules import Scenario, load
from agentdeck.demo.served import Served
from agentdeck.errors import AgentDeckError


class ScriptedModel:
    """The server. `url` is its base address; `requests` what it answered so far, oldest first."""

    def __init__(self, scenario: Scenario | None = None, *, port: int = 0) -> None:
        try:
            self._server = Server(port, scenario or Scenario())
        except OSError as error:
            title = f"Port {port} on 127.0.0.1 cannot be used: {error.strerror}"
            raise AgentDeckError(title, "Choose another --port.") from error
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> list[Served]:
        return self._server.tally.requests()

    def start(self) -> ScriptedModel:
        threading.Thread(target=self.serve, daemon=True, name="scripted-model").start()
        return self

    def serve(self) -> None:
        """Answer requests until stop() is called from another thread."""
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> ScriptedModel:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def main(argv: list[str] | None = None) -> int:
    """Serve until a signal ends it. The ready file holds {"url", "pid"} once requests are answered."""
    parser = argparse.ArgumentParser(prog="agentdeck.demo.server", description="A scripted model server on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--scenario", default="", help="a JSON file, or `demo` for the script of `agentdeck demo`")
    parser.add_argument("--ready-file", type=Path, help="written when the server listens")
    given = parser.parse_args(argv)
    try:
        model = ScriptedModel(_scenario(given.scenario), port=given.port)
    except AgentDeckError as error:
        sys.stderr.write(f"{error.title}\n{error.hint}\n")
        return error.exit_code
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, lambda *_: threading.Thread(target=model.stop).start())
    sys.stdout.write(f"A scripted model listens on {model.url}. No real model is behind its words.\n")
    sys.stdout.flush()
    if given.ready_file:
        _announce(given.ready_file, model.url)
    model.serve()
    return 0


def _scenario(name: str) -> Scenario:
    if name == "demo":
        from agentdeck.demo.scenario import SCENARIO

        return SCENARIO
    return load(Path(name)) if name else Scenario()


def _announce(file: Path, url: str) -> None:
    """Write the ready file in one move, so that nobody reads half of it."""
    draft = file.with_name(file.name + ".new")
    draft.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
    draft.replace(file)


if __name__ == "__main__":
    sys.exit(main())
