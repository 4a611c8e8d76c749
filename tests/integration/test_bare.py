"""Repositories without a main working tree: agents get worktrees of a bare one, wherever in its layout one stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck.adapters import git
from agentdeck.errors import UsageError
from agentdeck.services.trees import losses, worktrees
from agentdeck.ui import offers
from tests import repos
from tests.deck import Deck


def layouts(where: Path, origin: Path) -> dict[str, tuple[Path, ...]]:
    """Each way people keep bare repositories, and the directories from which one would start an agent."""
    plain, hidden, inner = where / "shop.git", where / "hidden", where / "inner"
    repos.git(where, "clone", "-q", "--bare", str(origin), str(plain))
    hidden.mkdir()
    repos.git(where, "clone", "-q", "--bare", str(origin), str(hidden / ".bare"))
    (hidden / ".git").write_text("gitdir: ./.bare\n")
    inner.mkdir()
    repos.git(where, "clone", "-q", "--bare", str(origin), str(inner / ".git"))
    for repo in (hidden, inner):
        repos.git(repo, "worktree", "add", "-q", "main")
    return {
        "plain": (plain, plain / "refs"),
        "hidden": (hidden, hidden / ".bare", hidden / "main"),
        "inner": (inner, inner / ".git", inner / "main"),
    }


def test_every_place_of_a_bare_layout_is_the_same_repository(git_repo: Path, tmp_path: Path) -> None:
    for name, places in layouts(tmp_path, git_repo).items():
        found = [git.find(place) for place in places]
        assert len({repository.root for repository in found}) == 1, name
        assert len({worktrees.place(repository, "al") for repository in found}) == 1, name
        assert [repository.treeless for repository in found] == [place.name != "main" for place in places]
    assert worktrees.place(git.find(tmp_path / "shop.git"), "al").parent.name.startswith("shop-")
    assert worktrees.place(git.find(tmp_path / "hidden"), "al").parent.name.startswith("hidden-")


def test_the_base_is_the_head_of_where_one_stands(git_repo: Path, tmp_path: Path) -> None:
    _, hidden, _ = layouts(tmp_path, git_repo).values()
    before = repos.git(git_repo, "rev-parse", "HEAD")
    repos.git(hidden[2], "switch", "-q", "-c", "side")
    side = repos.commit(hidden[2], "Side", {"side.txt": "side\n"})
    assert worktrees.create(hidden[0], "al").base_oid == before
    assert worktrees.create(hidden[2], "bo").base_oid == side
    here = worktrees.in_place(hidden[2])
    assert (here.worktree, here.branch, here.repo) == (str(hidden[2]), "side", str(hidden[1]))
    with pytest.raises(UsageError, match="is a bare repository"):
        worktrees.in_place(hidden[0])


def test_the_whole_life_of_a_worktree_of_a_bare_repository(git_repo: Path, tmp_path: Path) -> None:
    bare = tmp_path / "shop.git"
    repos.git(tmp_path, "clone", "-q", "--bare", str(git_repo), str(bare))
    made = worktrees.create(bare, "al")
    tree = Path(made.worktree)
    repos.write(tree, {"new.txt": "one\n"})
    assert worktrees.diff(tree, made.base_oid, made.repo).added == 1
    again = worktrees.next_branch(tree, "al", 2)
    assert (again.branch, repos.status(tree)) == ("deck/al/2", "")
    assert repos.show(bare, "deck/al/1", "new.txt") == b"one\n"
    assert losses.survey(tree, bare, again.base_oid).nothing
    assert worktrees.unmake(bare, again)
    assert not tree.exists()


def test_specs_of_a_bare_repository_are_those_of_the_agents_worktree(tmp_path: Path) -> None:
    repo = repos.make(tmp_path / "origin", {"specs/mend.md": "# Mend\n\nMend it.\n"})
    bare = tmp_path / "shop.git"
    repos.git(tmp_path, "clone", "-q", "--bare", str(repo), str(bare))
    tree = worktrees.create(bare, "al").worktree
    assert [offer.title for offer in offers.specs(bare, Path(tree))] == ["Mend"]


@pytest.fixture
def deck(git_repo: Path, tmp_path: Path) -> Iterator[Deck]:
    bare = tmp_path / "shop.git"
    repos.git(tmp_path, "clone", "-q", "--bare", str(git_repo), str(bare))
    deck = Deck(bare)
    yield deck
    deck.end()


def test_agents_of_a_bare_repository_by_the_command_line(deck: Deck, tmp_path: Path) -> None:
    inside = deck.new("al", "shell", "--", "cat")
    named = deck.ok("new", "bo", "--harness", "shell", "--repo", str(deck.repo), "--json", "--", "cat", cwd=tmp_path)
    found = deck.rows()
    assert {row["repo"] for row in found.values()} == {str(deck.repo)}
    assert [repos.git(Path(made["worktree"]), "branch", "--show-current") for made in (inside, named.json)] == [
        "deck/al/1",
        "deck/bo/1",
    ]
