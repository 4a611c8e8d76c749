"""Sessions started outside the deck: dim in the roster, listed by E, taken by R and never by accident."""

from __future__ import annotations

from typing import Any

from textual.widgets import OptionList, Static

from agentdeck.errors import TryAgain
from agentdeck.models.clock import now_ms
from agentdeck.models.foreign import Foreign
from agentdeck.models.status import State, Status
from agentdeck.models.usage import Tokens
from agentdeck.services.fleet import Fleet, ForeignRow, UsageSum
from agentdeck.ui.deck_state import DeckState
from agentdeck.ui.screens.confirm import ConfirmDialog
from agentdeck.ui.screens.elsewhere import ElsewhereDialog
from agentdeck.ui.widgets import roster
from tests.ui.deck_fakes import fake, make_app, row, until
from tests.ui.test_app import ready, toasts


def session(name: str, state: State = "working", pid: int = 41) -> ForeignRow:
    ended = 0 if pid else now_ms() - 60_000
    told = Foreign("claude", f"5e55-{name}", "/h/.claude", f"/src/{name}", pid, 1.0, name, started=1, ended=ended)
    status = Status(state, "vendor", now_ms() - 240_000, "status file says so")
    return ForeignRow(told, status, UsageSum(Tokens(12_000, 0, 0, 0, 300), 4, 410_000_000))


def drawn(*found: ForeignRow, filter: str = "") -> list[str]:
    state = DeckState(Fleet((row("ada"),), foreign=found), (row("ada"),), filter=filter)
    return [line.text.plain for line in roster.lines(state, now_ms())]


def test_the_roster_names_them_below_everybody_and_gives_no_number() -> None:
    lines = drawn(session("fix-login"), session("old", "exited", pid=0))
    assert lines[-2:] == [" elsewhere (E)", "   ● fix-login  working    4m"]
    assert len(lines[-1]) <= roster.WIDTH
    assert drawn() == drawn(session("old", "exited", pid=0)) == drawn(session("a"), filter="ada")
    assert len(drawn(*(session(f"s{n}") for n in range(30)))) < 14


async def opened(pilot: Any, app: Any, *found: ForeignRow) -> ElsewhereDialog:
    await ready(pilot, app)
    fake(app).foreign = found
    fake(app).tell()
    await until(pilot, lambda: app.deck.fleet.foreign == found)
    await pilot.press("E")
    await until(pilot, lambda: isinstance(app.screen, ElsewhereDialog), "the list")
    return app.screen


async def test_without_any_the_key_says_so() -> None:
    app = make_app(row("ada"))
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot, app)
        await pilot.press("E")
        await until(pilot, lambda: toasts(app).strip())
        assert "outside the deck" in toasts(app)


async def test_one_that_has_ended_goes_on_as_an_agent_of_its_name() -> None:
    app = make_app(row("ada"), row("fix-login"))
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app, session("other"), session("fix-login", "exited", pid=0))
        fake(app).replies["take"] = {"id": "id-ada"}
        await pilot.press("enter", "down")
        shown = str(app.screen.query_one("#about", Static).render())
        assert "/src/fix-login" in shown and "5e55-fix-login" in shown and "ended" in shown
        assert not fake(app).asked
        await pilot.press("R")
        await until(pilot, lambda: fake(app).asked)
        assert fake(app).asked == [("take", "", {"session": "5e55-fix-login", "name": "fix-login-2", "anyway": False})]


async def test_one_that_still_runs_is_taken_only_after_its_danger_was_read() -> None:
    app = make_app(row("ada"))
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app, session("shop"))
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the warning")
        shown = str(app.screen.query_one("#text", Static).render())
        assert "41" in shown and "/src/shop" in shown
        await pilot.press("enter", "escape")
        await until(pilot, lambda: app.screen is app.deck)
        assert not fake(app).asked
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, ElsewhereDialog), "the list")
        fake(app).replies["take"] = TryAgain("that session still runs elsewhere", "End it there first.")
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the warning")
        await pilot.press("y")
        await until(pilot, lambda: toasts(app).strip())
        assert fake(app).asked == [("take", "", {"session": "5e55-shop", "name": "shop", "anyway": True})]
        assert "still runs elsewhere" in toasts(app)


async def test_the_list_follows_what_happens_and_a_click_in_the_roster_opens_it_there() -> None:
    app = make_app(row("ada"))
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app, session("one"), session("two"))
        await pilot.press("down")
        fake(app).foreign = (session("two", "needs_input"), session("three"))
        fake(app).tell()
        await until(pilot, lambda: dialog._rows == fake(app).foreign, "the newer rows")
        listed = dialog.query_one(OptionList)
        assert listed.highlighted == 0  # the same session, in its new place
        assert "needs you" in str(listed.get_option_at_index(0).prompt)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.deck)
        lines = app.deck.query_one(roster.Roster)._lines
        place = [line.foreign for line in lines].index("5e55-three")
        await pilot.click(roster.Roster, offset=(6, place))
        await until(pilot, lambda: isinstance(app.screen, ElsewhereDialog), "the list")
        assert app.screen.query_one(OptionList).highlighted == 1
