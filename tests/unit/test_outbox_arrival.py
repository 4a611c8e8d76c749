"""What may become of a paste: dropped, mixed with a human's letters, covered by a question, taken, left to stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.adapters.tmux.handing import Sight
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.pane import Pane
from agentdeck.models.status import Status
from agentdeck.services import rows
from agentdeck.services.delivery import deliveries, handing, outbox
from agentdeck.services.status.monitor import Monitor
from agentdeck.services.status.probes import SpoolEvent

HARNESS = """
name = "plain"
title = "Plain"
[start]
argv = ["plain"]
[[patterns]]
state = "needs_input"
reason = "permission"
match = '^Allow'
[composer]
kind = "line"
prompt = "> "
badge = '\\[pasted\\]'
[typing]
commands = "/"
"""
PANE = Pane("%1", "@1", "a1", 1, "plain", "", False, None, None, 80, 24, 2, 0, True, False, False, 1, 0)


class Terminal:
    """A client whose composer shows a paste from the `drops`-th on, and which empties it at Enter if it `takes`.

    `before` is called at each look with how many there were since the first paste.
    """

    def __init__(self, drops: int = 0, takes: bool = True, before: Callable[[int], None] | None = None) -> None:
        self.drops, self.takes, self.before = drops, takes, before
        self.pasted, self.entered, self.looks, self.after, self.moves = 0, 0, 0, 0, 0
        self.prompt, self.composer, self.pane, self.typed = "> ", "", PANE, 0
        self.marks = {"paste": "", "enter": ""}

    async def sight(self, _client: object, _pane: str, _deck_id: str) -> Sight:
        self.looks += 1
        self.after += self.pasted > 0
        if self.before:
            self.before(self.after)
        screen = (f"{self.prompt}{self.composer}",)
        return Sight(self.pane, screen, self.typed, self.marks["paste"], self.marks["enter"], str(self.moves))

    async def paste_as_seen(self, _socket: Path, seen: Sight, text: str, mark: str) -> bool:
        if seen.state != str(self.moves):
            return False
        self.pasted += 1
        self.moves += 1
        self.composer, self.marks["paste"] = text if self.pasted > self.drops else "", mark
        return True

    async def enter_as_seen(self, _socket: Path, seen: Sight, mark: str) -> bool:
        if seen.state != str(self.moves):
            return False
        self.entered += 1
        self.composer, self.marks["enter"] = "" if self.takes else self.composer, mark
        return True


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch, deck_home: Path) -> Iterator[outbox.Outbox]:
    for name, seconds in (("ARRIVE", 0.12), ("ACKNOWLEDGE", 0.3), ("LOOK", 0.03), ("NOTICE", 0.01), ("HOOK", 0.1)):
        monkeypatch.setattr(handing, f"{name}_SECONDS", seconds)
    monkeypatch.setattr(handing, "ENTER_AFTER_SECONDS", 0.02)
    paths.user_harnesses_dir().mkdir(parents=True)
    (paths.user_harnesses_dir() / "plain.toml").write_text(HARNESS)
    (paths.user_harnesses_dir() / "telling.toml").write_text(
        'acknowledge = ["Prompt"]\n' + HARNESS.replace('"plain"', '"telling"', 1)
    )
    monitor = Monitor()
    monitor.know([Agent(id="a1", name="ann", harness="plain", repo="/r", worktree="/w", branch="", base="",
                        base_oid="", life="live", pane="%1")])  # fmt: skip
    monitor.watched["a1"].status = Status("idle", "screen", 1, "", checked=now_ms() + 60_000)
    writer = store.Writer(paths.database_file())
    yield outbox.Outbox(writer, monitor, Path("/none"))
    writer.close()


@pytest.fixture
def deliver(box: outbox.Outbox, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    async def go(terminal: Terminal, rounds: int = 1, text: str = "say hello", **options: Any) -> Any:
        for name in ("sight", "paste_as_seen", "enter_as_seen"):
            monkeypatch.setattr(handing.tmux, name, getattr(terminal, name), raising=False)
        if text:
            await box.writer.run(lambda conn: deliveries.add(conn, "a1", text, **options))
        for _ in range(rounds):
            await box.round(object(), await box.writer.run(deliveries.pending))  # pyrefly: ignore
            await box.settle_all()
        with closing(store.read(paths.database_file())) as conn:
            assert conn is not None
            return rows.delivery(conn.execute("SELECT * FROM deliveries ORDER BY rowid").fetchone())

    return go


def telling(box: outbox.Outbox) -> None:
    """From now on the client reports its prompts."""
    box.monitor.agents["a1"] = replace(box.monitor.agents["a1"], harness="telling")


async def test_a_dropped_paste_is_pasted_again_and_entered_once(deliver: Any) -> None:
    terminal = Terminal(drops=1)
    told = await deliver(terminal, rounds=2)
    assert (told.state, terminal.pasted, terminal.entered) == ("acknowledged", 2, 1)
    assert (told.evidence, told.tries) == ("its composer took the text", 2)


async def test_it_gives_up_after_three_and_never_sends_enter(deliver: Any) -> None:
    terminal = Terminal(drops=9)
    told = await deliver(terminal, rounds=5)
    assert (told.state, terminal.pasted, terminal.entered) == ("refused", 3, 0)


async def test_a_text_that_stays_in_the_composer_is_uncertain(deliver: Any) -> None:
    terminal = Terminal(takes=False)
    told = await deliver(terminal)
    assert (told.state, terminal.entered) == ("uncertain", 1)
    assert "still stands in its composer" in told.reason
    await deliver(terminal, rounds=3, text="")
    assert terminal.entered == 1, "nobody presses Enter a second time"


async def test_a_client_that_has_begun_to_work_has_taken_the_text(box: outbox.Outbox, deliver: Any) -> None:
    terminal = Terminal(takes=False)
    press = terminal.enter_as_seen

    async def works(socket: Path, seen: Sight, mark: str) -> bool:
        done = await press(socket, seen, mark)
        box.monitor.watched["a1"].status = Status("working", "title", now_ms() + 1, "title '* works'")
        return done

    terminal.enter_as_seen = works  # pyrefly: ignore
    told = await deliver(terminal)
    assert (told.state, told.evidence) == ("acknowledged", "it is working: title '* works'")


@pytest.mark.parametrize(("shown", "state"), [("Queued: say hello to all", "acknowledged"), ("nothing", "uncertain")])
async def test_a_queue_has_a_text_only_when_it_shows_it(
    box: outbox.Outbox, deliver: Any, shown: str, state: str
) -> None:
    """An emptied composer may have been emptied by a key; where prompts are reported, that is no sign."""
    telling(box)
    box.monitor.watched["a1"].status = Status("working", "screen", 1, "", checked=now_ms() + 60_000)
    terminal = Terminal()
    look = terminal.sight

    async def with_queue(*args: Any) -> Sight:
        found = await look(*args)
        return replace(found, screen=(shown, *found.screen)) if terminal.entered else found

    terminal.sight = with_queue  # pyrefly: ignore
    terminal.pane = replace(PANE, cursor_y=1)
    told = await deliver(terminal, text="say hello to all", mode="queue")
    assert (told.state, terminal.entered) == (state, 1), told


async def test_a_client_that_dies_on_it_leaves_no_doubt_about_what_is_doubtful(
    box: outbox.Outbox, deliver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing, "ACKNOWLEDGE_SECONDS", 60)
    telling(box)
    terminal = Terminal()
    press = terminal.enter_as_seen

    async def dies(socket: Path, seen: Sight, mark: str) -> bool:
        done = await press(socket, seen, mark)
        terminal.pane = replace(PANE, dead=True)
        return done

    terminal.enter_as_seen = dies  # pyrefly: ignore
    told = await deliver(terminal)
    assert (told.state, terminal.entered) == ("uncertain", 1)
    assert "just after Enter was sent" in told.reason


async def test_letters_that_a_human_types_to_it_keep_enter_back_until_they_are_done(deliver: Any) -> None:
    def types(looks: int) -> None:
        if looks == 2:
            terminal.composer += "?"
            terminal.moves += 1
        assert terminal.entered == 0
        if looks == 60:
            terminal.composer = ""

    terminal = Terminal(before=types)
    told = await deliver(terminal)
    assert (told.state, terminal.pasted) == ("uncertain", 1)
    assert "somebody sent it, or took it out" in told.reason


async def test_a_key_between_the_look_and_the_paste_or_enter_stops_it(deliver: Any) -> None:
    """tmux compares what was seen with what is: here the pane moves right after each of the first looks."""
    terminal, moved = Terminal(), list[int]()
    look = terminal.sight

    async def moving(*args: Any) -> Sight:
        seen = await look(*args)
        terminal.moves += terminal.looks == 2 or (terminal.after > 1 and not moved and not moved.append(terminal.after))
        return seen

    terminal.sight = moving  # pyrefly: ignore
    told = await deliver(terminal, rounds=1)
    assert (told.state, terminal.pasted) == ("queued", 0)
    told = await deliver(terminal, rounds=1, text="")
    assert (told.state, terminal.pasted, terminal.entered) == ("acknowledged", 1, 1)


async def test_a_question_over_the_text_holds_enter_until_it_is_answered(deliver: Any) -> None:
    seen: list[int] = []

    def asks(looks: int) -> None:
        if terminal.pasted and not seen:
            seen.append(looks)
            terminal.held, terminal.composer = terminal.composer, ""  # type: ignore[attr-defined]
        if seen and looks < seen[0] + 8:
            terminal.asking = True  # type: ignore[attr-defined]
            assert terminal.entered == 0
        elif seen and not terminal.entered and looks == seen[0] + 8:
            terminal.asking = False  # type: ignore[attr-defined]
            terminal.composer = terminal.held  # type: ignore[attr-defined]

    terminal = Terminal(before=asks)
    terminal.asking = False  # type: ignore[attr-defined]
    look = terminal.sight

    async def covered(*args: Any) -> Sight:
        found = await look(*args)
        return replace(found, screen=("Allow this? y/n",)) if terminal.asking else found  # type: ignore[attr-defined]

    terminal.sight = covered  # pyrefly: ignore
    told = await deliver(terminal)
    assert (told.state, terminal.entered) == ("acknowledged", 1)


async def test_a_composer_out_of_sight_does_not_make_a_text_that_stood_there_one_that_never_came(deliver: Any) -> None:
    """A human has typed to it, and then the terminal is too low for the composer for a while."""

    def meanwhile(looks: int) -> None:
        if looks == 2:
            terminal.composer += "?"
            terminal.moves += 1
        terminal.hidden = 30 < looks < 60  # type: ignore[attr-defined]
        if looks == 90:
            terminal.composer = terminal.composer.removesuffix("?")
        assert terminal.entered == 0 or looks >= 90

    terminal = Terminal(before=meanwhile)
    look = terminal.sight

    async def lowered(*args: Any) -> Sight:
        found = await look(*args)
        return replace(found, screen=("no prompt",)) if terminal.hidden else found  # type: ignore[attr-defined]

    terminal.sight = lowered  # pyrefly: ignore
    told = await deliver(terminal)
    assert (told.state, terminal.pasted, terminal.entered) == ("acknowledged", 1, 1)


async def test_somebody_who_types_elsewhere_in_the_pane_is_waited_for(deliver: Any) -> None:
    terminal = Terminal()
    terminal.typed = now_ms() - 200
    told = await deliver(terminal)
    assert (told.state, told.reason, terminal.pasted) == ("queued", "somebody is typing into it", 0)
    terminal.typed = now_ms() - 5000
    assert (await deliver(terminal, text="")).state == "acknowledged"


async def test_a_text_that_is_taken_out_is_tried_again_where_a_report_would_tell_and_then_refused(
    box: outbox.Outbox, deliver: Any
) -> None:
    telling(box)

    def clears(looks: int) -> None:
        if terminal.composer and looks % 3 == 0:
            terminal.composer = ""

    terminal = Terminal(before=clears)
    told = await deliver(terminal, rounds=4)
    assert (told.state, terminal.pasted, terminal.entered) == ("refused", 3, 0)
    assert "took it out" in told.reason


async def test_a_text_that_a_human_sent_by_hand_has_arrived(box: outbox.Outbox, deliver: Any) -> None:
    telling(box)

    def sends(looks: int) -> None:
        if looks == 2:
            terminal.composer = ""
            box.hear([SpoolEvent("a1", "Prompt", {"prompt": "say hello"}, now_ms(), "")])

    terminal = Terminal(before=sends)
    box.ears.wait("a1", 0, "another")  # one that is still uncertain does not take it
    told = await deliver(terminal)
    assert (told.state, terminal.entered) == ("acknowledged", 0)
    assert told.evidence == "Prompt hook; Enter was pressed by somebody else"


async def test_a_stale_copy_of_a_row_sends_nothing(box: outbox.Outbox, deliver: Any) -> None:
    terminal = Terminal()
    await box.writer.run(lambda conn: deliveries.add(conn, "a1", "say hello"))
    stale = await box.writer.run(deliveries.pending)
    assert (await deliver(terminal, text="")).state == "acknowledged"
    await box.round(object(), stale)  # pyrefly: ignore
    await box.settle_all()
    assert (terminal.pasted, terminal.entered) == (1, 1)


async def test_what_cannot_be_said_literally_is_refused_and_goes_as_a_command_when_asked(deliver: Any) -> None:
    terminal = Terminal()
    told = await deliver(terminal, text="/clear")
    assert (told.state, terminal.pasted) == ("refused", 0)
    assert "like a command" in told.reason


async def test_a_command_is_pasted_as_it_is(deliver: Any) -> None:
    terminal = Terminal()
    told = await deliver(terminal, text="/clear", command=True)
    assert (told.state, terminal.entered) == ("acknowledged", 1)


async def test_an_echo_between_the_look_and_enter_is_nobody_elses_enter(box: outbox.Outbox, deliver: Any) -> None:
    """A plain command shows its line when it likes: tmux then refuses the Enter once, and it has begun nothing."""
    bare = HARNESS.replace('"plain"', '"bare"', 1).replace('"line"', '"shell"')
    (paths.user_harnesses_dir() / "bare.toml").write_text(bare)
    box.monitor.agents["a1"] = replace(box.monitor.agents["a1"], harness="bare")
    terminal = Terminal()
    terminal.prompt = ""
    press = terminal.enter_as_seen

    async def echoes(socket: Path, seen: Sight, mark: str) -> bool:
        if terminal.moves < 2:
            terminal.moves += 1
            box.monitor.watched["a1"].status = Status("working", "process", now_ms() + 1, "printed within seconds")
        return await press(socket, seen, mark)

    terminal.enter_as_seen = echoes  # pyrefly: ignore
    told = await deliver(terminal)
    assert (told.state, told.evidence, terminal.entered) == ("acknowledged", "its terminal took the line", 1)
