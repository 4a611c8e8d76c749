"""Dialogs by their keys: what each asks of the engine, and what none of them does by accident."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from textual._styles_cache import StylesCache
from textual.widgets import Input, OptionList, TextArea

from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.models.delivery import Delivery
from agentdeck.models.status import Ask
from agentdeck.ui import offers
from agentdeck.ui.screens.answer import AnswerDialog
from agentdeck.ui.screens.confirm import ConfirmDialog
from agentdeck.ui.screens.help import HelpDialog
from agentdeck.ui.screens.line import LineDialog
from agentdeck.ui.screens.message import MessageDialog
from agentdeck.ui.screens.new_agent import NewDialog, SetupDialog
from agentdeck.ui.screens.palette import PaletteDialog, found
from agentdeck.ui.screens.spec_picker import SpecPicker, ranked
from agentdeck.ui.screens.usage import UsageScreen
from tests.ui.deck_fakes import fake, make_app, row, until
from tests.ui.test_app import ready, text, toasts

ASK = Ask("Run this command?", "permission", "bash", "\n".join(f"echo line {n}" for n in range(60)), ("Yes", "No"))
ASKING = row("bo", "needs_input", reason="permission", ask=ASK)


async def opened(pilot, app, kind, key: str):
    await ready(pilot, app)
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, kind), kind.__name__)
    return app.screen


async def closed(pilot, app) -> None:
    await until(pilot, lambda: app.screen is app.deck, "back on the deck")


@pytest.fixture
def two_harnesses(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [
        offers.HarnessOffer("builtin", "our own", "", False),
        offers.HarnessOffer("shell", "any command", "", True),
        offers.HarnessOffer("claude", "Claude", "npm install it", False),
    ]
    monkeypatch.setattr(offers, "harnesses", lambda: some)


# -- new


@pytest.mark.usefixtures("two_harnesses")
async def test_new_makes_an_agent_only_when_told_so() -> None:
    app = make_app(row("ada"))
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, NewDialog, "n")
        assert dialog.query_one("#name", Input).value == "bo"
        await pilot.press("enter", "enter", "enter")
        await pilot.pause()
        assert not fake(app).asked and app.screen is dialog
        dialog.query_one("#name", Input).value = "zed"
        dialog.query_one("#prompt", TextArea).text = "line one\nline two"
        await pilot.press("ctrl+s")
        await closed(pilot, app)
        assert fake(app).asked == [("new", "", {
            "repo": "/repo/shop", "name": "zed", "harness": "builtin", "model": "", "base": "",
            "prompt": "line one\nline two", "here": False, "args": [], "setup": "ask",
        })]  # fmt: skip


@pytest.mark.usefixtures("two_harnesses")
async def test_the_whole_dialog_works_by_tab_and_enter_in_80x24() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, NewDialog, "n")
        await pilot.press(*"zed", "tab", "down", "tab", *"sleep 9 'a b'", "tab", "tab", "space", "tab")
        assert app.focused is dialog.query_one("#create") and dialog.region.contains_region(app.focused.region)
        await pilot.press("enter")
        await closed(pilot, app)
        _, _, args = fake(app).asked[0]
        assert (args["name"], args["harness"], args["args"], args["here"]) == (
            "zed",
            "shell",
            ["sleep", "9", "a b"],
            True,
        )


@pytest.mark.usefixtures("two_harnesses")
async def test_a_failure_leaves_everything_typed_in_the_dialog() -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        dialog = await opened(pilot, app, NewDialog, "n")
        fake(app).replies["new"] = UsageError("'nope' is no commit", "Name a branch.")
        dialog.query_one("#base", Input).value = "nope"
        dialog.query_one("#prompt", TextArea).text = "a long prompt"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "'nope' is no commit" in text(dialog.query_one("#trouble")))
        assert app.screen is dialog and dialog.query_one("#prompt", TextArea).text == "a long prompt"
        fake(app).replies["new"] = {"id": "x"}
        dialog.query_one("#base", Input).value = ""
        await pilot.press("ctrl+s")
        await closed(pilot, app)


@pytest.mark.usefixtures("two_harnesses")
async def test_a_bad_name_and_an_open_quote_are_told_before_anything_is_asked() -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        dialog = await opened(pilot, app, NewDialog, "n")
        dialog.query_one("#name", Input).value = "Bad Name"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "a name is" in text(dialog.query_one("#trouble")))
        dialog.query_one("#name", Input).value = "fine"
        dialog.query_one("#harness", OptionList).highlighted = 1
        dialog.query_one("#command", Input).value = "echo 'open"
        await until(pilot, lambda: dialog.query_one("#trouble").display is False)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "cannot be read" in text(dialog.query_one("#trouble")))
        assert not fake(app).asked


@pytest.mark.usefixtures("two_harnesses")
async def test_what_is_not_installed_is_shown_with_its_command_and_cannot_be_chosen() -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        dialog = await opened(pilot, app, NewDialog, "n")
        choices = dialog.query_one("#harness", OptionList)
        option = choices.get_option("claude")
        assert option.disabled and "npm install it" in str(option.prompt)
        choices.focus()
        await pilot.press("down", "down", "down")
        assert choices.highlighted in (0, 1)


@pytest.mark.usefixtures("two_harnesses")
@pytest.mark.parametrize(("key", "setup"), [("y", "approve:12ab"), ("s", "skip")])
async def test_a_set_up_command_is_shown_before_it_may_run(key: str, setup: str) -> None:
    wanted = UsageError("this repository wants to run `make`", "Read it, then use --setup approve:12ab.")
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app, NewDialog, "n")
        fake(app).replies["new"] = lambda args: wanted if args["setup"] == "ask" else {"id": "x"}
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, SetupDialog))
        assert "`make`" in text(app.screen.query_one("#text"))
        await pilot.press(key)
        await closed(pilot, app)
        assert [args["setup"] for _, _, args in fake(app).asked] == ["ask", setup]


# -- answer


async def test_the_ask_is_shown_in_full_and_enter_never_allows() -> None:
    app = make_app(ASKING)
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, AnswerDialog, "a")
        shown = text(dialog.query_one("#text"))
        assert "bash" in shown and "echo line 59" in shown and "Run this command?" in shown
        box, keys = dialog.query_one("#box"), dialog.query_one("#keys")
        await until(pilot, lambda: box.content_region.contains_region(keys.region), "the keys in sight")
        await pilot.press("enter", "space", "down")
        await pilot.pause()
        assert app.screen is dialog and not fake(app).asked
        await pilot.press("y")
        await closed(pilot, app)
        kind, agent, args = fake(app).asked[0]
        assert (kind, agent, args["answer"]) == ("answer", "id-bo", "allow") and "echo line 59" in str(args["expected"])


@pytest.mark.parametrize(("key", "answer"), [("n", "deny"), ("2", "2")])
async def test_deny_and_options_have_their_keys(key: str, answer: str) -> None:
    app = make_app(ASKING)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app, AnswerDialog, "a")
        await pilot.press("7", key)
        await closed(pilot, app)
        assert [args["answer"] for _, _, args in fake(app).asked] == [answer]


async def test_an_answer_to_another_question_is_not_sent() -> None:
    app = make_app(ASKING)
    async with app.run_test(size=(100, 30)) as pilot:
        dialog = await opened(pilot, app, AnswerDialog, "a")
        fake(app).change("bo", ask=Ask("Delete everything?", "permission", "bash", "rm -rf /"))
        await until(pilot, lambda: app.deck.newest("id-bo").status.ask.text == "Delete everything?")
        await pilot.press("y", "n", "1")
        await until(pilot, lambda: "has changed" in text(dialog.query_one("#trouble")))
        assert app.screen is dialog and not fake(app).asked


async def test_a_question_is_answered_in_words() -> None:
    app = make_app(row("bo", "needs_input", reason="question", ask=Ask("Which port?", "question")))
    async with app.run_test(size=(100, 30)) as pilot:
        dialog = await opened(pilot, app, AnswerDialog, "a")
        await pilot.press("y", "t")
        await until(pilot, lambda: isinstance(app.focused, Input))
        assert app.screen is dialog
        await pilot.press(*"8080", "enter")
        await closed(pilot, app)
        assert fake(app).asked[0][2]["answer"] == "8080"


# -- message


async def test_a_message_is_sent_and_its_receipt_is_told() -> None:
    app = make_app(row("ada", "idle"))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, MessageDialog, "m")
        await pilot.press(*"one", "enter", *"two", "ctrl+s")
        await closed(pilot, app)
        await until(pilot, lambda: "ada has the message" in toasts(app))
        assert fake(app).asked == [("send", "id-ada", {"text": "one\ntwo", "mode": "idle", "command": False})]


async def test_a_message_goes_to_all_marked_agents_that_can_take_it() -> None:
    app = make_app(row("ada", "idle"), row("bo", "working"), row("cy", "exited", life="stopped"), row("dov", "idle"))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.deck.fleet.rows)
        await pilot.press("*")
        fake(app).replies["send"] = lambda args: {"delivery": "d1"}
        dialog = await opened(pilot, app, MessageDialog, "m")
        assert dialog.heading() == "Message to 3 agents: ada, bo, dov"
        assert "to 2 at once, to 1 when they are idle" in text(dialog.query_one("#text"))
        await pilot.press(*"stop", "ctrl+s")
        await closed(pilot, app)
        await until(pilot, lambda: "3 of 3 have the message" in toasts(app))
        assert [agent for _, agent, _ in fake(app).asked] == ["id-ada", "id-bo", "id-dov"]
        fake(app).replies["send"] = AgentDeckError("all are gone", "Resume them.")
        dialog = await opened(pilot, app, MessageDialog, "m")
        assert dialog.query_one(TextArea).text == "", "what was sent is no draft"
        await pilot.press(*"again", "ctrl+s")
        await until(pilot, lambda: "The text is kept" in toasts(app))


async def test_a_text_is_kept_when_the_dialog_is_closed_or_the_engine_refuses() -> None:
    app = make_app(row("ada", "working"))
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app, MessageDialog, "m")
        await pilot.press(*"draft", "escape")
        await closed(pilot, app)
        fake(app).replies["send"] = AgentDeckError("ada is gone", "Resume it.")
        dialog = await opened(pilot, app, MessageDialog, "m")
        assert dialog.query_one(TextArea).text == "draft"
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "The text is kept" in toasts(app))
        assert fake(app).asked[0][2]["mode"] == "queue"
        dialog = await opened(pilot, app, MessageDialog, "m")
        assert dialog.query_one(TextArea).text == "draft"


async def test_texts_that_wait_are_shown_and_the_last_can_be_taken_back() -> None:
    app = make_app(row("ada", "working"))
    async with app.run_test(size=(110, 30)) as pilot:
        await until(pilot, lambda: app.deck.fleet.rows)
        for number, what in enumerate(("run the tests", "then\nwrite the changelog of all that")):
            fake(app).outbox.append(Delivery(f"d{number}", "id-ada", what, "queued", reason="it is working, not idle"))
        dialog = await opened(pilot, app, MessageDialog, "m")
        assert text(dialog.query_one("#waiting")).splitlines() == [
            "waits: 'run the tests' (it is working, not idle)",
            "waits: 'then write the changelog of all…' (it is working, not idle)",
        ]
        await pilot.press("ctrl+b")
        await until(pilot, lambda: "taken back" in text(dialog.query_one("#trouble")))
        assert fake(app).asked == [("cancel", "", {"delivery": "d1"})]
        assert "changelog" not in text(dialog.query_one("#waiting"))
        fake(app).replies["cancel"] = AgentDeckError("d0 cannot be cancelled any more", "Only a queued text can.")
        await pilot.press("ctrl+b")
        await until(pilot, lambda: "cannot be cancelled" in text(dialog.query_one("#trouble")))


async def test_a_command_of_the_client_is_sent_as_one_and_what_was_left_out_is_told() -> None:
    app = make_app(row("ada", "idle"))
    async with app.run_test(size=(110, 30)) as pilot:
        await opened(pilot, app, MessageDialog, "m")
        fake(app).replies["send"] = lambda args: {"delivery": "d1", "note": "1 control character left out: ESC"}
        await pilot.press("/", *"clear", "ctrl+o")
        await until(pilot, lambda: "1 control character left out: ESC" in toasts(app))
        assert fake(app).asked == [("send", "id-ada", {"text": "/clear", "mode": "idle", "command": True})]


async def test_an_uncertain_receipt_is_not_called_a_success() -> None:
    app = make_app(row("ada", "idle"))
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app, MessageDialog, "m")
        fake(app).delivered = ("uncertain", "no hook")
        await pilot.press("x", "ctrl+s")
        await until(pilot, lambda: "may not have got the message" in toasts(app))


# -- specs and lines


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    specs = tmp_path / "shop" / "specs"
    specs.mkdir(parents=True)
    (specs / "login.md").write_text("# Mend the login\n\nThe [bold]form[/] loses its value.\n")
    (specs / "parser.md").write_text("---\ntitle: Faster parser\n---\nMake it fast.\n")
    (specs / "broken.md").write_text("---\ntitel: no such key\n---\nBody.\n")
    return specs.parent


async def test_a_spec_is_found_read_and_handed_over(repo: Path) -> None:
    app = make_app(row("ada", "idle", repo=str(repo)), repo=repo)
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, SpecPicker, "s")
        assert dialog.query_one("#choices", OptionList).option_count == 3
        await pilot.press(*"login")
        await until(pilot, lambda: "[bold]form[/]" in text(dialog.query_one("#text")))
        await pilot.press("enter")
        await closed(pilot, app)
        assert fake(app).asked == [("dispatch", "id-ada", {"spec_path": str(repo / "specs" / "login.md")})]


async def test_a_malformed_spec_says_what_is_wrong_and_stays_where_it_is(repo: Path) -> None:
    app = make_app(row("ada", "idle", repo=str(repo)), repo=repo)
    async with app.run_test(size=(100, 30)) as pilot:
        dialog = await opened(pilot, app, SpecPicker, "s")
        await pilot.press(*"broken")
        await until(pilot, lambda: "titel" in text(dialog.query_one("#text")))
        await pilot.press("enter")
        await until(pilot, lambda: "cannot be handed out" in text(dialog.query_one("#trouble")))
        assert not fake(app).asked


async def test_without_specs_it_says_where_they_go(tmp_path: Path) -> None:
    app = make_app(row("ada", "idle", repo=str(tmp_path)), repo=tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        dialog = await opened(pilot, app, SpecPicker, "s")
        assert "specs/NAME.md" in text(dialog.query_one("#trouble"))
        await pilot.press("enter", "escape")
        await closed(pilot, app)


def test_specs_are_ranked_by_title_and_file_name() -> None:
    named = (("a", "Zebra"), ("zeb", "Other"))
    some = [offers.SpecOffer(Path(f"specs/{name}.md"), title, "") for name, title in named]
    assert ranked(some, "") == some
    assert ranked(some, "zebra") == some[:1]
    assert ranked(some, "oth") == some[1:]


async def test_a_task_of_one_line_needs_a_line() -> None:
    app = make_app(row("ada", "idle"))
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, LineDialog, "S")
        await pilot.press("enter")
        await until(pilot, lambda: "nothing is written" in text(dialog.query_one("#trouble")))
        await pilot.press(*"do it", "enter")
        await closed(pilot, app)
        assert fake(app).asked == [("dispatch", "id-ada", {"text": "do it", "title": "do it"})]


# -- the rest


async def test_stop_is_confirmed_by_y_alone_and_says_what_happens() -> None:
    app = make_app(row("ada", "working"))
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app, ConfirmDialog, "x")
        assert "Work tree, branch and conversation stay" in text(dialog.query_one("#text"))
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen is dialog and not fake(app).asked
        await pilot.press("y")
        await closed(pilot, app)
        await until(pilot, lambda: fake(app).asked == [("stop", "id-ada", {})])


async def test_rename_knows_the_rule_and_the_taken_names() -> None:
    app = make_app(row("ada"), row("bo"))
    async with app.run_test(size=(100, 30)) as pilot:
        dialog = await opened(pilot, app, LineDialog, "f2")
        line = dialog.query_one(Input)
        line.value = "bo"
        await until(pilot, lambda: "another agent is called bo" in text(dialog.query_one("#trouble")))
        line.value = "cleo"
        await pilot.press("enter")
        await closed(pilot, app)
        await until(pilot, lambda: fake(app).asked == [("rename", "id-ada", {"name": "cleo"})])


async def test_marked_agents_are_put_in_a_team_together() -> None:
    app = make_app(row("ada"), row("bo"), row("cleo"))
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot, app)
        await pilot.press("space", "2", "space")
        dialog = await opened(pilot, app, LineDialog, "@")
        dialog.query_one(Input).value = "x" * 41
        await until(pilot, lambda: "at most 40" in text(dialog.query_one("#trouble")))
        dialog.query_one(Input).value = "web"
        await pilot.press("enter")
        await closed(pilot, app)
        await until(
            pilot, lambda: fake(app).asked == [("team", "id-ada", {"team": "web"}), ("team", "id-bo", {"team": "web"})]
        )


async def test_marked_agents_are_interrupted_together() -> None:
    app = make_app(row("ada", "working"), row("bo", "working"), row("cleo", "working"))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("space", "3", "space", "I")
        await until(pilot, lambda: len(fake(app).asked) == 2)
        assert {agent for _, agent, _ in fake(app).asked} == {"id-ada", "id-cleo"}


async def test_help_and_palette_read_the_table() -> None:
    app = make_app(row("ada", "working"))
    async with app.run_test(size=(120, 60)) as pilot:
        dialog = await opened(pilot, app, HelpDialog, "question_mark")
        assert "Leave the dashboard; agents and engine go on" in text(dialog.query_one("#text"))
        await pilot.press("escape")
        await closed(pilot, app)
        await opened(pilot, app, PaletteDialog, "colon")
        await pilot.press(*"usage", "enter")
        await until(pilot, lambda: isinstance(app.screen, UsageScreen))


def test_the_palette_finds_by_label_before_help() -> None:
    assert found("resume")[0].id == "resume"
    assert {action.id for action in found("work tree")} >= {"terminal"}
    assert found("zzzz") == []


async def test_escape_closes_every_dialog_without_a_trace() -> None:
    app = make_app(ASKING)
    async with app.run_test(size=(100, 30)) as pilot:
        kinds = {"a": AnswerDialog, "question_mark": HelpDialog, "colon": PaletteDialog, "f2": LineDialog,
                 "x": ConfirmDialog, "m": MessageDialog}  # fmt: skip
        for key, kind in kinds.items():
            await opened(pilot, app, kind, key)
            await pilot.press("escape")
            await closed(pilot, app)
        assert not fake(app).asked


async def test_a_closed_dialog_leaves_nothing_behind() -> None:
    app = make_app(row("ada"), row("bo"))
    async with app.run_test(size=(120, 40)) as pilot:

        def left() -> int:
            gc.collect()
            return sum(isinstance(one, StylesCache) for one in gc.get_objects())

        await opened(pilot, app, HelpDialog, "question_mark")
        await pilot.press("escape")
        await closed(pilot, app)
        before = left()
        for _ in range(3):
            await opened(pilot, app, HelpDialog, "question_mark")
            await pilot.press("escape")
            await closed(pilot, app)
        await until(pilot, lambda: left() <= before)


async def test_the_fleet_is_stopped_by_a_word_typed_out_and_by_nothing_less() -> None:
    app = make_app(row("ada", "working"), row("bo", hidden=True), row("cy", "exited", life="stopped"))
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app, LineDialog, "X")
        assert "1 working, 1 idle" in text(dialog.query_one("#text"))
        await pilot.press(*"hal", "enter")
        await pilot.pause(0.05)
        assert app.screen is dialog
        await pilot.press("escape")
        await closed(pilot, app)
        assert fake(app).asked == []
        await opened(pilot, app, LineDialog, "X")
        await pilot.press(*"halt", "enter")
        wanted = [("halt", "", {}), ("stop", "id-ada", {}), ("stop", "id-bo", {})]
        await until(pilot, lambda: fake(app).asked == wanted)
