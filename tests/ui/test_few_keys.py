"""From launch to an answer in three keys, and to a dispatched spec in four: counted as they are pressed."""

from __future__ import annotations

from pathlib import Path

from agentdeck.models.status import Ask
from agentdeck.ui.screens.answer import AnswerDialog
from agentdeck.ui.screens.spec_picker import SpecPicker
from tests.ui.deck_fakes import fake, make_app, row, until
from tests.ui.test_app import focused, ready, text

ASK = Ask("Run this command?", "permission", "bash", "git push --force", ("Yes", "No"))


async def test_which_one_needs_me_why_and_answered_in_three_keys() -> None:
    app = make_app(row("ada", "working"), row("bo", "needs_input", reason="permission", ask=ASK), row("cleo"))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("w")
        assert focused(app) == "bo", "which one"
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AnswerDialog) and app.screen.is_mounted)
        assert "git push --force" in " ".join(text(one) for one in app.screen.query("Static")), "why"
        await pilot.press("y")
        await until(pilot, lambda: fake(app).asked)
        assert fake(app).asked[0][:2] == ("answer", "id-bo"), "answered"


async def test_a_spec_is_dispatched_in_at_most_four_keys(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "one.md").write_text("# One thing\n")
    app = make_app(row("ada", "working", repo=str(tmp_path)), row("cleo", repo=str(tmp_path)), repo=tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("i", "s")
        await until(pilot, lambda: isinstance(app.screen, SpecPicker) and app.screen.is_mounted)
        await pilot.press("enter")
        await until(pilot, lambda: fake(app).asked)
        [(kind, agent, words)] = fake(app).asked
        assert (kind, agent, Path(str(words["spec_path"])).name) == ("dispatch", "id-cleo", "one.md")
