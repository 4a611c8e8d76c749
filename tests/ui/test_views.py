"""Arranging a view by keys: order, pins, groups; what it remembers; and following another dashboard."""

from __future__ import annotations

from dataclasses import replace

from textual.widgets import Input, OptionList

from agentdeck.errors import AgentDeckError
from agentdeck.models.view import ViewChange
from agentdeck.ui.screens.groups import GroupsDialog
from agentdeck.ui.widgets.roster import Roster
from agentdeck.ui.widgets.top_line import TopLine
from tests.ui.deck_fakes import fake, make_app, row, until
from tests.ui.test_app import focused, ready, shown, text, toasts

FOUR = (row("ada", "working"), row("bo"), row("cleo"), row("dov"))
TEAMS = (
    row("ada", "working", team="web"), row("bo", "needs_input", team="api"),
    row("cleo", team="web", repo="/repo/till"), row("dov", team="api"),
)  # fmt: skip


def roster(app) -> str:
    return text(app.deck.query_one("#roster-lines"))


def tiles(app) -> list[str]:
    return [entry.row.agent.name for entry in app.deck.stage.entries]


async def test_an_agent_moves_by_hand_and_roster_grid_and_store_agree() -> None:
    app = make_app(*FOUR)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("3", "<", "<")
        await until(pilot, lambda: shown(app) == ["cleo", "ada", "bo", "dov"])
        assert focused(app) == "cleo" and tiles(app) == shown(app)
        assert [line[5:15].strip() for line in roster(app).split("\n")] == shown(app)
        await pilot.press("<")
        await until(pilot, lambda: "cleo: first in the group already" in toasts(app))
        await pilot.press(">")
        await until(pilot, lambda: shown(app) == ["ada", "cleo", "bo", "dov"])
        await until(pilot, lambda: fake(app).stored.order == ("id-ada", "id-cleo", "id-bo", "id-dov"))


async def test_marked_agents_move_together() -> None:
    app = make_app(*FOUR)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("space", "2", "space", ">", ">")
        await until(pilot, lambda: shown(app) == ["cleo", "dov", "ada", "bo"])
        assert len(app.deck.marked) == 2


async def test_a_pinned_agent_comes_first_with_a_sign_and_goes_back() -> None:
    app = make_app(*TEAMS)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("3", "p")
        await until(pilot, lambda: shown(app)[0] == "ada" and focused(app) == "ada")
        assert roster(app).split("\n")[0].split() == ["pinned", "●1"] and "▸1▴● ada" in roster(app)
        tile = app.deck.stage.grid.visible_tiles[0]
        await until(pilot, lambda: "ada ▴" in tile.render_lines(tile.size.region)[0].text)
        await pilot.press("p")
        await until(pilot, lambda: shown(app) == ["bo", "dov", "ada", "cleo"])


async def test_groups_take_turns_with_their_headings() -> None:
    app = make_app(*TEAMS)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        for grouping, order, headings in (
            ("team", ["bo", "dov", "ada", "cleo"], ["api", "web"]),
            ("repository", ["ada", "bo", "dov", "cleo"], ["shop", "till"]),
            ("none", ["ada", "bo", "cleo", "dov"], []),
            ("team", ["bo", "dov", "ada", "cleo"], ["api", "web"]),
        ):
            await until(pilot, lambda grouping=grouping: fake(app).stored.grouping == grouping)
            await until(pilot, lambda order=order: shown(app) == order == tiles(app))
            assert [line.split()[0] for line in roster(app).split("\n") if line[1].isalpha()] == headings
            await pilot.press("o")


async def test_a_group_is_marked_and_hidden_as_a_whole() -> None:
    app = make_app(*TEAMS)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("M")
        await until(pilot, lambda: app.deck.marked == {"id-bo", "id-dov"})
        await pilot.press("v")
        await until(pilot, lambda: shown(app) == ["ada", "cleo"])
        assert "api" in roster(app) and "2 hidden" in roster(app)
        await pilot.click(Roster, offset=(2, 0))
        await until(pilot, lambda: len(shown(app)) == 4)
        await pilot.click(Roster, offset=(2, 3))  # the heading of web
        await until(pilot, lambda: shown(app) == ["bo", "dov"])


async def test_the_list_of_groups_hides_and_shows_and_stays_open() -> None:
    app = make_app(*TEAMS)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot, app)
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, GroupsDialog))
        choices = app.screen.query_one(OptionList)
        await until(pilot, lambda: choices.has_focus)
        assert "?1 ○1" in str(choices.get_option_at_index(0).prompt)
        await pilot.press("enter")
        await until(pilot, lambda: shown(app) == ["ada", "cleo"])
        assert "hidden" in str(choices.get_option_at_index(0).prompt)
        await pilot.press("j", "space")
        await until(pilot, lambda: shown(app) == [])
        await pilot.press("k", "enter", "escape")
        await until(pilot, lambda: shown(app) == ["bo", "dov"] and app.screen is app.deck)


async def test_one_group_alone_says_how_to_get_others() -> None:
    app = make_app(*FOUR)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot, app)
        await pilot.press("O")
        await until(pilot, lambda: "all agents are in one group" in toasts(app))
        assert app.screen is app.deck


async def test_the_view_is_named_and_opens_as_it_was_left() -> None:
    app = make_app(*TEAMS, view="left")
    fake(app).stored = ViewChange(
        filter="web", grouping="none", panel="usage", hidden={"id-cleo": True}, order=("id-dov",)
    ).applied(fake(app).stored)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await until(pilot, lambda: shown(app) == ["ada"])
        assert "[left]" in text(app.deck.query_one(TopLine)) and "/web" in text(app.deck.query_one(TopLine))
        await until(pilot, lambda: "uncached input" in text(app.deck.query_one("#usage")))
        await pilot.press("escape")
        await until(pilot, lambda: fake(app).stored.panel == "" and not app.deck.query_one("#side").display)


async def test_another_dashboard_on_the_view_is_followed_and_not_answered() -> None:
    app = make_app(*TEAMS)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        change = ViewChange(grouping="none", panel="log", hidden={"id-bo": True}, pinned={"id-dov": True})
        fake(app).change_elsewhere(change)
        await until(pilot, lambda: shown(app) == ["dov", "ada", "cleo"])
        assert app.deck.query_one("#log").display
        fake(app).change_elsewhere(ViewChange(filter="cleo", panel=""))
        await until(pilot, lambda: shown(app) == ["cleo"])
        assert not app.deck.query_one("#side").display
        assert fake(app).changes == []


async def test_a_filter_being_typed_is_not_taken_away_by_another_dashboard() -> None:
    app = make_app(*TEAMS)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"ada")
        await until(pilot, lambda: shown(app) == ["ada"])
        fake(app).change_elsewhere(ViewChange(filter="bo"))
        await pilot.pause(0.05)
        assert shown(app) == ["ada"]
        await pilot.press("enter")
        await until(pilot, lambda: fake(app).stored.filter == "ada")


async def test_what_cannot_be_stored_is_told() -> None:
    app = make_app(*FOUR)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        fake(app).refuses = AgentDeckError("the disk is full", "Make room.")
        await pilot.press("v")
        await until(pilot, lambda: "could not be stored: the disk is full" in toasts(app))
        assert len(shown(app)) == 4


async def test_the_zoom_level_is_kept_and_the_list_takes_the_rosters_place() -> None:
    app = make_app(*FOUR)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("-")
        await until(pilot, lambda: fake(app).stored.level == "0" and not app.deck.query_one("#roster").display)
        await pilot.press("j", "j", "space")
        await until(pilot, lambda: focused(app) == "cleo" and app.deck.marked == {"id-cleo"})
        await pilot.press("-")
        await until(pilot, lambda: "+ goes back to tiles" in toasts(app))
        await pilot.press("+", "+", "+")
        await until(pilot, lambda: fake(app).stored.level == "1" and tiles(app) == ["cleo"])
        await pilot.press("+")
        await until(pilot, lambda: "one agent fills the stage" in toasts(app))
        assert "page 3/4" in text(app.deck.query_one(TopLine)) and app.deck.query_one("#roster").display


async def test_levels_that_follow_each_other_quickly_elsewhere_are_not_answered() -> None:
    app = make_app(*FOUR)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        for level in ("2", "1", "0", "2"):
            app.deck.keeper.hear(replace(fake(app).stored, level=level, revision=app.deck.view.revision + 1))
        await until(pilot, lambda: tiles(app) == ["ada", "bo"])
        await pilot.pause()
        assert fake(app).changes == []


async def test_a_kept_level_is_shown_at_the_start() -> None:
    app = make_app(*FOUR)
    fake(app).stored = replace(fake(app).stored, level="2", revision=1)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await until(pilot, lambda: tiles(app) == ["ada", "bo"])


async def test_another_view_is_shown_here_and_a_new_one_begins_like_this() -> None:
    app = make_app(*FOUR)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("3", "v")
        await until(pilot, lambda: shown(app) == ["ada", "bo", "dov"])
        await pilot.press("f3", *"left", "enter")
        await until(pilot, lambda: app.screen is app.deck and "[left]" in text(app.deck.query_one(TopLine)))
        assert shown(app) == ["ada", "bo", "dov"]
        await pilot.press("1", "v")
        await until(pilot, lambda: shown(app) == ["bo", "dov"])
        await pilot.press("f3", *"default", "enter")
        await until(pilot, lambda: shown(app) == ["ada", "bo", "dov"] and "[left]" not in str(app.deck.view))
        await pilot.press("f3", *"a b", "enter")
        await until(pilot, lambda: "cannot be a name" in text(app.screen.query_one("#trouble")))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.deck)


async def test_a_group_that_was_hidden_is_shown_again_by_undo() -> None:
    app = make_app(*TEAMS)
    async with app.run_test(size=(160, 40)) as pilot:
        await ready(pilot, app)
        await pilot.click(Roster, offset=(2, 0))
        await until(pilot, lambda: shown(app) == ["ada", "cleo"])
        await pilot.press("z")
        await until(pilot, lambda: app.screen is not app.deck)
        assert "api (2)" in "".join(str(line.render()) for line in app.screen.query("Static"))
        await pilot.press("y")
        await until(pilot, lambda: len(shown(app)) == 4)
