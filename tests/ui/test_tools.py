"""Tools by their keys and by the menu, with nothing real behind them but small scripts on the PATH."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from textual.widgets import OptionList

from agentdeck import paths
from agentdeck.cli import main
from agentdeck.config import Config, Terminal, Tool
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.screens.file_picker import FilePicker
from agentdeck.ui.screens.help import words
from agentdeck.ui.screens.tools_menu import ToolsMenu
from agentdeck.ui.toolbox import clashes
from tests.ui.deck_fakes import fake, make_app, row, until
from tests.ui.test_app import focused, ready, toasts


def at(tree: Path, name: str = "ada", **more) -> AgentRow:
    """An agent whose work tree is there."""
    tree.mkdir(exist_ok=True)
    one = row(name, **more)
    return replace(one, agent=replace(one.agent, worktree=str(tree)))


def beside(agent: AgentRow, name: str) -> AgentRow:
    one = at(Path(agent.agent.worktree), name, harness="shell")
    return replace(one, agent=replace(one.agent, beside=agent.agent.id))


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a shell, nobody's tools, and what a test puts there."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("EDITOR", "no-such-editor")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return tmp_path / "bin"


def program(directory: Path, name: str, script: str) -> None:
    file = directory / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


async def open_menu(pilot, app) -> str:
    await pilot.press("T")
    await until(pilot, lambda: isinstance(app.screen, ToolsMenu) and app.screen.query(OptionList), "the menu")
    menu = app.screen.query_one(OptionList)
    return "\n".join(str(menu.get_option_at_index(at).prompt) for at in range(menu.option_count))


async def test_the_menu_offers_what_is_there_and_says_why_the_rest_is_not(tmp_path: Path, programs: Path) -> None:
    program(programs, "tig", "exit 0")
    app = make_app(at(tmp_path / "t"), settings=Config(tools=(Tool("top", ("sh", "-c", "top")),)))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        menu = await open_menu(pilot, app)
        for line in ("p  popup        you are not inside tmux", "o  OS window    there is no display here",
                     "i  tile         a tile beside the agent", "f  full screen  this whole terminal  = t",
                     "e  editor       no-such-editor is not on your PATH", "t  top          sh -c top",
                     "lazygit is not on your PATH"):  # fmt: skip
            assert line in menu
        assert "tig is not" not in menu
        await pilot.press("p")
        await until(pilot, lambda: "you are not inside tmux" in str(app.screen.query_one("#trouble").render()))
        menu = app.screen
        assert isinstance(menu, ToolsMenu)
        menu.dismiss(None)
        menu.dismiss(None)  # a key more, by a quick hand, must not close what is below
        await until(pilot, lambda: app.screen is app.deck)


async def test_a_tile_is_asked_for_stands_beside_its_agent_and_is_counted_nowhere(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", "/bin/zsh")
    ada, bo = at(tmp_path / "t"), at(tmp_path / "b", "bo", state="working")
    app = make_app(ada, bo)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)

        def opened(args):
            fake(app).rows = (*fake(app).rows, beside(ada, "ada-sh"))
            fake(app).tell()
            return {"id": "id-ada-sh", "name": "ada-sh"}

        fake(app).replies["beside"] = opened
        await open_menu(pilot, app)
        await pilot.press("i")
        await until(pilot, lambda: focused(app) == "ada-sh")
        assert fake(app).asked == [("beside", "id-ada", {"argv": ["/bin/zsh"], "what": "sh"})]
        assert [one.agent.name for one in app.deck.state.rows] == ["ada", "ada-sh", "bo"]
        roster = str(app.deck.query_one("#roster-lines").render())
        assert "└ ada-sh" in roster and "2 ● bo" in roster
        top = str(app.deck.query_one("#top").render())
        assert "1 idle" in top and "1 working" in top
        await pilot.press("2")
        await until(pilot, lambda: focused(app) == "bo")
        await pilot.press("i")
        await until(pilot, lambda: focused(app) == "ada")
        fake(app).rows = (ada, bo)
        app.deck.focus_row("id-ada-sh")
        fake(app).tell()
        await until(pilot, lambda: len(app.deck.state.rows) == 2)
        assert focused(app) == "ada", "who leaves a terminal is back at its agent"
        opened({})
        await until(pilot, lambda: len(app.deck.state.rows) == 3)
        await pilot.press("j", "s")
        await until(pilot, lambda: "ada-sh is a terminal of yours" in toasts(app))


async def test_a_key_of_ones_own_runs_the_tool_in_the_background_and_tells_its_end(
    tmp_path: Path, programs: Path
) -> None:
    program(programs, "build", 'echo "$PWD $*" > "$(dirname "$0")/said"; echo broken >&2; exit 3')
    tool = Tool("build", ("build", "{agent}", "{branch}", "a b"), key="ctrl+g", where="background")
    app = make_app(at(tmp_path / "t"), settings=Config(tools=(tool,)))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "build ended at once with 3" in toasts(app) and "broken" in toasts(app))
        assert (programs / "said").read_text() == f"{tmp_path / 't'} ada deck/ada/1 a b\n"


async def test_a_window_of_its_own_is_opened_by_the_humans_emulator_while_the_deck_goes_on(
    tmp_path: Path, programs: Path
) -> None:
    said = programs / "said"
    program(programs, "term", f'printf "%s\\n" "$@" >{said}.new; mv {said}.new {said}; shift 2; exec "$@" >{said}.out')
    program(programs, "show", 'echo "$PWD $1"; sleep 1')
    settings = Config(
        tools=(Tool("show", ("show", "{agent}"), key="B"),), terminal=Terminal(("term", "--cd", "{worktree}"))
    )
    app = make_app(at(tmp_path / "t"), settings=settings)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("B")
        await until(pilot, said.exists)
        words = said.read_text().split()
        assert words[:3] == ["--cd", str(tmp_path / "t"), "/bin/sh"] and words[3].endswith(".command")
        await until(pilot, lambda: Path(f"{said}.out").exists() and Path(f"{said}.out").read_text())
        assert Path(f"{said}.out").read_text() == f"{tmp_path / 't'} ada\n"
        fake(app).change("ada", state="working")
        await until(pilot, lambda: "1 working" in str(app.deck.query_one("#top").render()))


async def test_an_emulator_that_fails_at_once_is_told(tmp_path: Path, programs: Path) -> None:
    program(programs, "term", "echo cannot open display >&2; exit 1")
    app = make_app(at(tmp_path / "t"), settings=Config(terminal=Terminal(("term",), "os")))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("t")
        await until(pilot, lambda: "term ended at once with 1" in toasts(app))
        assert "cannot open display" in toasts(app)


async def test_a_key_that_is_taken_is_told_and_the_tool_stays_in_the_menu(tmp_path: Path, programs: Path) -> None:
    program(programs, "build", "exit 0")
    app = make_app(at(tmp_path / "t"), settings=Config(tools=(Tool("build", ("build",), key="n"),)))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await until(pilot, lambda: "the key 'n' is taken by 'new' (Start a new agent)" in toasts(app))
        assert "  n  build        build" in await open_menu(pilot, app)


async def test_a_work_tree_that_is_gone_opens_nothing(programs: Path) -> None:
    app = make_app(row("ada"))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("t")
        await until(pilot, lambda: "its repository is gone, and its worktree" in toasts(app))


def test_keys_of_tools_are_checked_against_actions_remapped_keys_and_each_other() -> None:
    def said(key: str, **keymap: str) -> str:
        return clashes((Tool("a", ("a",), key=key),), keymap).get("a", "")

    assert said("B") == said("ctrl+g") == said("F5") == ""
    assert "taken by 'resume'" in said("R")
    assert "taken by 'jump'" in said("3")
    assert "taken by 'page_on'" in said("]") and "taken by 'page_on'" in said("pagedown")
    assert "taken by 'usage'" in said("f5", usage="f5") and said("u", usage="f5") == ""
    assert said("foo") == "[[tools]] a: there is no key 'foo'"
    twins = (Tool("a", ("a",), key="B"), Tool("c", ("c",), key="B"))
    assert clashes(twins, {}) == {"c": "[[tools]] c: the key 'B' is taken by the tool a"}


def test_the_command_that_prints_keys_has_those_of_tools_and_names_a_clash() -> None:
    paths.config_file().parent.mkdir(parents=True)
    paths.config_file().write_text('[[tools]]\nname = "top"\ncommand = "top"\nkey = "ctrl+g"\n')
    fine = CliRunner().invoke(main, ["keys"])
    assert fine.exit_code == 0
    assert "Ctrl+G         tool:top         Open top in the agent's work tree" in fine.stdout
    paths.config_file().write_text('[[tools]]\nname = "top"\ncommand = "top"\nkey = "x"\n')
    clash = CliRunner().invoke(main, ["keys"])
    assert clash.exit_code == 2
    assert f"{paths.config_file()}: [[tools]] top: the key 'x' is taken by 'stop' (Stop the agent)" in clash.stderr


async def test_tools_are_in_the_help_with_their_keys_and_the_way_to_them(tmp_path: Path, programs: Path) -> None:
    tools = (Tool("build", ("build",), key="B"), Tool("top", ("sh",)))
    app = make_app(at(tmp_path / "t"), settings=Config(tools=tools))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await until(pilot, lambda: app.deck.toolbox.tools)
        help_text = words(app.deck.state, {}, app.deck.actions).plain
        assert "  B          Open build in the agent's work tree  (build is not on your PATH)" in help_text
        assert "  T t        Open top in the agent's work tree\n" in help_text
        await pilot.press("B")
        await until(pilot, lambda: "build is not on your PATH" in toasts(app))
        await pilot.press(":", *"top")
        await until(
            pilot, lambda: "T t" in str(app.screen.query_one("#choices", OptionList).get_option_at_index(0).prompt)
        )


async def test_a_terminal_that_cannot_be_given_away_is_told(tmp_path: Path, programs: Path) -> None:
    app = make_app(at(tmp_path / "t"))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("t")
        await until(pilot, lambda: "this terminal cannot be given to another program" in toasts(app))
        await pilot.press("question_mark")  # and the deck has its keys again
        await until(pilot, lambda: app.screen is not app.deck)


async def test_a_tool_for_a_file_asks_which_of_those_that_changed(
    git_repo: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs, "show", 'printf "%s\\n" "$1" > "$(dirname "$0")/said"')
    one = at(git_repo)
    ada = replace(one, agent=replace(one.agent, repo=str(git_repo)))
    tool = Tool("show", ("show", "{file}"), key="B", where="background")
    app = make_app(ada, settings=Config(tools=(tool,)))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot, app)
        await pilot.press("B")
        await until(pilot, lambda: "ada has changed no file yet" in toasts(app))
        (git_repo / "a b.py").write_text("new\n")
        (git_repo / "other.md").write_text("new\n")
        await pilot.press("B", *"oth")
        await until(pilot, lambda: isinstance(app.screen, FilePicker) and app.screen._listed == ["other.md"])
        await pilot.press(*["backspace"] * 3, "enter")
        await until(pilot, (programs / "said").exists)
        await until(pilot, lambda: (programs / "said").read_text() == "a b.py\n")
