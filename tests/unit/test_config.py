from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentdeck import config, paths
from agentdeck.errors import UsageError


@pytest.fixture
def config_file() -> Path:
    file = paths.config_file()
    file.parent.mkdir(parents=True)
    return file


def test_no_file_means_the_defaults() -> None:
    assert config.load() == config.Config()
    assert (config.load().pane.cols, config.load().pane.rows) == (120, 40)


def test_a_whole_file(config_file: Path) -> None:
    config_file.write_text(
        'theme = "ember"\nnotify_command = ["notify-send", "-u", "low"]\n'
        '[keys]\nnew = "ctrl+n"\n[grid]\nfocused_hz = 20\n[pane]\nrows = 50\n'
        '[prices."some-model"]\ninput = 3\noutput = 15.5\n'
    )
    loaded = config.load()
    assert loaded.theme == "ember"
    assert loaded.keys == {"new": "ctrl+n"}
    assert loaded.notify_command == ("notify-send", "-u", "low")
    assert loaded.prices == {"some-model": config.Price(input=3.0, output=15.5)}
    assert loaded.pane == config.PaneSize(cols=120, rows=50)
    assert loaded.grid.focused_hz == 20.0


def test_flag_over_environment_over_file(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config_file.write_text('theme = "of-the-file"\n[pane]\ncols = 100\nrows = 30\n')
    monkeypatch.setenv("DECK_PANE_COLS", "150")
    assert (config.load().theme, config.load().pane) == ("of-the-file", config.PaneSize(150, 30))
    monkeypatch.setenv("DECK_THEME", "of-the-environment")
    assert config.load().theme == "of-the-environment"
    assert config.load(theme="of-the-flag").theme == "of-the-flag"
    assert config.load(theme=None).theme == "of-the-environment"


def test_a_change_of_the_file_is_seen(config_file: Path) -> None:
    config_file.write_text('theme = "one"\n')
    assert config.load().theme == "one"
    config_file.write_text('theme = "other"\n')
    os.utime(config_file, ns=(1, 1))
    assert config.load().theme == "other"
    config_file.unlink()
    assert config.load() == config.Config()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('them = "x"\n', "line 1: them: unknown key"),
        ('theme = "x"\n\n[pane]\ncolumns = 100\n', "line 4: pane.columns: unknown key"),
        ('[prices]\n[prices."a.b-4"]\n# dollars\noutptu = 1\n', "line 4: prices.a.b-4.outptu: unknown key"),
        ('[prices."m"]\ninput = -1\n', "line 1: prices.m: price must be between 0"),
        ('[pane]\nrows = "many"\n', "line 2: pane.rows: "),
        ("[pane]\nrows = 5\n", "line 1: pane: rows must be between 10 and 200, not 5"),
        ("theme = [1]\n", "line 1: theme: "),
        ('notify_command = "beep"\n', "line 1: notify_command: "),
        ("theme = \n", "is not valid TOML: "),
        ("\ntheme 3\n", "(at line 2, column 7)"),
    ],
)
def test_a_malformed_file_is_told_with_its_place(config_file: Path, text: str, said: str) -> None:
    config_file.write_text(text)
    with pytest.raises(UsageError) as caught:
        config.load()
    assert said.lower() in caught.value.title.lower()
    assert str(config_file) in caught.value.title
    assert caught.value.exit_code == 2
    assert caught.value.hint


@pytest.mark.parametrize("value", ["wide", "7"])
def test_a_bad_variable_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECK_PANE_COLS", value)
    with pytest.raises(UsageError, match="^DECK_PANE_COLS: pane"):
        config.load()


def test_no_utf8_is_told(config_file: Path) -> None:
    config_file.write_bytes(b'theme = "\xff"\n')
    with pytest.raises(UsageError, match="is not valid TOML"):
        config.load()


def test_defaults_load_no_pydantic() -> None:
    code = "import sys; from agentdeck import config; config.load(); print('pydantic' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_tools_terminal_and_editor(config_file: Path) -> None:
    config_file.write_text(
        '[terminal]\ncommand = "kitty --directory {worktree}"\nwhere = "tile"\n[editor]\ncommand = ["hx"]\n'
        '[[tools]]\nname = "git"\nkey = "ctrl+g"\ncommand = "git -c \'a b\' log {{x}}"\nhold = true\n'
        '[[tools]]\nname = "top"\ncommand = ["top", "-d", "1 0"]\nwhere = "window"\n'
    )
    loaded = config.load()
    assert loaded.terminal == config.Terminal(("kitty", "--directory", "{worktree}"), "tile")
    assert loaded.editor == config.Editor(("hx",))
    assert loaded.tools == (
        config.Tool("git", ("git", "-c", "a b", "log", "{{x}}"), "ctrl+g", hold=True),
        config.Tool("top", ("top", "-d", "1 0"), where="window"),
    )


TOOL = '[[tools]]\nname = "a"\ncommand = "x"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TOOL + '\n[[tools]]\nname = "b"\ncommand = ["x"]\nkye = "g"\n', "line 8: tools.1.kye: unknown key"),
        (TOOL + '[[tools]]\nname = "A"\ncommand = "y"\n', "line 5: tools.1.name: two tools are called A"),
        (TOOL + 'where = "here"\n', "line 4: tools.0.where: input should be 'auto', 'popup'"),
        ('[[tools]]\nname = "a"\ncommand = "x \'y"\n', "line 3: tools.0.command: it cannot be read: no closing"),
        ('[[tools]]\nname = "a"\ncommand = "x {wroktree}"\n', "line 1: tools.0: {wroktree} is no placeholder"),
        ('[[tools]]\nname = "a"\ncommand = []\n', "line 1: tools.0: a has no command"),
        ('[[tools]]\nname = "a\'b"\ncommand = "x"\n', "line 1: tools.0: a name is 1 to 24 letters"),
        ('[tools]\nname = "a"\n', "line 1: tools: each tool is a section of its own, with two brackets"),
        ('[terminal]\nwhere = "background"\n', "line 2: terminal.where: "),
        ('[editor]\ncommand = "vi {command}"\n', "line 1: editor: {command} is no placeholder"),
        ('[[tools]]\nname = "a"\ncommand = "x {line}"\n', "line 1: tools.0: {line} is no placeholder"),
    ],
)
def test_a_malformed_tool_is_told_with_its_place(config_file: Path, text: str, said: str) -> None:
    config_file.write_text(text)
    with pytest.raises(UsageError) as caught:
        config.load()
    assert f"{config_file}, {said}".lower() in caught.value.title.lower()
