from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agentdeck.demo.sample import make_sample
from agentdeck.demo.sample_files import FILES
from agentdeck.errors import AgentDeckError


def git(directory: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=directory, capture_output=True, text=True, check=True).stdout.strip()


def test_it_is_the_same_commit_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = make_sample(tmp_path / "one")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text("[commit]\n\tgpgsign = true\n[user]\n\tname = Somebody\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    two = make_sample(tmp_path / "two")
    monkeypatch.delenv("GIT_DIR")
    assert git(one, "rev-parse", "main") == git(two, "rev-parse", "main")
    assert git(two, "log", "--format=%an") == "agentdeck demo"
    assert git(two, "status", "--porcelain") == ""
    assert set(git(two, "ls-files").splitlines()) == set(FILES)


def test_one_can_commit_in_it_without_any_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = make_sample(tmp_path / "sample")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    git(sample, "worktree", "add", "-q", "-b", "deck/x/1", str(tmp_path / "tree"))
    (tmp_path / "tree" / "new.txt").write_text("new")
    git(tmp_path / "tree", "add", "new.txt")
    git(tmp_path / "tree", "commit", "-q", "-m", "New")
    assert git(sample, "log", "--format=%an", "-n", "1", "deck/x/1") == "agentdeck demo"


def test_two_of_its_tests_fail(tmp_path: Path) -> None:
    sample = make_sample(tmp_path / "sample")
    done = subprocess.run([sys.executable, "-m", "unittest"], cwd=sample, capture_output=True, text=True, check=False)
    assert "FAILED (failures=1, errors=1)" in done.stderr


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(AgentDeckError, match="not empty"):
        make_sample(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
