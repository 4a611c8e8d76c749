"""`agentdeck diff`: all that an agent has changed, and nothing of it touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import repos
from tests.deck import Deck


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    deck = Deck(git_repo)
    yield deck
    deck.end()


def test_commits_changes_and_new_files_are_shown_and_the_index_stays(deck: Deck) -> None:
    tree = Path(deck.new("ada", "shell", "--", "sleep", "600")["worktree"])
    nothing = deck.ok("diff", "ada")
    assert (nothing.out, nothing.err) == (
        "",
        "ada has changed nothing since " + repos.git(tree, "rev-parse", "HEAD")[:12] + "\n",
    )
    (tree / "done.txt").write_text("committed\n")
    repos.git(tree, "add", "done.txt")
    repos.git(tree, "commit", "-qm", "done")
    (tree / "README.md").write_text("# changed\n")
    (tree / "a new one.txt").write_text("untracked\n")
    repos.git(deck.repo, "commit", "-q", "--allow-empty", "-m", "elsewhere")
    index = Path(repos.git(tree, "rev-parse", "--git-path", "index"))
    before = ((tree / index).read_bytes(), repos.git(tree, "status", "--porcelain"))

    shown = deck.ok("diff", "ada").out
    for line in ("+committed", "-# sample", "+# changed", "+++ b/a new one.txt", "+untracked"):
        assert line in shown.splitlines() or line in shown, line
    assert "3 files changed" in deck.ok("diff", "ada", "--stat").out
    assert ((tree / index).read_bytes(), repos.git(tree, "status", "--porcelain")) == before
    assert deck.run("diff", "nobody").code == 2
