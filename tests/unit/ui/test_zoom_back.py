"""A zoom that has gone back: it stays on its rows, brings what it lacks, and comes back to the live end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentdeck.adapters.tmux import TmuxError
from agentdeck.adapters.tmux.history import Rows
from agentdeck.models.pane import Pane
from agentdeck.models.screen import PaneScreen, parse, plain
from agentdeck.ui.widgets.zoom_back import MARGIN, ZoomBack

PANE = Pane("%1", "@1", "a", 1, "sh", "", False, None, None, 120, 40, 0, 0, True, False, False, 0, 300)
HEIGHT = 40


class Tmux:
    """A pane that has printed `printed` rows, each its number; `asked` are the windows that were fetched."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.printed = 340
        self.asked: list[tuple[int, int]] = []
        self.gone = False
        self.changes = 0
        monkeypatch.setattr("agentdeck.adapters.tmux.history_rows", self.history_rows)

    @property
    def pane(self) -> Pane:
        return replace(PANE, history=self.printed - HEIGHT)

    @property
    def picture(self) -> PaneScreen:
        return PaneScreen(parse([str(n) for n in range(self.printed - HEIGHT, self.printed)]), 120, HEIGHT)

    async def history_rows(self, client: object, pane: str, deck_id: str, first: int, last: int) -> Rows:
        if self.gone:
            raise TmuxError("it is gone")
        self.asked.append((first, last))
        size = self.printed - HEIGHT
        return Rows([str(size + number) for number in range(first, last + 1)], first, size, 5000)

    def changed(self) -> None:
        self.changes += 1


@pytest.fixture
def tmux(monkeypatch: pytest.MonkeyPatch) -> Tmux:
    return Tmux(monkeypatch)


def shown(back: ZoomBack, tmux: Tmux) -> list[str]:
    return [plain(back.line(y, tmux.picture)) for y in range(HEIGHT)]


async def went_back(tmux: Tmux, rows: int) -> ZoomBack:
    back = ZoomBack(tmux.changed)
    assert back.scroll(-rows, tmux.pane, HEIGHT, 0)
    await back.fetch(object(), "%1", "a")  # type: ignore[arg-type]
    return back


async def test_rows_of_the_history_and_of_the_screen_stand_together(tmux: Tmux) -> None:
    back = await went_back(tmux, 10)
    assert shown(back, tmux) == [str(n) for n in range(290, 330)]
    assert back.at is not None and back.at.back == 10


async def test_it_stays_on_its_rows_while_the_agent_prints(tmux: Tmux) -> None:
    back = await went_back(tmux, 10)
    tmux.printed += 7
    back.observe(tmux.pane)
    assert back.at is not None and (back.at.back, back.at.live) == (17, 7)
    await back.fetch(object(), "%1", "a")  # type: ignore[arg-type]
    assert shown(back, tmux) == [str(n) for n in range(290, 330)]


async def test_rows_that_come_while_they_are_fetched_shift_nothing(tmux: Tmux) -> None:
    back = ZoomBack(tmux.changed)
    back.scroll(-10, tmux.pane, HEIGHT, 0)
    tmux.printed += 25  # nobody has told the view yet
    await back.fetch(object(), "%1", "a")  # type: ignore[arg-type]
    assert shown(back, tmux) == [str(n) for n in range(290, 330)]


async def test_few_windows_are_fetched_and_never_all(tmux: Tmux) -> None:
    tmux.printed = 4900
    back = await went_back(tmux, 3)
    for _ in range(200):
        back.scroll(-3, tmux.pane, HEIGHT, 0)
        await back.fetch(object(), "%1", "a")  # type: ignore[arg-type]
    assert back.at is not None and back.at.back == 603
    assert len(tmux.asked) <= 8
    assert all(last - first < HEIGHT + 2 * MARGIN for first, last in tmux.asked)


async def test_both_ends(tmux: Tmux) -> None:
    back = await went_back(tmux, 1000)
    assert shown(back, tmux)[0] == "0"
    assert not back.scroll(-3, tmux.pane, HEIGHT, 0)
    back.scroll(1000, tmux.pane, HEIGHT, 0)
    assert back.at is None
    assert not back.scroll(3, tmux.pane, HEIGHT, 0) and back.at is None


async def test_without_a_history_there_is_no_way_back(tmux: Tmux) -> None:
    tmux.printed = HEIGHT
    back = ZoomBack(tmux.changed)
    assert not back.scroll(-3, tmux.pane, HEIGHT, 0) and back.at is None


async def test_what_changes_its_rows_leads_to_the_live_end(tmux: Tmux) -> None:
    for now in (None, replace(tmux.pane, cols=100), replace(tmux.pane, history=0)):
        back = await went_back(tmux, 10)
        back.observe(now)
        assert back.at is None


async def test_a_pane_that_is_gone_shows_what_it_has(tmux: Tmux) -> None:
    back = await went_back(tmux, 10)
    tmux.gone = True
    back.scroll(-300, tmux.pane, HEIGHT, 0)
    await back.fetch(object(), "%1", "a")  # type: ignore[arg-type]
    assert back.at is not None and back.missing() is not None
    assert shown(back, tmux)[-1] == ""


async def test_a_view_with_less_room_than_the_screen_starts_where_it_stands(tmux: Tmux) -> None:
    back = ZoomBack(tmux.changed)
    back.scroll(-3, tmux.pane, 20, 20)
    await back.fetch(object(), "%1", "a")  # type: ignore[arg-type]
    assert [plain(back.line(y, tmux.picture)) for y in (0, 19)] == ["317", "336"]
