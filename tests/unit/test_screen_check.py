"""`agentdeck harnesses check`: what kept screens are read as, and the figures over all that were recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agentdeck.cli import main
from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.harnesses import loader
from agentdeck.models.screen import parse
from agentdeck.models.status import Ask, Status
from agentdeck.services.asking import answers
from agentdeck.services.delivery import composer
from agentdeck.services.status import evidence, screen_check
from agentdeck.services.status.monitor import strip
from agentdeck.services.status.screen_check import Read

SCREENS = Path(__file__).parents[1] / "screens"
OTHERS = Path(__file__).parents[3] / "shared" / "screens"
BLOCKED = ("onboarding", "apikey", "permission", "settings-warning", "migration", "hooks-list")


def check(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["harnesses", "check", *map(str, words)])


@pytest.fixture(scope="module", params=["with the title", "by the screen alone"])
def corpus(request: pytest.FixtureRequest) -> list[Read]:
    """Every recording, read as it was and without its title."""
    title = None if request.param == "with the title" else ""
    return [screen_check.read(kept) for kept in screen_check.gather([str(SCREENS)], title)]


def test_no_blocked_screen_is_read_as_busy_or_free_and_few_are_unknown(corpus: list[Read]) -> None:
    total = screen_check.totals(corpus)
    assert total.known == total.screens > 380
    assert [one.file for one in corpus if one.missed] == []
    assert total.unknown <= 0.05 * total.screens


def test_a_recording_is_read_as_what_it_showed(corpus: list[Read]) -> None:
    assert [(one.file, one.state, one.reason) for one in corpus if one.wrong] == []


def test_no_screen_that_nobody_waits_for_is_read_as_blocked(corpus: list[Read]) -> None:
    assert [one.file for one in corpus if one.state == "needs_input" and one.wanted != "needs_input"] == []


@pytest.mark.skipif(not OTHERS.is_dir(), reason="the second collection of recorded screens is not on this machine")
@pytest.mark.parametrize("title", [None, ""])
def test_another_collection_is_read_as_what_its_names_say(title: str | None) -> None:
    found = [screen_check.read(kept) for kept in screen_check.gather([str(OTHERS)], title)]
    for one in found:
        blocked = any(word in Path(one.file).stem for word in BLOCKED)
        assert (one.state == "needs_input") == blocked, one
    assert screen_check.totals(found).unknown <= 0.05 * len(found)


def test_one_screen_is_told_with_its_sign_and_row() -> None:
    done = check("claude", SCREENS / "claude-2.1.330-permission-bash.ansi", "--json")
    [told] = json.loads(done.stdout)
    assert done.exit_code == 0
    assert told["state"] == "needs_input" and told["reason"] == "permission" and told["right"] is True
    assert told["row"] == "Esc to cancel · Tab to amend" and "Tab to amend" in told["pattern"]
    assert told["source"] == "screen" and told["ask"]["options"][0] == "Yes"


def test_a_title_says_what_no_row_does() -> None:
    screen = SCREENS / "codex" / "after-turn.ansi"
    [told] = json.loads(check("codex", screen, "--json").stdout)
    assert (told["state"], told["source"]) == ("idle", "screen")
    [told] = json.loads(check("codex", screen, "--title", "⠏ Working | sample", "--json").stdout)
    assert (told["state"], told["source"], told["row"]) == ("working", "title", "⠏ Working | sample")


def test_a_wrong_reading_is_marked_and_fails(tmp_path: Path) -> None:
    text = (SCREENS / "claude-2.1.330-busy.ansi").read_text()
    (tmp_path / "claude-a.ansi").write_text(text)
    (tmp_path / "index.json").write_text(json.dumps({"claude-a.ansi": {"state": "needs_input", "reason": "dialog"}}))
    done = check(tmp_path)
    assert done.exit_code == 1
    assert "✗" in done.stdout and "working (is needs_input: dialog)" in done.stdout
    assert "1 screen: 1 working; 0.0 % unknown; 0 of 1 right, 1 blocked ones missed" in done.stderr


def test_a_screen_by_standard_input() -> None:
    text = (SCREENS / "gemini" / "permission.ansi").read_text()
    done = CliRunner().invoke(main, ["harnesses", "check", "gemini", "-", "--json"], input=text)
    assert json.loads(done.stdout)[0]["state"] == "needs_input"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["/nowhere.ansi"], "there is no file or directory /nowhere.ansi"),
        (["claude"], "no screen is named"),
        (["clod", "/nowhere.ansi"], "unknown harness 'clod'"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_next_step(words: list[str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        screen_check.gather(words)
    assert told in caught.value.title and caught.value.hint


def test_a_screen_of_nobody_is_asked_for_its_client(tmp_path: Path) -> None:
    (tmp_path / "some.ansi").write_text("hello")
    with pytest.raises(UsageError, match="nothing says which client"):
        screen_check.gather([str(tmp_path / "some.ansi")])


def test_a_directory_without_screens_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no screen is in"):
        screen_check.gather([str(tmp_path)])


@pytest.mark.parametrize("left", [5, 8, 12, 17])
def test_a_dialog_that_is_partly_out_of_sight_is_never_read_as_busy_or_free(left: int) -> None:
    """Only its last rows are there, or all but them: a terminal too low, a client that paints more than fits."""
    found = []
    for kept in screen_check.gather([str(SCREENS)], ""):
        rows = "\n".join(strip(kept.rows)).rstrip().split("\n")
        over = "/odd/opencode" in kept.file  # lies over the middle of a screen, and is seen whole or not at all
        if kept.wanted == "needs_input" and len(rows) > left and not over:
            # who prints line by line never shows less than its last ones
            # and what a human has opened (odd) is painted from its last row, the line of its keys, upwards
            lower = kept.harness == "aider" or "/odd/" in kept.file
            parts = [rows[-left:], *([] if lower else [rows[: -left // 4]])]
            found += [screen_check.read(replace(kept, rows=tuple(part))) for part in parts]
    assert len(found) > 100
    assert [one.file for one in found if one.missed] == []
    assert sum(one.state == "unknown" for one in found) <= 0.05 * len(found)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("claude/permission-edit.40x40", "Do you want to make this edit to README.md?"),
        ("claude/permission-long.40x40", "Do you want to proceed?"),
        ("claude/permission-fetch.40x40", "Do you want to allow Claude to fetch this content?"),
        ("claude/question-many.60x20", "Which parts shall I mend?"),
        ("claude/menu-model.80x24", "Select model"),
        ("claude/plan-approval.80x24", "Exit plan mode?"),
        ("codex/permission.40x40", "Would you like to run the following command?"),
        ("gemini/trust-folder.40x40", "Do you trust the files in this folder?"),
        ("opencode/permission.40x40", "△ Permission required"),
    ],
)
def test_the_question_is_told_however_it_is_wrapped(file: str, text: str) -> None:
    [kept] = screen_check.gather([str(SCREENS / "sizes" / f"{file}.ansi")])
    read = screen_check.read(kept)
    assert read.ask is not None and read.ask.text == text


@pytest.mark.parametrize("client", ["claude", "codex", "gemini", "opencode"])
def test_each_client_is_answered_by_its_own_keys_and_only_where_its_request_stands(client: str) -> None:
    keys = {
        "claude": ("1", "Escape"),
        "codex": ("y", "Escape"),
        "gemini": ("1", "Escape"),
        "opencode": ("Enter", "Escape"),
    }
    name = "claude-2.1.330-permission-bash" if client == "claude" else f"{client}/permission"
    idle = "claude-2.1.330-after-turn" if client == "claude" else f"{client}/after-turn"
    harness = loader.get(client)
    rows = strip((SCREENS / f"{name}.ansi").read_text().split("\n"))
    command = "touch made.txt" if client == "claude" else "touch x"
    asked = Ask(f"Bash: {command}", "permission", "Bash", f"command: {command}")
    status, screen = Status("needs_input", reason="permission", ask=asked), evidence.from_screen(harness, rows, 1)
    assert answers.plan(harness, status, screen, "allow", asked).keys == (keys[client][0],)
    assert answers.plan(harness, status, screen, "deny", asked).keys == (keys[client][1],)
    assert answers.stands(asked, rows)
    assert not answers.stands(Ask("Bash: rm -rf build", "permission", "Bash"), rows)
    over = evidence.from_screen(harness, strip((SCREENS / f"{idle}.ansi").read_text().split("\n")), 1)
    with pytest.raises(AgentDeckError, match="is not on its screen"):
        answers.plan(harness, status, over, "allow", asked)


SIZES = [
    (client, file, entry)
    for client in ("claude", "codex", "gemini", "opencode")
    for file, entry in json.loads((SCREENS / "sizes" / client / "index.json").read_text()).items()
]


def test_every_recording_of_another_size_is_in_an_index() -> None:
    kept = {(file.parent.name, file.name) for file in (SCREENS / "sizes").rglob("*.ansi")}
    assert kept == {(client, file) for client, file, _ in SIZES}


def test_a_draft_is_told_from_the_clients_own_words_in_any_size_and_without_colours() -> None:
    wrong = []
    for client, file, entry in SIZES:
        lines = parse((SCREENS / "sizes" / client / file).read_text().split("\n"))
        typed = composer.read(loader.get(client).composer, lines, entry["cursor"][1]).state
        asks = entry["state"] == "needs_input"  # then nothing is pasted, but it must not look free either
        if typed == "empty" if asks else typed != ("draft" if entry["draft"] else "empty"):
            wrong.append((client, file, typed))
    assert wrong == []


@pytest.mark.parametrize("disguise", ["crlf", "padded", "plain", "far below", "under old lines"])
def test_however_a_screen_was_kept_it_is_read_as_the_same(tmp_path: Path, disguise: str) -> None:
    for name in ("claude-2.1.330-idle-start", "claude-2.1.330-permission-edit", "claude-2.1.197-question"):
        rows = (SCREENS / f"{name}.ansi").read_text().split("\n")
        kept = {
            "crlf": "\ufeff" + "\r\n".join(rows),
            "padded": "\n".join(row.ljust(220) for row in strip(rows)),
            "plain": "\n".join(row.rstrip() for row in strip(rows)),
            "far below": "\n".join(rows) + "\n" * 30,
            "under old lines": "old\n" * 60 + "\n".join(rows),
        }[disguise]
        (tmp_path / f"{name}.txt").write_text(kept, newline="")
        [whole] = screen_check.gather([str(SCREENS / f"{name}.ansi")], "")
        [other] = screen_check.gather([str(tmp_path / f"{name}.txt")])
        assert screen_check.read(other).state == screen_check.read(whole).state


def test_an_option_is_known_without_what_explains_it_in_a_column_of_its_own() -> None:
    [kept] = screen_check.gather([str(SCREENS / "odd" / "codex" / "plan-asks.120x40.ansi")])
    found = screen_check.read(kept)
    assert found.ask is not None and found.ask.text == "Which colour?"
    assert found.ask.options == ("red", "green", "blue", "None of the above")
