"""The attention list: who needs a human, why, and the answer, without a zoom."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from agentdeck.errors import TryAgain
from agentdeck.models.screen import PaneScreen, parse
from agentdeck.models.status import Ask
from agentdeck.ui.live import Live
from agentdeck.ui.screens import attention
from agentdeck.ui.screens.attention import AttentionScreen
from tests.ui.deck_fakes import fake, make_app, row, until
from tests.ui.test_app import focused, ready, text, toasts

PUSH = Ask(
    "Bash: git push --force", "permission", "Bash", "command: git push --force\ndescription: Push it", ("Yes", "No")
)
WAY = Ask("Which way?", "question", "", "", ("Left", "Right"))
TEAM = (
    row("ada"), row("bo", "needs_input", reason="permission", ask=PUSH), row("cleo", "failed"),
    row("dov", "needs_input", reason="question", ask=WAY, hidden=True), row("eve", "working"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _quick_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "READ", 0.0)


def prompts(screen: AttentionScreen) -> list[str]:
    choices = screen.query_one(OptionList)
    return [str(choices.get_option_at_index(at).prompt) for at in range(choices.option_count)]


async def opened(pilot, app) -> AttentionScreen:
    await ready(pilot, app)
    await pilot.press("P")
    await until(pilot, lambda: isinstance(app.screen, AttentionScreen) and app.screen._shown, "the list")
    return app.screen


async def test_from_the_launch_three_keys_say_who_why_and_answer() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)  # the first key
        signs = [line.strip(" •").split()[:2] for line in prompts(screen)]
        assert signs == [["?", "bo"], ["?", "dov"], ["✗", "cleo"]]
        shown = text(screen.query_one("#text"))
        assert "command: git push --force" in shown and "description: Push it" in shown
        await pilot.press("y")  # the second
        await until(pilot, lambda: fake(app).asked, "the answer")
        [(kind, agent, args)] = fake(app).asked
        assert (kind, agent, args["answer"]) == ("answer", "id-bo", "allow")
        assert "git push --force" in str(args["expected"])


async def test_what_was_shown_is_seen_by_every_dashboard_and_the_next_comes_up() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        assert "3 need you, 3 not seen yet" in text(screen.query_one("#heading")) or fake(app).rows[1].seen
        await until(pilot, lambda: fake(app).rows[1].seen, "bo seen")
        assert not fake(app).rows[2].seen
        await until(pilot, lambda: "2 not seen yet" in text(screen.query_one("#heading")), "the count")
        await pilot.press("n")
        await until(pilot, lambda: screen.row.agent.name == "dov", "the next one")
        assert "hidden" in prompts(screen)[1] and "answered: deny" in prompts(screen)[0]
        await pilot.press("2")
        await until(pilot, lambda: len(fake(app).asked) == 2, "the second answer")
        assert fake(app).asked[1][2]["answer"] == "2"


async def test_a_question_that_changed_under_the_finger_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither before the other one is on show, nor at the very moment when it comes up."""
    app = make_app(*TEAM)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        monkeypatch.setattr(attention, "READ", 60.0)
        newest = app.deck.newest
        other = row(
            "bo", "needs_input", reason="permission", ask=Ask("Bash: rm -rf /", "permission", "Bash", "rm -rf /")
        )
        screen._current = lambda key: other if key == "id-bo" else newest(key)
        await pilot.press("y")
        assert "Nothing was sent" in text(screen.query_one("#trouble"))
        assert fake(app).asked == []


async def test_a_question_that_has_only_just_come_up_is_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "READ", 60.0)
    app = make_app(*TEAM)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("y")
        assert "only just come up" in text(screen.query_one("#trouble")) and fake(app).asked == []


async def test_an_answer_that_is_refused_is_told_and_can_be_given_again() -> None:
    app = make_app(*TEAM)
    fake(app).replies["answer"] = TryAgain("the question is not on its screen", "Zoom in and look.")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("y")
        await until(pilot, lambda: "is not on its screen" in text(screen.query_one("#trouble")), "the reason")
        assert "answered" not in prompts(screen)[0]


async def test_a_failed_agent_gets_a_text_and_enter_answers_nothing() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("j", "j")
        assert screen.row.agent.name == "cleo"
        await pilot.press("y", "t")
        assert screen.query_one(Input).has_focus
        await pilot.press(*"go on", "enter")
        await until(pilot, lambda: fake(app).asked, "the text")
        assert fake(app).asked == [("send", "id-cleo", {"text": "go on", "mode": "idle"})]
        await pilot.press("k", "enter")
        await pilot.pause()
        assert len(fake(app).asked) == 1


async def test_one_that_needs_nobody_any_more_is_ticked_and_one_that_comes_stands_below() -> None:
    app = make_app(*TEAM)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        fake(app).change("bo", state="working", ask=None)
        fake(app).change("eve", state="hung", since=1)
        await until(pilot, lambda: len(prompts(screen)) == 4 and "working now" in prompts(screen)[0], "the change")
        assert "eve" in prompts(screen)[3]
        await pilot.press("y")
        assert fake(app).asked == []


async def test_the_screen_of_one_without_a_question_is_shown_live(tmp_path: Path) -> None:
    app = make_app(row("cleo", "failed"))
    async with app.run_test(size=(120, 40)) as pilot:
        app.deck.live = Live(tmp_path / "no-socket")
        screen = await opened(pilot, app)
        await until(pilot, lambda: screen._peek.display, "the screen instead of a question")
        [pane] = screen._peek.wanted()
        assert pane == screen.row.agent.pane and app.deck.live._viewers
        screen._peek.show(pane, PaneScreen(parse(["one", "\x1b[31mAPI error", "", ""]), 80, 4))
        rows = [strip.text.rstrip() for strip in screen._peek.render_lines(screen._peek.size.region)]
        assert rows[:2] == ["one", "API error"]
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.deck, "the deck")
        assert not app.deck.live._viewers


async def test_w_walks_the_list_in_its_order_and_the_hidden_ones_are_named() -> None:
    app = make_app(row("ada", "failed"), row("bo"), row("cleo", "needs_input", reason="permission", ask=PUSH))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        walked = []
        for _ in range(3):
            await pilot.press("w")
            walked.append(focused(app))
        assert walked == ["cleo", "ada", "cleo"]
        await pilot.press("W")
        assert focused(app) == "ada"


async def test_hidden_ones_are_a_reason_to_open_the_list() -> None:
    app = make_app(row("ada"), row("dov", "needs_input", reason="question", ask=WAY, hidden=True))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("w")
        assert "those that need you are hidden here: P shows them" in toasts(app)
        screen = await opened(pilot, app)
        assert "dov" in prompts(screen)[0]


async def test_a_bell_tells_of_many_at_once_and_of_the_next_only_later(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(row("ada", "working"), row("bo", "working"), row("cleo", "needs_input"))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        fake(app).change("ada", state="needs_input", since=7)
        await until(pilot, lambda: fake(app).rung == [["id-ada"]], "the first bell")
        fake(app).change("bo", state="failed", since=8)
        fake(app).change("ada", state="working", since=9)
        fake(app).change("ada", state="needs_input", since=10)
        await until(pilot, lambda: app._ringing, "the second bell is planned")
        assert fake(app).rung == [["id-ada"]]
        app._ring()
        await until(pilot, lambda: len(fake(app).rung) == 2, "the second bell")
        assert set(fake(app).rung[1]) == {"id-bo", "id-ada"}


async def test_who_fills_the_screen_rings_no_bell_and_is_seen(tmp_path: Path) -> None:
    app = make_app(row("ada", "working"), row("bo", "working"))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        app.deck.live = Live(tmp_path / "no-socket")
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "fills", False), "the zoom")
        fake(app).change("ada", state="needs_input", since=7)
        fake(app).change("bo", state="needs_input", since=8)
        await until(pilot, lambda: fake(app).rung, "the bell")
        assert fake(app).rung == [["id-bo"]]
        assert [one.agent.name for one in fake(app).rows if one.seen] == ["ada"]
