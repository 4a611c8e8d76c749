"""The stage by Pilot, without tmux: its tiles, its list, its levels. The pictures are given by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.app import App, ComposeResult
from textual.events import MouseScrollDown
from textual.pilot import Pilot

from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.pane import Pane
from agentdeck.models.screen import PaneScreen, parse
from agentdeck.models.status import Status
from agentdeck.models.tree import TreeState
from agentdeck.models.usage import Tokens
from agentdeck.services.fleet import AgentRow, Context, DeliveryNote, Diff, TaskRef, UsageSum
from agentdeck.ui import levels
from agentdeck.ui.widgets.stage import Stage
from agentdeck.ui.widgets.tile import Tile
from agentdeck.ui.widgets.tile_text import foot, title

NOW = 1_700_000_000_000


def row(name: str, state: str = "working", *, since: int = 0, life: str = "live") -> AgentRow:
    agent = Agent(
        id=name, name=name, harness="shell", repo="/r", worktree="/w", branch=f"deck/{name}/1", base="main",
        base_oid="", life=life, pane=f"%{name}", window="@1",
    )  # fmt: skip
    return AgentRow(agent, Status(state, since=since or now_ms() - 200_000))  # pyrefly: ignore[bad-argument-type]


def pane(name: str, **changes: object) -> Pane:
    known = Pane(f"%{name}", "@1", name, 1, "sh", "", False, None, None, 120, 40, 0, 0, True, False, False, 0, 0)
    return replace(known, **changes)  # pyrefly: ignore[bad-argument-type]


class StageApp(App[None]):
    def __init__(self, names: str) -> None:
        super().__init__()
        self.names = names
        self.said: list[str] = []

    def compose(self) -> ComposeResult:
        yield Stage()

    def on_mount(self) -> None:
        self.stage.set_agents([row(name) for name in self.names])

    @property
    def stage(self) -> Stage:
        return self.query_one(Stage)

    def on_stage_focused(self, message: Stage.Focused) -> None:
        self.said.append(f"focus {message.agent_id}")

    def on_stage_zoom(self, message: Stage.Zoom) -> None:
        self.said.append(f"zoom {message.agent_id}")

    def on_stage_level_changed(self, message: Stage.LevelChanged) -> None:
        self.said.append(f"level {message.level}")


def names(app: StageApp) -> str:
    return "".join(entry.row.agent.id for entry in app.stage.entries)


def tile_of(app: StageApp, name: str) -> Tile:
    return next(tile for tile in app.stage.grid.visible_tiles if tile.entry.row.agent.id == name)


def screen(*lines: str, cursor: tuple[int, int] = (-1, -1)) -> PaneScreen:
    return PaneScreen(parse(lines), 120, 40, *cursor)


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
    assert "message waits" in foot(replace(one, delivery=DeliveryNote("queued", "", 1)), 70).plain
    waits = foot(replace(one, delivery=DeliveryNote("queued", "it is working, not idle", 2)), 90).plain
    assert "2 messages wait: it is working, not idle" in waits
    assert "message refused: a draft" in foot(replace(one, delivery=DeliveryNote("refused", "a draft")), 90).plain


async def test_every_state_is_told_by_its_glyph_and_word_alone() -> None:
    from agentdeck.models.status import STATES

    seen = {title(row("a", state, since=NOW), 60, NOW).plain for state in STATES}
    assert len(seen) == len(STATES)


async def test_focus_moves_over_columns_rows_and_pages() -> None:
    app = StageApp("abcdefgh")
    async with app.run_test(size=(80, 21)) as pilot:  # two columns, three rows
        await pilot.pause()
        stage = app.stage
        assert (stage.focused_agent, names(app), stage.whereabouts) == ("a", "abcdef", "page 1/2")
        for step, expected in [((1, 0), "b"), ((0, 1), "d"), ((-1, 0), "c"), ((0, -1), "a"), ((0, -1), "a")]:
            stage.move(*step)
            assert stage.focused_agent == expected
        stage.focus_agent("f")
        stage.move(0, 1)
        assert (stage.focused_agent, names(app)) == ("h", "gh")
        stage.move(0, 1)
        stage.move(1, 0)
        assert stage.focused_agent == "h"
        stage.move(-1, 0)
        stage.move(-1, 0)
        assert (stage.focused_agent, names(app)) == ("f", "abcdef")
        stage.page(1)
        assert (stage.focused_agent, stage.whereabouts) == ("h", "page 2/2")
        stage.page(1)
        assert stage.focused_agent == "h"
        stage.page(-1)
        assert (stage.focused_agent, names(app)) == ("b", "abcdef")
        await pilot.pause()
        assert app.said[-1] == "focus b"


async def test_the_thick_edge_moves_with_the_focus_on_every_row() -> None:
    app = StageApp("ab")
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        for focused, other in ("ab", "ba", "ab"):
            app.stage.focus_agent(focused)
            await pilot.pause()
            edges = {name: {line[0] for line in text_of(tile_of(app, name))} for name in "ab"}
            assert edges == {focused: {"▌"}, other: {" "}}


async def test_the_last_row_takes_all_the_width() -> None:
    app = StageApp("abc")
    async with app.run_test(size=(200, 58)) as pilot:
        await pilot.pause()
        tiles = app.stage.grid.visible_tiles
        assert [tile.size.width for tile in tiles] == [100, 100, 200]
        app.stage.set_agents([row(name) for name in "abcd"])
        await pilot.pause()
        assert [tile.size.width for tile in app.stage.grid.visible_tiles] == [100, 100, 100, 100]


async def test_agents_come_and_go_and_none_moves_by_itself() -> None:
    app = StageApp("abcd")
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        app.stage.focus_agent("c")
        app.stage.show("%d", screen("screen of d"))
        app.stage.set_agents([row("a", "idle"), row("b", "needs_input"), row("c", "failed"), row("d", "working")])
        assert names(app) == "abcd"
        app.stage.set_agents([row(name) for name in "abdx"])
        await pilot.pause()
        assert (names(app), app.stage.focused_agent) == ("abdx", "d")
        assert "screen of d" in text_of(tile_of(app, "d"))[1]
        assert [child.entry.row.agent.id for child in app.stage.query(Tile) if child.display] == list("abdx")
        app.stage.set_agents([])
        await pilot.pause()
        assert app.stage.focused_agent is None
        assert app.said[-1] == "focus "
        app.stage.set_agents([row("b")])
        await pilot.pause()
        assert app.stage.focused_agent == "b"


async def test_a_caller_may_order_the_agents_anew() -> None:
    app = StageApp("abc")
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        app.stage.set_agents([row(name) for name in "cab"])
        await pilot.pause()
        assert names(app) == "cab"
        assert tile_of(app, "c").region.offset == (0, 0)


async def test_levels_from_one_agent_to_the_list_and_back() -> None:
    app = StageApp("abcdefgh")
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        stage, seen = app.stage, []
        stage.focus_agent("c")
        for step in (1, 1, 1, 1, 1, -1, -1, -1, -1, -1, 1):
            stage.enlarge(step)
            seen.append((stage.level, names(app)))
        assert seen[:5] == [(6, "abcdef"), (4, "abcd"), (2, "cd"), (1, "c"), (1, "c")]
        everyone = "abcdefgh"
        assert seen[5:] == [(2, "cd"), (4, "abcd"), (6, "abcdef"), (levels.ALL, everyone), (0, everyone)] + [
            (levels.ALL, everyone)
        ]
        await pilot.pause()
        assert [word for word in app.said if "level" in word][-3:] == ["level 1000", "level 0", "level 1000"]


@pytest.mark.parametrize("level", [-5, 0, 1, 3, 5000])
async def test_a_stored_level_is_restored_before_and_after_the_first_layout(level: int) -> None:
    app = StageApp("abcdefgh")
    app.compose = lambda: iter([made])  # type: ignore[method-assign]
    made = Stage()
    made.level = level
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        assert made.level == min(max(level, 0), levels.ALL)
        shown = names(app)
        made.level = 2
        made.level = level
        await pilot.pause()
        assert names(app) == shown
        assert (made.list.display, made.grid.display) == (level <= 0, level > 0)


async def test_a_click_focuses_and_a_double_click_zooms() -> None:
    app = StageApp("ab")
    async with app.run_test(size=(160, 20)) as pilot:
        await pilot.pause()
        await pilot.click(tile_of(app, "b"))
        assert app.stage.focused_agent == "b"
        await pilot.click(tile_of(app, "a"), times=2)
        await pilot.pause()
        assert app.said[-2:] == ["focus a", "zoom a"]


async def test_only_changed_lines_are_painted() -> None:
    app = StageApp("a")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        tile = app.stage.grid.visible_tiles[0]
        rows = [f"line {n}" for n in range(10)]
        app.stage.show("%a", screen(*rows))
        await pilot.pause()
        painted: list[int] = []
        tile.put = lambda y, strip: painted.append(y)  # type: ignore[method-assign]
        app.stage.show("%a", screen(*rows[:4], "another", *rows[5:]))
        assert painted == [5]
        painted.clear()
        tile.draw_words()
        app.stage.set_agents([replace(tile.entry.row)])
        app.stage.observe({"%a": pane("a")})
        assert painted == []


async def test_every_row_is_exactly_as_wide_as_the_tile() -> None:
    app = StageApp("abc")
    async with app.run_test(size=(81, 24)) as pilot:
        await pilot.pause()
        for tile in app.stage.grid.visible_tiles:
            app.stage.show(tile.entry.row.agent.pane, screen("漢" * 60, "👍🏽❤\ufe0f" * 30, "x" * 200, ""))
            strips = tile.render_lines(tile.size.region)
            assert len(strips) == tile.size.height
            assert {strip.cell_length for strip in strips} == {tile.size.width}


async def test_the_crop_follows_the_cursor() -> None:
    app = StageApp("a")
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        tile = app.stage.grid.visible_tiles[0]
        lines = parse([f"line {n}" for n in range(40)])
        for cursor, first in [(39, "line 30"), (-1, "line 30"), (12, "line 9"), (0, "line 0")]:
            app.stage.show("%a", PaneScreen(lines, 120, 40, 0 if cursor >= 0 else -1, cursor))
            assert text_of(tile)[1].strip("▌ ") == first


@pytest.mark.parametrize(
    ("panes", "note"),
    [(None, "no connection to tmux"), ({}, "its pane is gone"), ({"%a": pane("b")}, "its pane is gone")]
    + [({"%a": pane("a", dead=True)}, "")],
)
async def test_the_last_screen_of_what_is_gone_stays_and_is_dim(panes: dict[str, Pane] | None, note: str) -> None:
    app = StageApp("a")
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        tile = app.stage.grid.visible_tiles[0]
        app.stage.show("%a", screen("last words"))
        app.stage.observe({"%a": pane("a")})
        assert not tile.entry.faint
        app.stage.observe(panes)
        assert tile.entry.faint
        shown = tile.render_lines(tile.size.region)
        assert "last words" in shown[1].text and note in shown[-1].text
        assert all(segment.style.dim for segment in list(shown[1])[1:] if segment.style)
        app.stage.observe({"%a": pane("a")})
        assert not tile.entry.faint and note not in text_of(tile)[-1] or not note


async def test_an_ended_agent_whose_pane_is_gone_says_so_in_its_tile() -> None:
    app = StageApp("a")
    async with app.run_test(size=(100, 30)) as pilot:
        app.stage.set_agents([row("a", "exited", life="stopped")])
        await pilot.pause()
        tile = app.query_one(Tile)
        assert any(
            "branch and conversation are kept" in line.text for line in tile.render_lines(tile.region.reset_offset)
        )
        app.stage.show("%a", PaneScreen(parse(["its last words"])))
        await pilot.pause()
        shown = "".join(line.text for line in tile.render_lines(tile.region.reset_offset))
        assert "last words" in shown and "kept" not in shown


async def test_an_agent_that_is_being_made_has_lost_nothing() -> None:
    app = StageApp("")
    async with app.run_test(size=(80, 12)) as pilot:
        app.stage.set_agents([row("a", "starting", life="creating")])
        await pilot.pause()
        app.stage.observe(None)
        assert not app.stage.grid.visible_tiles[0].entry.faint


async def test_nothing_is_wanted_of_what_nobody_sees() -> None:
    from textual.screen import ModalScreen, Screen

    app = StageApp("abcdefgh")
    async with app.run_test(size=(80, 21)) as pilot:
        await pilot.pause()
        stage = app.stage
        assert set(stage.wanted()) == {f"%{name}" for name in "abcdef"}
        assert (stage.wanted()["%a"].tier, stage.wanted()["%b"].tier) == ("focused", "visible")
        await app.push_screen(ModalScreen())
        assert set(stage.wanted()) == {f"%{name}" for name in "abcdef"}  # still seen behind a dialog
        await app.push_screen(Screen())
        assert stage.wanted() == {}
        app.pop_screen()
        app.pop_screen()
        await pilot.pause()
        assert stage.wanted()
        stage.display = False
        assert stage.wanted() == {}


@pytest.mark.parametrize("size", [(20, 5), (5, 2), (36, 7), (80, 24), (200, 60)])
async def test_any_terminal_size(size: tuple[int, int]) -> None:
    app = StageApp("abcdefghijklmnop")
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for tile in app.stage.grid.visible_tiles:
            app.stage.show(tile.entry.row.agent.pane, screen(*["hello"] * 40, cursor=(0, 39)))
        await _turn_all_pages(app, pilot)


async def _turn_all_pages(app: StageApp, pilot: Pilot[None]) -> None:
    seen = set(names(app))
    for _ in range(16):
        app.stage.page(1)
        await pilot.pause()
        seen |= set(names(app))
    assert seen == set("abcdefghijklmnop")


async def test_a_new_theme_paints_the_words_anew() -> None:
    app = StageApp("a")
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        tile = app.stage.grid.visible_tiles[0]
        before = tile.render_lines(tile.size.region)[0]
        app.theme = "textual-light"
        await pilot.pause()
        after = tile.render_lines(tile.size.region)[0]
        assert before.text == after.text and list(before) != list(after)


def lines_of(app: StageApp) -> list[str]:
    return [strip.text for strip in app.stage.list.render_lines(app.stage.list.size.region)]


async def listed(app: StageApp, pilot: Pilot[None]) -> list[str]:
    app.stage.level = levels.LIST
    await pilot.pause()
    return lines_of(app)


async def test_the_list_has_a_line_for_everybody_and_the_last_words_of_each() -> None:
    app = StageApp("abc")
    async with app.run_test(size=(120, 12)) as pilot:
        head, first, *rest = await listed(app, pilot)
        assert head.split() == ["NAME", "STATUS", "BRANCH", "SCREEN"]
        assert first.split() == ["▌", "1", "●", "a", "working", "3m", "deck/a/1"]
        assert set(app.stage.wanted()) == {"%a", "%b", "%c"}
        app.stage.show("%b", screen("old", "new words 漢字 👍🏽", "$ "))
        assert lines_of(app)[2].rstrip().endswith("new words 漢字 👍")
        app.stage.observe({"%a": pane("a"), "%b": pane("b")})
        assert "its pane is gone" in lines_of(app)[3]
        assert {len(lines_of(app)), *(strip.cell_length for strip in app.stage.list.render_lines(app.size.region))} == {
            12,
            120,
        }


async def test_keys_and_marks_work_the_same_in_the_list() -> None:
    app = StageApp("abcdefghijklmnopqrst")
    async with app.run_test(size=(80, 11)) as pilot:
        await listed(app, pilot)
        stage = app.stage
        assert (names(app), stage.whereabouts) == ("abcdefghij", "1-10 of 20")
        for step, expected in [((0, 1), "b"), ((1, 0), "c"), ((0, -1), "b"), ((-1, 0), "a"), ((0, -1), "a")]:
            stage.move(*step)
            assert stage.focused_agent == expected
        stage.page(1)
        assert (stage.focused_agent, names(app)) == ("k", "bcdefghijk")
        stage.page(1)
        assert stage.focused_agent == "k"
        stage.focus_agent("t")
        assert (names(app), stage.whereabouts) == ("klmnopqrst", "11-20 of 20")
        stage.set_marked({"s"})
        assert lines_of(app)[9].split()[0] == "*" and lines_of(app)[10].split()[:2] == ["▌", "20"]
        stage.enlarge(1)
        assert stage.focused_agent == "t" and "t" in names(app)


async def test_a_click_in_the_list_focuses_and_the_wheel_scrolls_it() -> None:
    app = StageApp("abcdefghijklmnopqrst")
    async with app.run_test(size=(80, 11)) as pilot:
        await listed(app, pilot)
        await pilot.click(app.stage.list, offset=(10, 3))
        assert app.stage.focused_agent == "c"
        await pilot.click(app.stage.list, offset=(10, 4), times=2)
        await pilot.pause()
        assert app.said[-2:] == ["focus d", "zoom d"]
        await pilot._post_mouse_events([MouseScrollDown], app.stage.list, offset=(5, 5), button=0)
        await pilot.pause()
        assert (names(app), app.stage.focused_agent) == ("defghijklm", "d")
        app.stage.set_agents([row(name) for name in app.names])
        assert names(app) == "defghijklm"  # news of the fleet do not scroll it back
        app.stage.move(0, 1)
        assert names(app) == "defghijklm"
        app.stage.set_agents([row(name) for name in "abc"])
        await pilot.pause()
        assert names(app) == "abc" and lines_of(app)[4].strip() == ""


async def test_only_changed_lines_of_the_list_are_painted() -> None:
    app = StageApp("abc")
    async with app.run_test(size=(120, 12)) as pilot:
        await listed(app, pilot)
        painted: list[int] = []
        app.stage.list.put = lambda y, strip: painted.append(y)  # type: ignore[method-assign]
        app.stage.show("%b", screen("words"))
        app.stage.set_agents([replace(entry.row) for entry in app.stage.entries])
        app.stage.show("%b", screen("words"))
        assert painted == [2]
        app.stage.move(0, 1)
        assert sorted(painted) == [1, 2, 2]


async def test_hundreds_are_listed() -> None:
    app = StageApp("")
    async with app.run_test(size=(100, 30)) as pilot:
        app.stage.set_agents([row(f"agent-{number}") for number in range(400)])
        await listed(app, pilot)
        app.stage.focus_agent("agent-399")
        assert len(app.stage.wanted()) == len(app.stage.entries) == 29
        assert len(app.stage.query(Tile)) < 30
