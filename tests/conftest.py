"""Every test has a machine of its own: home, deck home, git identity, sockets; and leaves nothing on ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import leftovers

# No deadline: two shared cores. The isolation fixture below is per test, not per example, and may be.
settings.register_profile("deck", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("deck")

_SCRUBBED = (
    "TMUX",
    "DECK_",
    "ANTHROPIC_",
    "CLAUDE",
    "OPENAI_",
    "CODEX_",
    "GEMINI_",
    "OPENCODE_",
    "GIT_",
    "XDG_",
    "COLORTERM",
    "NO_COLOR",
    "COLUMNS",
    "LINES",
)

_GITCONFIG = """\
[user]
    name = Test
    email = test@example.invalid
[init]
    defaultBranch = main
[commit]
    gpgSign = false
[gc]
    auto = 0
"""


@pytest.fixture(scope="session")
def deck_base() -> Iterator[Path]:
    """A short directory for all tests of this process: socket paths below it must stay under 100 bytes."""
    base = Path(tempfile.mkdtemp(prefix="deckt-", dir="/tmp")).resolve()
    yield base
    left = leftovers.sweep(base) + leftovers.worktrees_outside(base)
    shutil.rmtree(base, ignore_errors=True)
    if base.exists():
        left.append(f"directory: {base}")
    assert not left, "the tests left behind:\n" + "\n".join(left)


@pytest.fixture(autouse=True)
def own_machine(deck_base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The root of this test: `home` and `deck` below it, in the environment. Swept, and proved empty, at the end."""
    root = Path(tempfile.mkdtemp(prefix="", dir=deck_base))
    for name in list(os.environ):
        if name.startswith(_SCRUBBED):
            monkeypatch.delenv(name)
    (root / "home").mkdir()
    (root / "gitconfig").write_text(_GITCONFIG)
    monkeypatch.setenv("HOME", str(root / "home"))
    monkeypatch.setenv("DECK_HOME", str(root / "deck"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(root / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    yield root
    left = leftovers.sweep(root) + leftovers.worktrees_outside(root)
    shutil.rmtree(root, ignore_errors=True)
    assert not left, "this test left behind:\n" + "\n".join(left)


@pytest.fixture
def tmp_path(own_machine: Path) -> Path:
    """pytest's own fixture, short enough for sockets and swept like everything of this test."""
    directory = own_machine / "tmp"
    directory.mkdir()
    return directory


@pytest.fixture
def deck_home(own_machine: Path) -> Path:
    """The DECK_HOME of this test (not yet made: the deck makes it)."""
    return own_machine / "deck"


@pytest.fixture
def git_repo(own_machine: Path) -> Path:
    """A real repository with one commit on `main`."""
    repo = own_machine / "repo"
    repo.mkdir()
    (repo / "README.md").write_text("# sample\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=repo, check=True, capture_output=True)
    return repo
