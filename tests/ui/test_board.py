"""The board by its keys, over real rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from textual.widgets import Input, OptionList, TextArea

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.agent import Agent
from agentdeck.models.task import Outcome
from agentdeck.services import rows
from agentdeck.services.queue import board, queue, specs
from agentdeck.ui.screens.board import BoardScreen
from agentdeck.ui.screens.line import LineDialog
from agentdeck.ui.screens.spec_editor import SpecEditor
from agentdeck.ui.screens.task_page import TaskPage
from tests.ui.deck_fakes import make_app, row, until
from tests.ui.test_app import ready, text

REPO = "/repo/shop"


@pytest.fixture
def tasks() -> Iterator[dict[str, int]]:
    """A task in every place that has keys of its own."""
    with closing(store.write(paths.database_file())) as conn:
        al = Agent("id-al", "al", "builtin", REPO, "/w", "deck/al/1", "", "b", "live")
        rows.insert(conn, "agents", rows.agent_columns(al))

        def add(title: str, outcome: Outcome | None = None, reason: str = "", **words) -> int:
            key = queue.add(conn, specs.parse(f"# {title}\n"), REPO, **words)
            if outcome:
                queue.lease(conn, key, al)
                queue.finish(conn, key, 1, outcome, reason, "tip")
            return key

        yield {
            "waits": add("Waits"),
            "unread": add("Unread", approved_by=""),
            "flagged": add("Flagged", "flagged", "protected: check.sh was changed"),
            "passed": add("Passed", "passed"),
            "broken": add("Broken", "failed", "verify failed with exit code 1"),
        }


def state(key: int) -> str:
    conn = store.read(paths.database_file())
    assert conn is not None
    with closing(conn):
        return queue.task(conn, key).state


def listed(screen: BoardScreen) -> str:
    choices = screen.query_one(OptionList)
    return "\n".join(str(choices.get_option_at_index(n).prompt) for n in range(choices.option_count))


async def opened(pilot, app) -> BoardScreen:
    await ready(pilot, app)
    await pilot.press("b")
    await until(pilot, lambda: isinstance(app.screen, BoardScreen) and app.screen.is_mounted and app.screen.card)
    return app.screen


async def at(pilot, screen: BoardScreen, key: int) -> None:
    choices = screen.query_one(OptionList)
    choices.highlighted = choices.get_option_index(str(key))
    await until(pilot, lambda: screen.card and screen.card.id == key)


async def test_what_needs_a_human_comes_first_and_each_state_has_its_keys(tasks: dict[str, int]) -> None:
    app = make_app(row("ada"))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        lines = [line for line in listed(screen).splitlines() if not line.startswith(" ")]
        assert [line.split(" (")[0] for line in lines] == ["For you to judge", "Failed", "Blocked", "Queued"]
        assert screen.card.id == tasks["passed"]
        assert "protected: check.sh was changed" in listed(screen)
        for name, wanted, unwanted in (
            ("passed", "y accept", "R retry"), ("waits", "+ - priority", "y accept"),
            ("broken", "R retry", "y accept"), ("unread", "y approve", "R retry"),
        ):  # fmt: skip
            await at(pilot, screen, tasks[name])
            await until(pilot, lambda wanted=wanted: wanted in text(screen.query_one("#keys")), wanted)
            assert unwanted not in text(screen.query_one("#keys"))


async def test_tasks_are_judged_tried_again_and_put_in_order_by_one_key(tasks: dict[str, int]) -> None:
    app = make_app(row("ada"))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("y")
        await until(pilot, lambda: state(tasks["passed"]) == "accepted")
        await at(pilot, screen, tasks["flagged"])
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, LineDialog))
        app.screen.query_one(Input).value = "the check was bent"
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen and state(tasks["flagged"]) == "failed")
        await at(pilot, screen, tasks["broken"])
        await pilot.press("R")
        await until(pilot, lambda: state(tasks["broken"]) == "queued")
        await at(pilot, screen, tasks["unread"])
        await pilot.press("y")
        await until(pilot, lambda: state(tasks["unread"]) == "queued")
        await at(pilot, screen, tasks["waits"])
        await pilot.press("plus")
        await until(pilot, lambda: "+1 Waits" in listed(screen))
        await pilot.press("x")
        await until(pilot, lambda: state(tasks["waits"]) == "cancelled")


async def test_a_task_can_be_read_changed_and_made_on_the_board(tasks: dict[str, int]) -> None:
    app = make_app(row("ada"))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await at(pilot, screen, tasks["broken"])
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TaskPage) and app.screen.is_mounted)
        assert "verify failed with exit code 1" in text(app.screen.query_one("#text"))
        assert "# Broken" in text(app.screen.query_one("#text"))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, SpecEditor) and app.screen.is_mounted)
        app.screen.query_one(TextArea).text = "---\nnonesuch: 1\n---\nx"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "unknown key 'nonesuch'" in text(app.screen.query_one("#trouble")))
        app.screen.query_one(TextArea).text = "# Better\n"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen and "Better" in listed(screen))
        assert state(tasks["broken"]) == "queued"
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LineDialog))
        app.screen.query_one(Input).value = "One more thing"
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen and "One more thing" in listed(screen))


def test_the_board_of_an_empty_deck() -> None:
    assert board.load(None) == board.Board({}, (), ())
