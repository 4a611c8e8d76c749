"""A dashboard's view beside others on the same view: at once, in order, never taken back, never said twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from agentdeck.errors import AgentDeckError
from agentdeck.models.view import View, ViewChange
from agentdeck.ui.view_keeper import ViewKeeper


class Store:
    """The view as the database has it, shared by two dashboards; `open` lets the writes through."""

    def __init__(self) -> None:
        self.view = View()
        self.writes: list[ViewChange] = []
        self.names: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.fails: AgentDeckError | None = None

    async def change(self, name: str, change: ViewChange) -> int:
        await self.open.wait()
        if self.fails:
            raise self.fails
        self.writes.append(change)
        self.names.append(name)
        self.view = replace(change.applied(self.view), revision=self.view.revision + 1)
        return self.view.revision


class Dashboard:
    def __init__(self, store: Store) -> None:
        self.drawn = 0
        self.told: list[str] = []
        self.keeper = ViewKeeper(store.change, self.draw, lambda title, hint: self.told.append(title))

    def draw(self) -> None:
        self.drawn += 1


async def test_a_change_counts_at_once_and_older_news_do_not_take_it_back() -> None:
    store = Store()
    mine = Dashboard(store).keeper
    store.open.clear()
    mine.change(ViewChange(filter="new"))
    assert mine.view.filter == "new"
    mine.hear(replace(store.view, panel="usage"))  # read before our change was stored
    assert mine.view == View(filter="new")
    store.open.set()
    await mine.flush()
    assert mine.view.filter == "new" and store.view.filter == "new"


async def test_many_quick_changes_are_stored_in_order_and_few_writes() -> None:
    store = Store()
    mine = Dashboard(store).keeper
    store.open.clear()
    for number in range(50):
        mine.change(ViewChange(order=(str(number),)))
        await asyncio.sleep(0)
    store.open.set()
    await mine.flush()
    assert store.view.order == ("49",) and len(store.writes) == 2


async def test_what_another_does_is_followed_and_not_said_again() -> None:
    store = Store()
    one, other = Dashboard(store), Dashboard(store)
    one.keeper.change(ViewChange(grouping="none", hidden={"ada": True}))
    await one.keeper.flush()
    other.keeper.hear(store.view)
    assert other.keeper.view == store.view and other.drawn == 1
    other.keeper.hear(store.view)
    assert other.drawn == 1 and len(store.writes) == 1


async def test_two_at_once_end_alike_and_both_hide_whom_they_hid() -> None:
    store = Store()
    one, other = Dashboard(store).keeper, Dashboard(store).keeper
    store.open.clear()
    one.change(ViewChange(filter="one", hidden={"ada": True}))
    other.change(ViewChange(filter="other", hidden={"bo": True}))
    store.open.set()
    await asyncio.gather(one.flush(), other.flush())
    for keeper in (one, other):
        keeper.hear(store.view)
        await keeper.flush()
        assert keeper.view == store.view
    assert store.view.filter == "other" and store.view.hidden == {"ada", "bo"} and len(store.writes) == 2


async def test_news_that_came_while_ours_was_stored_count_afterwards() -> None:
    store = Store()
    one, other = Dashboard(store).keeper, Dashboard(store).keeper
    await other._store("default", ViewChange(panel="log"))
    store.open.clear()
    one.change(ViewChange(filter="one"))
    await asyncio.sleep(0)
    store.open.set()
    news = replace(store.view, filter="one", revision=2)  # what is read in the moment after the write
    one.hear(news)
    assert one.view.panel == ""
    await one.flush()
    assert one.view == news


async def test_what_cannot_be_stored_is_told_and_the_view_is_as_it_is_stored() -> None:
    store = Store()
    dashboard = Dashboard(store)
    dashboard.keeper.hear(store.view)
    store.fails = AgentDeckError("the disk is full")
    dashboard.keeper.change(ViewChange(filter="x"))
    await dashboard.keeper.flush()
    assert dashboard.told == ["what you changed of this view could not be stored: the disk is full"]
    assert dashboard.keeper.view.filter == ""
    store.fails = None
    dashboard.keeper.change(ViewChange(filter="y"))
    await dashboard.keeper.flush()
    assert store.view.filter == "y"


async def test_going_over_to_another_view_takes_nothing_along_and_hears_no_more_of_the_last() -> None:
    store = Store()
    dashboard = Dashboard(store)
    dashboard.keeper.change(ViewChange(filter="x"))
    await dashboard.keeper.flush()
    last = store.view
    dashboard.keeper.become(View("left", grouping="none"))
    assert dashboard.keeper.view == View("left", grouping="none") and dashboard.drawn == 1
    dashboard.keeper.hear(last)
    assert dashboard.keeper.view.name == "left"
    dashboard.keeper.change(ViewChange(filter="y"))
    await dashboard.keeper.flush()
    assert store.names == ["default", "left"]
