"""A client that has only just painted its composer may drop a paste; one without hooks acknowledges by its screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.pane import Pane
from agentdeck.models.status import Status
from agentdeck.services import outbox, rows
from agentdeck.services.lives import add_delivery
from agentdeck.services.monitor import Monitor

HARNESS = """
name = "plain"
title = "Plain"
[start]
argv = ["plain"]
[composer]
kind = "line"
prompt = "> "
"""


class Terminal:
    """A client whose composer shows a paste from the `drops`-th on, and which empties it at Enter if it `takes`."""

    def __init__(self, drops: int = 0, takes: bool = True) -> None:
        self.drops, self.takes = drops, takes
        self.pasted, self.entered = 0, 0
        self.composer = ""

    async def list_panes(self, _client: object) -> dict[str, Pane]:
        pane = Pane("%1", "@1", "a1", 1, "plain", "", False, None, None, 80, 24, 2, 0, True, False, False, 1, 0)
        return {"%1": pane}

    async def capture(self, _client: object, _panes: object) -> dict[str, list[str]]:
        return {"%1": [f"> {self.composer}"]}

    async def paste(self, _client: object, _socket: object, _pane: str, text: str) -> None:
        self.pasted += 1
        self.composer = text if self.pasted > self.drops else ""

    async def check_writable(self, *_: object) -> None:
        return

    async def send_bytes(self, _client: object, _pane: str, keys: bytes) -> None:
        assert keys == b"\r"
        self.entered += 1
        self.composer = "" if self.takes else self.composer


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch, deck_home: Path) -> Iterator[outbox.Outbox]:
    monkeypatch.setattr(outbox, "ARRIVE_SECONDS", 0.12)
    monkeypatch.setattr(outbox, "ACKNOWLEDGE_SECONDS", 0.3)
    monkeypatch.setattr(outbox, "COMMAND_SECONDS", 0.05)
    paths.user_harnesses_dir().mkdir(parents=True)
    (paths.user_harnesses_dir() / "plain.toml").write_text(HARNESS)
    monitor = Monitor()
    monitor.know([Agent(id="a1", name="ann", harness="plain", repo="/r", worktree="/w", branch="", base="",
                        base_oid="", life="live", pane="%1")])  # fmt: skip
    monitor.watched["a1"].status = Status("idle", "screen", 1, "", checked=now_ms() + 60_000)
    writer = store.Writer(paths.database_file())
    yield outbox.Outbox(writer, monitor, Path("/none"))
    writer.close()


async def deliver(box: outbox.Outbox, monkeypatch: pytest.MonkeyPatch, terminal: Terminal, rounds: int) -> Any:
    for name in ("list_panes", "capture", "paste", "check_writable", "send_bytes"):
        monkeypatch.setattr(outbox.tmux, name, getattr(terminal, name))
    await box.writer.run(lambda conn: add_delivery(conn, "a1", "say hello"))
    for _ in range(rounds):
        await box.round(object(), await box.writer.run(outbox.pending))  # pyrefly: ignore
        await box.settle_all()
    with closing(store.read(paths.database_file())) as conn:
        assert conn is not None
        return rows.delivery(conn.execute("SELECT * FROM deliveries").fetchone())


async def test_a_dropped_paste_is_pasted_again_and_entered_once(
    box: outbox.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(drops=1)
    told = await deliver(box, monkeypatch, terminal, rounds=2)
    assert (told.state, terminal.pasted, terminal.entered) == ("acknowledged", 2, 1)
    assert told.evidence == "its composer took the text"


async def test_it_gives_up_after_three_and_never_sends_enter(
    box: outbox.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(drops=9)
    told = await deliver(box, monkeypatch, terminal, rounds=5)
    assert (told.state, terminal.pasted, terminal.entered) == ("refused", 3, 0)


async def test_a_text_that_stays_in_the_composer_is_uncertain(
    box: outbox.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(takes=False)
    told = await deliver(box, monkeypatch, terminal, rounds=1)
    assert (told.state, terminal.entered) == ("uncertain", 1)


async def test_a_client_that_has_begun_to_work_has_taken_the_text(
    box: outbox.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(takes=False)
    send = terminal.send_bytes

    async def works(client: object, pane: str, keys: bytes) -> None:
        await send(client, pane, keys)
        box.monitor.watched["a1"].status = Status("working", "title", now_ms() + 1, "title '* works'")

    terminal.send_bytes = works  # pyrefly: ignore
    told = await deliver(box, monkeypatch, terminal, rounds=1)
    assert (told.state, told.evidence) == ("acknowledged", "it is working: title '* works'")
