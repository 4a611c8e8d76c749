"""`D` shows what would go before it takes anything away; `z` says what it will undo before it does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agentdeck.adapters import git
from agentdeck.errors import AgentDeckError, TryAgain
from agentdeck.models.clock import now_ms
from agentdeck.models.trash import TrashEntry
from agentdeck.services.trees.loss_report import Report
from agentdeck.services.trees.losses import Loss
from agentdeck.ui.screens.error import ErrorDialog
from agentdeck.ui.screens.remove import SHOWN, RemoveDialog
from agentdeck.ui.screens.undo import UndoDialog
from tests.ui.deck_fakes import fake, make_app, row, until
from tests.ui.test_app import ready, text, toasts
from tests.ui.test_app_dialogs import closed, opened

ENDED = row("bo", "exited", life="stopped")
LOSS = Loss(("staged.py",), ("changed.py",), ("new.py",), ("build/",), ("1a2b3c4 Work",), sizes={"build/": 12_300_000})


def report(name: str = "bo", **more: Any) -> Report:
    agent = row(name, "exited", life="stopped").agent
    return Report(agent, **{"place": agent.worktree, "loss": LOSS, "head": git.Head("1" * 40, "deck/bo/1"), **more})


def removed(name: str = "al", **more: Any) -> TrashEntry:
    return TrashEntry("0a0b0c0d", f"id-{name}", name, "/repo/shop", f"/trees/{name}", "/trash/al", **more)


async def shown(pilot, app, key: str = "D") -> RemoveDialog:
    dialog = await opened(pilot, app, RemoveDialog, key)
    await until(pilot, lambda: "Looking" not in text(dialog.query_one("#text")), "the report")
    return dialog


async def test_remove_shows_every_path_and_is_agreed_to_by_y_alone() -> None:
    app = make_app(ENDED)
    async with app.run_test(size=(120, 40)) as pilot:
        fake(app).reports["id-bo"] = report()
        dialog = await shown(pilot, app)
        words = text(dialog.query_one("#text"))
        for part in ("/trees/bo", "deck/bo/1", "staged.py", "changed.py", "new.py", "build/  12.3 MB", "1a2b3c4 Work"):
            assert part in words, words
        await pilot.press("enter", "down", "pagedown")
        await pilot.pause()
        assert app.screen is dialog and not fake(app).asked
        await pilot.press("y")
        await closed(pilot, app)
        await until(pilot, lambda: fake(app).asked == [("rm", "id-bo", {"shown": report().digest})])
        await until(pilot, lambda: "z brings it back" in toasts(app))


async def test_n_and_esc_keep_it_and_y_does_nothing_before_the_report_is_there() -> None:
    app = make_app(ENDED)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, RemoveDialog, "D")  # no report is known: the look fails
        await pilot.press("y")
        await pilot.pause()
        assert isinstance(app.screen, RemoveDialog) and not fake(app).asked
        await pilot.press("n")
        await closed(pilot, app)
        fake(app).reports["id-bo"] = report()
        await shown(pilot, app)
        await pilot.press("escape")
        await closed(pilot, app)
        assert not fake(app).asked


async def test_what_cannot_be_removed_says_why_and_offers_no_yes() -> None:
    app = make_app(ENDED)
    async with app.run_test(size=(120, 40)) as pilot:
        fake(app).reports["id-bo"] = report(refusal="a living process is in it: vite (pid 7)", hint="End it.")
        dialog = await shown(pilot, app)
        assert "vite (pid 7)" in text(dialog.query_one("#text"))
        assert "End it." in text(dialog.query_one("#trouble"))
        await pilot.press("y")
        await pilot.pause()
        assert app.screen is dialog and not fake(app).asked


async def test_what_changed_since_it_was_seen_is_shown_again() -> None:
    app = make_app(ENDED)
    async with app.run_test(size=(120, 40)) as pilot:
        fake(app).reports["id-bo"] = report()
        await shown(pilot, app)
        fake(app).reports["id-bo"] = report(loss=replace(LOSS, untracked=("new.py", "newer.py")))
        fake(app).replies["rm"] = TryAgain("'bo' holds other things than were shown", "…")
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, RemoveDialog) and app.screen.query_one("#trouble").display)
        again = app.screen
        await until(pilot, lambda: "newer.py" in text(again.query_one("#text")))
        fake(app).replies["rm"] = {"id": "x"}
        await pilot.press("y")
        await closed(pilot, app)
        await until(pilot, lambda: len(fake(app).asked) == 2)
        assert fake(app).asked[1][2]["shown"] != fake(app).asked[0][2]["shown"]


async def test_a_refused_removal_is_shown_whole_until_it_is_closed() -> None:
    app = make_app(ENDED)
    async with app.run_test(size=(120, 40)) as pilot:
        fake(app).reports["id-bo"] = report()
        fake(app).replies["rm"] = AgentDeckError("'bo' is kept: it is locked", "git worktree unlock it.")
        await shown(pilot, app)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))
        assert "it is locked" in text(app.screen.query_one("#text"))
        await pilot.press("c", "enter")
        await closed(pilot, app)
        assert "git worktree unlock it." in app.clipboard


async def test_all_marked_are_shown_in_one_dialog_and_a_refused_one_holds_no_other_back() -> None:
    app = make_app(ENDED, row("cy", "exited", life="stopped"))
    async with app.run_test(size=(120, 40)) as pilot:
        fake(app).reports |= {"id-bo": report(refusal="it is locked"), "id-cy": report("cy")}
        await ready(pilot, app)
        await pilot.press("*")
        dialog = await shown(pilot, app)
        assert "bo, cy" in text(dialog.query_one("#heading"))
        await pilot.press("y")
        await until(pilot, lambda: [(kind, agent) for kind, agent, _ in fake(app).asked] == [("rm", "id-cy")])


async def test_very_many_paths_are_counted() -> None:
    app = make_app(ENDED)
    async with app.run_test(size=(120, 40)) as pilot:
        many = tuple(f"file-{n}" for n in range(SHOWN + 7))
        fake(app).reports["id-bo"] = report(loss=Loss(untracked=many))
        dialog = await shown(pilot, app)
        assert "and 7 more: agentdeck rm bo prints all" in text(dialog.query_one("#text"))


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_the_keys_of_a_long_report_stay_in_sight(size: tuple[int, int]) -> None:
    app = make_app(ENDED)
    async with app.run_test(size=size) as pilot:
        fake(app).reports["id-bo"] = report(loss=Loss(untracked=tuple(f"file-{n}" for n in range(100))))
        dialog = await shown(pilot, app)
        keys, box, scroll = dialog.query_one("#keys"), dialog.query_one("#box"), dialog.query_one("#scroll")
        await until(pilot, lambda: box.content_region.contains_region(keys.region) and keys.region.height)
        before = scroll.scroll_y
        await pilot.press("pagedown")
        await until(pilot, lambda: scroll.scroll_y > before)
        await pilot.press("y")
        await until(pilot, lambda: fake(app).asked)


async def test_undo_says_what_comes_back_and_where() -> None:
    app = make_app(row("ada"))
    async with app.run_test(size=(120, 40)) as pilot:
        fake(app).removed = [removed(holds="2 changed", removed=now_ms() - 180_000)]
        dialog = await opened(pilot, app, UndoDialog, "z")
        await until(pilot, lambda: "/trees/al" in text(dialog.query_one("#text")))
        assert "2 changed" in text(dialog.query_one("#text"))
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen is dialog and not fake(app).asked
        await pilot.press("y")
        await closed(pilot, app)
        await until(pilot, lambda: fake(app).asked == [("undo", "", {"entry": "0a0b0c0d", "name": ""})])


async def test_an_agent_whose_name_is_taken_comes_back_under_a_free_one() -> None:
    app = make_app(row("al"))
    async with app.run_test(size=(120, 40)) as pilot:
        fake(app).removed = [removed()]
        dialog = await opened(pilot, app, UndoDialog, "z")
        await until(pilot, lambda: "it comes back as al-2" in text(dialog.query_one("#text")))
        await pilot.press("y")
        await until(pilot, lambda: fake(app).asked == [("undo", "", {"entry": "0a0b0c0d", "name": "al-2"})])


async def test_undo_knows_the_last_hide_and_rename_too() -> None:
    app = make_app(row("ada"), row("bo"))
    async with app.run_test(size=(120, 40)) as pilot:
        fake(app).removed = [removed(removed=now_ms() - 60_000)]
        await ready(pilot, app)
        await pilot.press("v")
        await until(pilot, lambda: len(app.deck.state.rows) == 1)
        dialog = await opened(pilot, app, UndoDialog, "z")
        await until(pilot, lambda: "ada: shown again" in text(dialog.query_one("#text")))
        await pilot.press("y")
        await until(pilot, lambda: len(app.deck.state.rows) == 2)
        await closed(pilot, app)
        dialog = await opened(pilot, app, UndoDialog, "z")
        await until(pilot, lambda: "al comes back" in text(dialog.query_one("#text")))


async def test_with_nothing_to_undo_it_says_so() -> None:
    app = make_app(row("ada"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.deck.ready)
        await pilot.press("z")
        await until(pilot, lambda: "nothing to undo" in toasts(app))
