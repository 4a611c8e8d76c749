from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.color import Color
from textual.widgets import Static

from agentdeck import paths
from agentdeck.errors import UsageError
from agentdeck.models.status import STATES
from agentdeck.ui import themes

OURS = sorted(Path("themes").resolve().glob("*.toml"))


@pytest.fixture
def user_themes() -> Path:
    directory = paths.user_themes_dir()
    directory.mkdir(parents=True)
    return directory


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    shares = (part / 255 for part in Color.parse(colour).rgb)
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.stem)
def test_our_own_files_pass_the_check_that_users_files_get(file: Path, user_themes: Path) -> None:
    copy = user_themes / file.name
    shutil.copy(file, copy)
    assert themes.load_file(copy) == themes.load_file(file)
    assert themes.load_file(file).name == file.stem


@pytest.mark.parametrize("file", [file for file in OURS if file.stem != "terminal"], ids=lambda file: file.stem)
def test_every_status_and_text_is_readable_on_every_ground(file: Path) -> None:
    theme = themes.as_textual(themes.load_file(file))
    assert theme.background and theme.surface and theme.panel and theme.foreground
    inks = {f"status-{state}": theme.variables[f"status-{state}"] for state in STATES} | {"text": theme.foreground}
    for ground in (theme.background, theme.surface):
        for name, ink in inks.items():
            contrast = _contrast(ground, ink)
            assert contrast >= 4.5, f"{name} {ink} on {ground}: {contrast:.1f}"


@pytest.mark.parametrize("name", [file.stem for file in OURS])
async def test_a_real_app_runs_in_each(name: str) -> None:
    class Small(App[None]):
        CSS = "Static { color: $status-working; background: $surface; }"

        def compose(self) -> ComposeResult:
            yield Static("working")

        def get_theme_variable_defaults(self) -> dict[str, str]:
            return {"status-working": "red"}

    theme, problems = themes.find(name)
    app = Small()
    async with app.run_test() as pilot:
        app.register_theme(theme)
        app.theme = name
        await pilot.pause()
        shown = app.query_one(Static).styles.color
    assert problems == []
    assert shown == Color.parse(theme.variables["status-working"])


def test_a_users_file_overrides_ours_and_adds(user_themes: Path) -> None:
    text = (OURS[0].parent / "deck-dark.toml").read_text()
    (user_themes / "mine.toml").write_text(text.replace('"deck-dark"', '"mine"').replace("#7aa2d6", "red"))
    (user_themes / "over.toml").write_text(text.replace("#7aa2d6", "#123456"))
    assert themes.find("mine")[0].primary == "red"
    assert themes.find("deck-dark")[0].primary == "#123456"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('error = "#f0776c"', 'error = "no-colour"', "error: 'no-colour' is not a colour"),
        ('error = "#f0776c"', 'eror = "#f0776c"', "eror: unknown key"),
        ("dark = true", "dark = perhaps", "is not valid TOML"),
        ("exited =", "asleep =", "status.asleep"),
        ('exited = "#7c8794"', 'exited = "greyish"', "status.exited: 'greyish' is not a colour"),
    ],
)
def test_a_bad_file_is_told_with_its_place_and_ours_stay(user_themes: Path, old: str, new: str, said: str) -> None:
    text = (OURS[0].parent / "deck-dark.toml").read_text()
    assert old in text
    bad = user_themes / "bad.toml"
    bad.write_text(text.replace(old, new).replace('"deck-dark"', '"bad"'))
    with pytest.raises(UsageError, match="bad.toml"):
        themes.load_file(bad)
    theme, problems = themes.find("bad")
    assert theme.name == themes.DEFAULT
    assert any(said in problem for problem in problems)
    assert any("there is no theme 'bad'" in problem for problem in problems)
    assert any(row["problem"] for row in themes.listing())


def test_showing_one_of_ours_loads_no_pydantic() -> None:
    code = "import sys; from agentdeck.ui import themes; themes.find('ember'); print('pydantic' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
