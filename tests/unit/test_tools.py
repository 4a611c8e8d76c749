"""The human's tools: what exactly runs, under which letter, and how a file and a line reach an editor."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from agentdeck.config import Config, Editor, Tool
from agentdeck.errors import UsageError
from agentdeck.models.agent import Agent
from agentdeck.services.tools import tools

ADA = Agent(
    id="a1", name="ada", harness="shell", repo="/r/shop", worktree="/trees/my ada; $(id)", branch="deck/ada/2",
    base="main", base_oid="0" * 40, life="live",
)  # fmt: skip


def test_placeholders_are_filled_word_by_word_and_never_read_by_a_shell() -> None:
    tool = Tool("x", ("lazygit", "-p", "{worktree}", "{branch}..{base}", "{repo}", "{agent}", "{{agent}}", "{a b}"))
    made = tools.command(tool, ADA)
    assert made.argv == (
        "lazygit", "-p", "/trees/my ada; $(id)", "deck/ada/2..main", "/r/shop", "ada", "{agent}", "{a b}",
    )  # fmt: skip
    assert made.directory == Path("/trees/my ada; $(id)")


def test_a_base_without_a_name_is_its_commit() -> None:
    assert tools.values(replace(ADA, base=""))["base"] == "0" * 40


def test_only_the_program_itself_may_begin_with_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert tools.command(Tool("x", ("~/bin/x", "~/y")), ADA).argv == ("/home/me/bin/x", "~/y")


def test_letters_are_the_own_key_then_of_the_name_then_any_and_never_twice() -> None:
    own = (Tool("gitui", ("g",), key="g"), Tool("glow", ("g",)), Tool("top", ("t",), key="ctrl+t"), Tool("e", ("e",)))
    found = tools.letters(own, "ed")
    assert found == {"gitui": "g", "glow": "l", "top": "t", "e": "a"}
    many = tools.letters([Tool(f"tool {n}", ("x",)) for n in range(50)], "")
    given = [letter for letter in many.values() if letter]
    assert len(given) == len(set(given)) == 36


def test_ones_own_tool_takes_the_place_of_one_that_is_offered() -> None:
    mine = Tool("LazyGit", ("lazygit", "-p", "{worktree}"), key="b")
    assert [tool.name for tool in tools.offered((mine,))] == ["LazyGit", "tig", "yazi", "ranger"]


def test_a_program_that_is_not_there_is_missing(tmp_path: Path) -> None:
    (tmp_path / "here").touch(mode=0o755)
    assert tools.missing(("here",), str(tmp_path)) == ""
    assert tools.missing(("gone", "x"), str(tmp_path)) == "gone is not on your PATH"


def test_the_editor_is_the_configs_then_visual_then_editor_then_one_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "nano").touch(mode=0o755)
    around = {"VISUAL": "code --wait", "EDITOR": "vim -X", "PATH": str(tmp_path)}
    assert tools.editor(Config(editor=Editor(("hx",))), around) == ("hx",)
    assert tools.editor(Config(), around) == ("code", "--wait")
    assert tools.editor(Config(), {**around, "VISUAL": " "}) == ("vim", "-X")
    assert tools.editor(Config(), {"PATH": str(tmp_path)}) == ("nano",)
    with pytest.raises(UsageError, match="no editor is known"):
        tools.editor(Config(), {"PATH": ""})
    with pytest.raises(UsageError, match="VISUAL cannot be read"):
        tools.editor(Config(), {"VISUAL": "vim 'x"})


@pytest.mark.parametrize(
    ("words", "file", "line", "argv"),
    [
        ("vim", "", 0, "vim ."),
        ("nano", "", 0, "nano"),
        ("code --wait", "", 0, "code --wait ."),
        ("/usr/bin/nvim", "a b.py", 7, "/usr/bin/nvim|+7|a b.py"),
        ("code", "a.py", 7, "code -g a.py:7"),
        ("hx", "a.py", 7, "hx a.py:7"),
        ("hx", "a.py", 0, "hx a.py"),
        ("unknown", "a.py", 7, "unknown a.py"),
        ("mine --at {line} {file}", "a.py", 7, "mine --at 7 a.py"),
        ("mine {file}", "", 0, "mine|"),
    ],
)
def test_a_file_and_a_line_reach_each_editor_in_its_own_way(words: str, file: str, line: int, argv: str) -> None:
    expected = argv.split("|") if "|" in argv else argv.split()
    assert list(tools.edit(words.split(), ADA, file, line).argv) == expected


def test_an_editor_with_a_window_of_its_own_needs_no_terminal() -> None:
    assert tools.edit(("/opt/bin/code",), ADA).windowed
    assert not tools.edit(("vim",), ADA).windowed


def test_nobody_is_offered_what_is_not_argv() -> None:
    assert all(os.path.basename(tool.command[0]) == tool.command[0] for tool in tools.OFFERED)
