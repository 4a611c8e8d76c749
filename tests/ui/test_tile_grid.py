"""Tiles and their grid by Pilot, without tmux: the pictures are given by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.pane import Pane
from agentdeck.models.screen import PaneScreen, parse
from agentdeck.models.status import Status
from agentdeck.models.tree import TreeState
from agentdeck.models.usage import Tokens
from agentdeck.services.fleet import AgentRow, Context, DeliveryNote, Diff, TaskRef, UsageSum
from agentdeck.ui.widgets.grid import TileGrid
from agentdeck.ui.widgets.tile import Tile
from agentdeck.ui.widgets.tile_text import foot, title

NOW = 1_700_000_000_000


def row(name: str, state: str = "working", *, since: int = 0, life: str = "live") -> AgentRow:
    agent = Agent(
        id=name, name=name, harness="shell", repo="/r", worktree="/w", branch=f"deck/{name}/1", base="main",
        base_oid="", life=life, pane=f"%{name}", window="@1",
    )  # fmt: skip
    return AgentRow(agent, Status(state, since=since or now_ms()))  # pyrefly: ignore[bad-argument-type]


def pane(name: str, **changes: object) -> Pane:
    known = Pane(f"%{name}", "@1", name, 1, "sh", "", False, None, None, 120, 40, 0, 0, True, False, False, 0, 0)
    return replace(known, **changes)  # pyrefly: ignore[bad-argument-type]


class GridApp(App[None]):
    def __init__(self, names: str) -> None:
        super().__init__()
        self.names = names
        self.said: list[str] = []

    def compose(self) -> ComposeResult:
        yield TileGrid()

    def on_mount(self) -> None:
        self.grid.set_agents([row(name) for name in self.names])

    @property
    def grid(self) -> TileGrid:
        return self.query_one(TileGrid)

    def on_tile_grid_focused(self, message: TileGrid.Focused) -> None:
        self.said.append(f"focus {message.agent_id}")

    def on_tile_grid_zoom(self, message: TileGrid.Zoom) -> None:
        self.said.append(f"zoom {message.agent_id}")


def names(app: GridApp) -> str:
    return "".join(tile.row.agent.id for tile in app.grid.visible_tiles)


def text_of(tile: Tile) -> list[str]:
    return [strip.text for strip in tile.render_lines(tile.size.region)]


async def test_words_of_a_title_give_way_from_the_middle() -> None:
    one = replace(row("alice", "needs_input", since=NOW - 240_000), task=TaskRef(12, "Mend the parser", "running"))
    one = replace(one, status=replace(one.status, reason="permission"))
    assert title(one, 80, NOW).plain.split() == (
        ["?", "alice", "deck/alice/1", "#12", "Mend", "the", "parser", "needs", "you:", "permission", "4m"]
    )
    assert "#12 Mend the pa…" in title(one, 66, NOW).plain
    assert title(one, 38, NOW).plain.startswith(" ? alice") and "permission 4m" in title(one, 38, NOW).plain
    assert title(one, 16, NOW).plain == " ? alice     4m "
    assert title(one, 80, NOW, marked=True).plain.startswith("*")
    for width in range(1, 100):
        assert title(one, width, NOW).cell_length <= width
        assert foot(one, width).cell_length <= width


async def test_the_foot_has_context_tokens_cost_and_lines() -> None:
    usage = UsageSum(Tokens(1_000_000, 0, 0, 0, 200_000), 3, 1_230_000_000)
    one = replace(row("a"), usage=usage, context=Context(84_000, 200_000), diff=Diff(2, 12, 3))
    assert foot(one, 70).plain.split() == ["42%", "ctx", "1.20M", "tok", "$1.23", "+12", "−3", "shell"]
    assert "84.0k ctx" in foot(replace(one, context=Context(84_000, None)), 70).plain
    gone = TreeState("b", "", "gone", "its worktree is gone: /trees/a", "")
    assert foot(replace(one, tree=gone), 70).plain.startswith(" its worktree is gone: /trees/a ")
    assert "message waits" in foot(replace(one, delivery=DeliveryNote("queued", "")), 70).plain
    assert "message refused: a draft" in foot(replace(one, delivery=DeliveryNote("refused", "a draft")), 90).plain


async def test_every_state_is_told_by_its_glyph_and_word_alone() -> None:
    from agentdeck.models.status import STATES

    seen = {title(row("a", state, since=NOW), 60, NOW).plain for state in STATES}
    assert len(seen) == len(STATES)


async def test_focus_moves_over_columns_rows_and_pages() -> None:
    app = GridApp("abcdefgh")
    async with app.run_test(size=(80, 21)) as pilot:  # two columns, three rows
        await pilot.pause()
        grid = app.grid
        assert (grid.focused_agent, names(app), grid.pages) == ("a", "abcdef", 2)
        for step, expected in [(grid.right, "b"), (grid.down, "d"), (grid.left, "c"), (grid.up, "a"), (grid.up, "a")]:
            step()
            assert grid.focused_agent == expected
        grid.focus_agent("f")
        grid.down()
        assert (grid.focused_agent, names(app)) == ("h", "gh")
        grid.down()
        grid.right()
        assert grid.focused_agent == "h"
        grid.left()
        grid.left()
        assert (grid.focused_agent, names(app)) == ("f", "abcdef")
        grid.page(1)
        assert (grid.focused_agent, grid.page_number) == ("h", 1)
        grid.page(1)
        assert grid.focused_agent == "h"
        grid.page(-1)
        assert (grid.focused_agent, names(app)) == ("b", "abcdef")
        await pilot.pause()
        assert app.said[-1] == "focus b"


async def test_the_thick_edge_moves_with_the_focus_on_every_row() -> None:
    app = GridApp("ab")
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        for focused, other in ("ab", "ba", "ab"):
            app.grid.focus_agent(focused)
            await pilot.pause()
            edges = {name: {line[0] for line in text_of(app.grid.tile(name))} for name in "ab"}  # type: ignore[arg-type]
            assert edges == {focused: {"▌"}, other: {" "}}


async def test_the_last_row_takes_all_the_width() -> None:
    app = GridApp("abc")
    async with app.run_test(size=(200, 58)) as pilot:
        await pilot.pause()
        tiles = app.grid.visible_tiles
        assert [tile.size.width for tile in tiles] == [100, 100, 200]
        app.grid.set_agents([row(name) for name in "abcd"])
        await pilot.pause()
        assert [tile.size.width for tile in app.grid.visible_tiles] == [100, 100, 100, 100]


async def test_agents_come_and_go_and_none_moves_by_itself() -> None:
    app = GridApp("abcd")
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        app.grid.focus_agent("c")
        kept = app.grid.tile("d")
        app.grid.set_agents([row("a", "idle"), row("b", "needs_input"), row("c", "failed"), row("d", "working")])
        assert names(app) == "abcd"
        app.grid.set_agents([row(name) for name in "abdx"])
        await pilot.pause()
        assert (names(app), app.grid.focused_agent) == ("abdx", "d")
        assert app.grid.tile("d") is kept
        assert [child.row.agent.id for child in app.grid.query(Tile) if child.display] == list("abdx")
        app.grid.set_agents([])
        await pilot.pause()
        assert app.grid.focused_agent is None
        assert app.said[-1] == "focus "
        app.grid.set_agents([row("b")])
        await pilot.pause()
        assert app.grid.focused_agent == "b"


async def test_a_caller_may_order_the_agents_anew() -> None:
    app = GridApp("abc")
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        app.grid.set_agents([row(name) for name in "cab"])
        await pilot.pause()
        assert names(app) == "cab"
        assert app.grid.tile("c").region.offset == (0, 0)  # pyrefly: ignore[missing-attribute]


async def test_larger_tiles_on_more_pages() -> None:
    app = GridApp("abcdefgh")
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        assert app.grid.pages == 1
        app.grid.enlarge(1)
        assert names(app) == "abcd"
        for _ in range(5):
            app.grid.enlarge(1)
        assert names(app) == "a"
        app.grid.enlarge(-1)
        assert names(app) == "ab"
        for _ in range(5):
            app.grid.enlarge(-1)
        assert names(app) == "abcdefgh"


async def test_a_click_focuses_and_a_double_click_zooms() -> None:
    app = GridApp("ab")
    async with app.run_test(size=(160, 20)) as pilot:
        await pilot.pause()
        await pilot.click(app.grid.tile("b"))  # pyrefly: ignore[bad-argument-type]
        assert app.grid.focused_agent == "b"
        await pilot.click(app.grid.tile("a"), times=2)  # pyrefly: ignore[bad-argument-type]
        await pilot.pause()
        assert app.said[-2:] == ["focus a", "zoom a"]


async def test_only_changed_lines_are_painted() -> None:
    app = GridApp("a")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        tile = app.grid.visible_tiles[0]
        rows = [f"line {n}" for n in range(10)]
        tile.show(PaneScreen(parse(rows), 120, 40))
        await pilot.pause()
        painted: list[int] = []
        tile.put = lambda y, strip: painted.append(y)  # type: ignore[method-assign]
        tile.show(PaneScreen(parse([*rows[:4], "another", *rows[5:]]), 120, 40))
        assert painted == [5]
        painted.clear()
        tile.draw_words()
        tile.set_row(tile.row)
        assert painted == []


async def test_every_row_is_exactly_as_wide_as_the_tile() -> None:
    app = GridApp("abc")
    async with app.run_test(size=(81, 24)) as pilot:
        await pilot.pause()
        for tile in app.grid.visible_tiles:
            tile.show(PaneScreen(parse(["漢" * 60, "👍🏽❤\ufe0f" * 30, "x" * 200, ""]), 120, 40))
            strips = tile.render_lines(tile.size.region)
            assert len(strips) == tile.size.height
            assert {strip.cell_length for strip in strips} == {tile.size.width}


async def test_the_crop_follows_the_cursor() -> None:
    app = GridApp("a")
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        tile = app.grid.visible_tiles[0]
        lines = parse([f"line {n}" for n in range(40)])
        for cursor, first in [(39, "line 30"), (-1, "line 30"), (12, "line 9"), (0, "line 0")]:
            tile.show(PaneScreen(lines, 120, 40, 0 if cursor >= 0 else -1, cursor))
            assert text_of(tile)[1].strip("▌ ") == first


@pytest.mark.parametrize(
    ("panes", "note"),
    [(None, "no connection to tmux"), ({}, "its pane is gone"), ({"%a": pane("b")}, "its pane is gone")]
    + [({"%a": pane("a", dead=True)}, "")],
)
async def test_the_last_screen_of_what_is_gone_stays_and_is_dim(panes: dict[str, Pane] | None, note: str) -> None:
    app = GridApp("a")
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        tile = app.grid.visible_tiles[0]
        tile.show(PaneScreen(parse(["last words"]), 120, 40))
        app.grid.observe({"%a": pane("a")})
        assert not tile.faint
        app.grid.observe(panes)
        assert tile.faint
        shown = tile.render_lines(tile.size.region)
        assert "last words" in shown[1].text and note in shown[-1].text
        assert all(segment.style.dim for segment in list(shown[1])[1:] if segment.style)
        app.grid.observe({"%a": pane("a")})
        assert not tile.faint and note not in text_of(tile)[-1] or not note


async def test_an_agent_that_is_being_made_has_lost_nothing() -> None:
    app = GridApp("")
    async with app.run_test(size=(80, 12)) as pilot:
        app.grid.set_agents([row("a", "starting", life="creating")])
        await pilot.pause()
        app.grid.observe(None)
        assert not app.grid.visible_tiles[0].faint


async def test_nothing_is_wanted_of_what_nobody_sees() -> None:
    from textual.screen import ModalScreen, Screen

    app = GridApp("abcdefgh")
    async with app.run_test(size=(80, 21)) as pilot:
        await pilot.pause()
        grid = app.grid
        assert set(grid.wanted()) == {f"%{name}" for name in "abcdef"}
        assert grid.wanted()["%a"].every < grid.wanted()["%b"].every
        await app.push_screen(ModalScreen())
        assert set(grid.wanted()) == {f"%{name}" for name in "abcdef"}  # still seen behind a dialog
        await app.push_screen(Screen())
        assert grid.wanted() == {}
        app.pop_screen()
        app.pop_screen()
        await pilot.pause()
        assert grid.wanted()
        grid.display = False
        assert grid.wanted() == {}


@pytest.mark.parametrize("size", [(20, 5), (5, 2), (36, 7), (80, 24), (200, 60)])
async def test_any_terminal_size(size: tuple[int, int]) -> None:
    app = GridApp("abcdefghijklmnop")
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for tile in app.grid.visible_tiles:
            tile.show(PaneScreen(parse(["hello"] * 40), 120, 40, 0, 39))
        await _turn_all_pages(app, pilot)


async def _turn_all_pages(app: GridApp, pilot: Pilot[None]) -> None:
    seen = set(names(app))
    for _ in range(app.grid.pages):
        app.grid.page(1)
        await pilot.pause()
        seen |= set(names(app))
    assert seen == set("abcdefghijklmnop")


async def test_a_new_theme_paints_the_words_anew() -> None:
    app = GridApp("a")
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        tile = app.grid.visible_tiles[0]
        before = tile.render_lines(tile.size.region)[0]
        app.theme = "textual-light"
        await pilot.pause()
        after = tile.render_lines(tile.size.region)[0]
        assert before.text == after.text and list(before) != list(after)
