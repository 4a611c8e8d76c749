"""Coming back to the deck: the list that comes by itself, its keys, and when it keeps quiet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import OptionList

from agentdeck.errors import AgentDeckError
from agentdeck.models.clock import now_ms
from agentdeck.models.collision import Collision
from agentdeck.models.status import Ask
from agentdeck.models.usage import Tokens
from agentdeck.services.away import ABSENCE_MS, Absence, Item, away
from agentdeck.services.fleet import UsageSum
from agentdeck.services.radar.collisions import Clash
from agentdeck.ui.badges import clash_sign, clash_words
from agentdeck.ui.live import Live
from agentdeck.ui.screens import triage
from agentdeck.ui.screens.answer import AnswerDialog
from agentdeck.ui.screens.new_agent import NewDialog
from agentdeck.ui.screens.triage import TriageScreen
from agentdeck.ui.screens.zoom import ZoomScreen
from agentdeck.ui.widgets.collision_panel import CollisionPanel
from tests.ui.deck_fakes import fake, make_app, row, until
from tests.ui.test_app import ready, text, toasts

ASK = Ask("Run this command?", "permission", "bash", "git push --force", ("Yes", "No"))
TEAM = (
    row("ada"), row("bo", "needs_input", reason="permission", ask=ASK), row("cleo", "exited", life="stopped"),
    row("dov", "working"),
)  # fmt: skip
LEFT = now_ms() - 3_600_000


@pytest.fixture
def awake(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The list takes keys from the start: no test waits for the moment in which it gives way."""
    monkeypatch.setattr(triage, "GIVES_WAY", 0.0)
    yield


def absence(*more: Item) -> Absence:
    items = [*away([], TEAM, LEFT), Item("failed", "id-dov", "dov", "#7 Mend it: failed", LEFT + 5, "no model", 7),
             Item("finished", "id-ada", "ada", "its turn ended", LEFT + 9), *more]  # fmt: skip
    order = {"needs": 0, "failed": 1, "finished": 2}
    spent = UsageSum(Tokens(1_200_000), 40, 3_410_000_000)
    return Absence(LEFT, now_ms(), tuple(sorted(items, key=lambda item: order[item.kind])), spent)


def returning(*rows, found: Absence | None = None, seen: int = LEFT, **more):
    app = make_app(*(rows or TEAM), **more)
    app.bridge.seen = seen
    fake(app).absence = found or absence()
    return app


async def listed(pilot, app) -> TriageScreen:
    await until(pilot, lambda: isinstance(app.screen, TriageScreen) and app.screen.is_mounted, "the list")
    await until(pilot, lambda: app.screen._item is not None, "an item")
    return app.screen


def at(screen: TriageScreen) -> str:
    return screen._item.name if screen._item else ""


@pytest.mark.usefixtures("awake")
async def test_one_key_an_item_and_it_goes_on_by_itself() -> None:
    app = returning()
    async with app.run_test(size=(120, 40)) as pilot:
        app.deck.live = Live(Path("/nowhere"))
        screen = await listed(pilot, app)
        assert "While you were away: 1h0" in text(screen.query_one("#heading"))
        assert "1.20M tokens, $3.41" in text(screen.query_one("#heading"))
        assert at(screen) == "bo" and "git push --force" in text(screen.query_one("#detail"))
        assert "a answer" in text(screen.query_one("#keys")) and "R" not in text(screen.query_one("#keys"))

        await pilot.press("R", "d")  # neither means anything for a question
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AnswerDialog))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert at(screen) == "bo" and not fake(app).asked, "not answered: it stays"
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AnswerDialog))
        await pilot.press("y")
        await until(pilot, lambda: app.screen is screen and at(screen) == "cleo", "the next item")
        assert fake(app).asked[0][:2] == ("answer", "id-bo")

        assert "R resume" in text(screen.query_one("#keys"))
        await pilot.press("R")
        await until(pilot, lambda: at(screen) == "dov")
        assert "R retry" in text(screen.query_one("#keys"))
        await pilot.press("R")
        await until(pilot, lambda: at(screen) == "ada")
        assert [ask[:2] for ask in fake(app).asked[1:]] == [("resume", "id-cleo"), ("retry", "7")]

        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ZoomScreen), "the zoom")
        assert app.deck.state.focused.agent.name == "ada"
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app.screen is app.deck, "back on the deck")
        assert "that was all" in toasts(app)


@pytest.mark.usefixtures("awake")
async def test_esc_leaves_it_and_its_key_shows_it_again_at_any_time() -> None:
    app = returning()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await listed(pilot, app)
        await pilot.press("space")
        await until(pilot, lambda: at(screen) == "cleo")
        await pilot.press("k", "j", "escape")
        await until(pilot, lambda: app.screen is app.deck)
        assert "3 left: ! shows them again" in toasts(app)
        await pilot.press("exclamation_mark")
        again = await listed(pilot, app)
        assert again is not screen and at(again) == "cleo"
        assert "✓ bo" in str(again.query_one(OptionList).get_option("0").prompt), "what was seen stays so"
        assert again.query_one("#box").region.height <= 24


@pytest.mark.usefixtures("awake")
async def test_what_somebody_else_answers_meanwhile_is_ticked_off_while_one_looks() -> None:
    app = returning()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await listed(pilot, app)
        fake(app).change("bo", state="working", ask=None)
        choices = screen.query_one(OptionList)
        await until(pilot, lambda: "✓ bo" in str(choices.get_option("0").prompt), "the tick")
        assert "answered" in str(choices.get_option("0").prompt)
        await pilot.press("a")
        await until(pilot, lambda: at(screen) == "cleo", "nothing to answer: on to the next")
        assert not fake(app).asked


@pytest.mark.usefixtures("awake")
async def test_what_fails_is_told_and_the_item_stays() -> None:
    app = returning()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await listed(pilot, app)
        await pilot.press("space", "space")
        await until(pilot, lambda: at(screen) == "dov")

        async def refuse(task: int) -> None:
            raise AgentDeckError("task 7 is running", "Wait for it.")

        fake(app).retry = refuse
        await pilot.press("R")
        await until(pilot, lambda: "task 7 is running" in toasts(app))
        assert app.screen is screen and at(screen) == "dov"


async def test_a_key_meant_for_the_deck_is_not_taken_by_a_list_that_just_came_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(triage, "GIVES_WAY", 60.0)
    app = returning()
    async with app.run_test(size=(120, 40)) as pilot:
        await listed(pilot, app)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NewDialog), "the deck's own dialog")
        await until(pilot, lambda: "! shows them one by one" in toasts(app))
        assert not fake(app).asked


async def test_it_never_comes_over_somebody_who_is_busy() -> None:
    app = returning(seen=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("slash", *"ad")
        app.bridge.seen = LEFT
        app.deck.presence.__init__(app.deck)
        fake(app).tell()
        await until(pilot, lambda: "4 things to look at" in toasts(app), "a line that says so")
        assert app.screen is app.deck and app.deck.filter == "ad"


@pytest.mark.parametrize(
    ("rows", "found", "seen"),
    [
        (TEAM, None, 0),
        (TEAM, Absence(LEFT, now_ms()), LEFT),
        (TEAM, Absence(now_ms() - 9, now_ms(), away([], TEAM, now_ms() - 9)[:1]), now_ms() - 9),
        ((), None, LEFT),
    ],
    ids=["a view nobody has seen", "nothing happened", "gone for a moment, nothing new", "an empty deck"],
)
async def test_it_keeps_quiet(rows: tuple, found: Absence | None, seen: int) -> None:
    app = make_app(*rows)
    app.bridge.seen = seen
    fake(app).absence = found or absence()
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await until(pilot, lambda: not [w for w in app.workers if w.group == "away"])
        await pilot.pause(0.05)
        assert app.screen is app.deck and not toasts(app)


async def test_who_comes_back_to_an_open_deck_is_told_by_one_line() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        fake(app).absence = absence()
        await pilot.press("l")
        app.deck.presence._acted -= ABSENCE_MS + 1
        left = app.deck.presence._acted
        fake(app).absence = absence(Item("finished", "id-ada", "ada", "its turn ended", left + 1))
        await pilot.press("h")
        await until(pilot, lambda: "5 things to look at" in toasts(app))
        assert app.screen is app.deck and app.deck.presence.since == left


async def test_a_deck_without_news_says_so() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "nothing needs you" in toasts(app))


# Collisions


async def test_collisions_stand_on_tile_and_roster_and_in_a_panel() -> None:
    clash = Clash("id-bo", "bo", "merge", ("src/parser.py", "x.py"), 2, LEFT)
    ada = replace(row("ada"), clashes=(clash, Clash("id-cleo", "cleo", "file", ("y.py",), 1, LEFT)))
    app = make_app(ada, row("bo"), row("cleo"))
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        fake(app).collisions = (
            Collision("id-ada", "id-bo", "merge", ("src/parser.py",), 1, LEFT),
            Collision("id-ada", "id-cleo", "file", ("y.py",), 1, LEFT),
            Collision("id-bo", "", "merge", ("z.py",), 1, LEFT, "main"),
        )
        fake(app).tell()
        assert "ada    ↯2!" in text(app.deck.query_one("#roster-lines"))
        tile = next(tile for tile in app.deck.stage.grid.visible_tiles if tile.entry.row.agent.id == "id-ada")
        await until(pilot, lambda: tile._words[0] is not None and tile._words[1] is not None, "the tile")
        assert "ada ↯2!" in str(tile._words[0]) and "↯ bo: parser.py +1, 1 more" in str(tile._words[1])
        await pilot.press("C")
        await until(pilot, lambda: app.deck.query_one(CollisionPanel).display)
        shown = text(app.deck.query_one(CollisionPanel))
        assert shown.index("does not merge (2)") < shown.index("src/parser.py") < shown.index("the same file (1)")
        assert "ada, bo" in shown and "bo with main" in shown and "ada, cleo" in shown
        await pilot.press("escape")
        await until(pilot, lambda: not app.deck.query_one(CollisionPanel).display)
        fake(app).collisions = ()
        await pilot.press("C")
        await until(pilot, lambda: "Nobody is in anybody's way" in text(app.deck.query_one(CollisionPanel)))


def test_a_file_in_common_has_a_quieter_sign_than_a_conflict() -> None:
    some = (Clash("b", "bo", "file", ("a/x.py",), 1, LEFT),)
    assert clash_sign(()) == ("", "")
    assert clash_sign(some) == ("↯1", "$text-warning")
    assert clash_words(some) == "bo: x.py"
