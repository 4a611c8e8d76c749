"""What agents' trees have in common, and whether they merge: on real repositories, which stay exactly as they are."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters import git, git_marks, git_merge
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.services.radar import overlaps
from agentdeck.services.radar.overlaps import Found, Overlaps
from agentdeck.services.trees import worktrees
from tests import repos

LINES = "".join(f"line {n}\n" for n in range(40))
FILES = {"a.py": LINES, "b.py": LINES, "docs/c.md": LINES, ".gitignore": "*.log\n"}


def line(n: int, text: str) -> str:
    """The sample file with one line changed."""
    return LINES.replace(f"line {n}\n", f"{text}\n")


class Fleet:
    """Agents with real worktrees, and what the meter would say of them."""

    def __init__(self, repo: Path) -> None:
        self.repo = repo
        self.agents: dict[str, Agent] = {}
        self.overlaps = Overlaps(paths.state_dir() / "radar")

    def add(self, name: str, base: str = "") -> Path:
        made = worktrees.create(self.repo, name, 1, base)
        self.agents[name] = self._agent(name, made.worktree, made.branch, made.base_oid, base)
        return Path(made.worktree)

    def add_here(self, name: str, tree: Path | None = None) -> Path:
        made = worktrees.in_place(tree or self.repo)
        agent = self._agent(name, made.worktree, made.branch, made.base_oid)
        self.agents[name] = replace(agent, here=True, created=now_ms())
        return Path(made.worktree)

    def _agent(self, name: str, tree: str, branch: str, oid: str, base: str = "") -> Agent:
        return Agent(name, name, "shell", str(self.repo), tree, branch, base, oid, "live", created=1)

    def look(self, *stale: str) -> Found:
        """One round in which these (all, when none is named) were measured, then rounds until nothing is owed."""
        heard = {
            name: worktrees.changes(agent.worktree, agent.base or agent.base_oid, agent.repo)[1]
            for name, agent in self.agents.items()
        }
        found = self.overlaps.round(self.agents, heard, set(stale or self.agents))
        while found.owed:
            found = self.overlaps.round(self.agents, heard, set())
        return found


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """At a place whose name has to be quoted wherever it is written."""
    return repos.make(tmp_path / 'a b "q" ünï #{x} \\ :', FILES)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return repos.make(tmp_path / "plain", FILES)


def contents(repo: Path) -> Mapping[str, bytes]:
    """Every file git keeps of the repository and its worktrees."""
    found = {}
    for folder, _, names in os.walk(git_marks.git_dir(repo)):
        found.update({os.path.join(folder, name): Path(folder, name).read_bytes() for name in names})
    return found


def test_one_line_each_in_one_file_is_a_file_in_common_and_the_same_line_a_conflict(repo: Path) -> None:
    fleet = Fleet(repo)
    ada, bo, cleo = fleet.add("ada"), fleet.add("bo"), fleet.add("cleo")
    repos.write(ada, {"a.py": line(3, "ada"), "new.txt": "by ada\n"})
    repos.commit(bo, "Work", {"a.py": line(30, "bo"), "new.txt": "by bo\n", "b.py": line(1, "bo")})
    repos.write(cleo, {"docs/c.md": line(1, "cleo"), "noise.log": "x"})
    repos.write(bo, {"noise.log": "y"})
    found = fleet.look()
    assert found.shared == {("ada", "bo"): ("a.py", "new.txt")}
    assert found.conflicts == {("ada", "bo"): ("new.txt",)}
    repos.write(ada, {"a.py": line(30, "ada"), "new.txt": "by bo\n"})
    found = fleet.look("ada")
    assert found.shared == {("ada", "bo"): ("a.py",)}, "the same content in both is in nobody's way"
    assert found.conflicts == {("ada", "bo"): ("a.py",)}
    repos.git(ada, "checkout", "-q", "a.py")
    found = fleet.look("ada")
    assert (found.shared, found.conflicts) == ({}, {})


def test_the_repository_its_indexes_and_its_objects_stay_as_they_are(repo: Path) -> None:
    fleet = Fleet(repo)
    ada, bo = fleet.add("ada"), fleet.add("bo")
    repos.write(ada, {"a.py": line(3, "ada"), "fresh": "1\n"})
    repos.write(bo, {"a.py": line(3, "bo"), "staged": "2\n"})
    (bo / "b.py").unlink()
    repos.git(bo, "add", "staged")
    repos.commit(repo, "Main goes on", {"a.py": line(3, "main")})
    for tree in (repo, ada, bo):
        repos.status(tree)  # it writes the index where times alone differ
    before = contents(repo)
    found = fleet.look()
    assert found.conflicts == {("ada", "bo"): ("a.py",), ("ada", ""): ("a.py",), ("bo", ""): ("a.py",)}
    after = contents(repo)
    assert [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)] == []


def test_a_lock_on_the_index_neither_stops_it_nor_is_touched(plain: Path) -> None:
    fleet = Fleet(plain)
    ada, bo = fleet.add("ada"), fleet.add("bo")
    for tree, name in ((ada, "ada"), (bo, "bo")):
        repos.write(tree, {"a.py": line(3, name)})
        git.git_path(tree, "index.lock").write_text("held")
    assert fleet.look().conflicts == {("ada", "bo"): ("a.py",)}
    assert git.git_path(ada, "index.lock").read_text() == "held"


def test_the_base_that_moves_is_noticed_by_itself_and_a_merge_of_it_ends_the_conflict(plain: Path) -> None:
    fleet = Fleet(plain)
    ada, bo = fleet.add("ada"), fleet.add("bo")
    repos.commit(ada, "Work", {"a.py": line(3, "ada")})
    repos.commit(bo, "Work", {"b.py": line(3, "bo")})
    assert fleet.look().conflicts == {}
    assert fleet.overlaps.moved(fleet.agents.values()) == set()
    repos.commit(plain, "Main goes on", {"a.py": line(3, "main"), "docs/c.md": "other\n"})
    assert fleet.overlaps.moved(fleet.agents.values()) == {"ada", "bo"}
    found = fleet.look("ada", "bo")
    assert (found.conflicts, found.bases["ada"]) == ({("ada", ""): ("a.py",)}, "main")
    assert fleet.overlaps.moved(fleet.agents.values()) == set()
    repos.git(ada, "merge", "-q", "main", check=False)
    assert fleet.look("ada").conflicts == {("ada", ""): ("a.py",)}, "half-way: what was known stands"
    repos.commit(ada, "Merged", {"a.py": line(3, "both")})
    assert fleet.look("ada").conflicts == {}


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_what_has_landed_is_in_nobodys_way(plain: Path, how: str) -> None:
    fleet = Fleet(plain)
    ada = fleet.add("ada")
    repos.commit(ada, "Work", {"a.py": line(3, "ada")})
    repos.commit(plain, "Main goes on", {"docs/c.md": "other\n"})
    if how == "merge":
        repos.git(plain, "merge", "-q", "--no-edit", "deck/ada/1")
    elif how == "squash":
        repos.git(plain, "merge", "-q", "--squash", "deck/ada/1")
        repos.git(plain, "commit", "-qm", "Squashed")
    else:
        repos.git(plain, "cherry-pick", "deck/ada/1")
    bo = fleet.add("bo")
    repos.write(bo, {"a.py": line(3, "bo")})
    found = fleet.look()
    assert (found.shared, found.conflicts) == ({}, {})


def test_a_rebase_brings_in_no_work_of_others(plain: Path) -> None:
    fleet = Fleet(plain)
    ada, bo = fleet.add("ada"), fleet.add("bo")
    repos.commit(ada, "Work", {"b.py": line(3, "ada")})
    repos.write(bo, {"a.py": line(9, "bo")})
    repos.commit(plain, "Main goes on", {"a.py": line(30, "main")})
    repos.git(ada, "rebase", "-q", "main")
    found = fleet.look()
    assert (found.shared, found.conflicts) == ({}, {})


def test_agents_in_one_checkout_collide_on_what_changed_since_they_came(plain: Path) -> None:
    fleet = Fleet(plain)
    repos.write(plain, {"docs/c.md": "the human's own\n"})
    os.utime(plain / "docs/c.md", (1_600_000_000, 1_600_000_000))
    fleet.add_here("ada")
    fleet.add_here("bo")
    cleo = fleet.add("cleo")
    assert fleet.look().shared == {}
    repos.write(plain, {"a.py": line(3, "somebody")})
    repos.write(cleo, {"a.py": line(3, "cleo")})
    found = fleet.look()
    assert found.shared == dict.fromkeys((("ada", "bo"), ("ada", "cleo"), ("bo", "cleo")), ("a.py",))
    assert found.conflicts == {("ada", "cleo"): ("a.py",), ("bo", "cleo"): ("a.py",)}


def test_what_comes_into_the_checkout_by_a_commit_is_not_the_doing_of_who_is_there(plain: Path) -> None:
    fleet = Fleet(plain)
    fleet.add_here("ada")
    bo = fleet.add("bo")
    repos.write(bo, {"a.py": line(3, "bo")})
    repos.commit(plain, "Pulled", {"a.py": line(30, "main")})
    assert fleet.look().shared == {}


def test_two_repositories_have_no_path_in_common(plain: Path, tmp_path: Path) -> None:
    fleet, other = Fleet(plain), Fleet(repos.make(tmp_path / "other", FILES))
    repos.write(fleet.add("ada"), {"a.py": "1\n"})
    repos.write(other.add("bo"), {"a.py": "2\n"})
    fleet.agents |= other.agents
    assert fleet.look().shared == {}


def test_nothing_is_run_when_nothing_changed_and_only_the_pairs_of_who_did(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Fleet(plain)
    trees = {name: fleet.add(name) for name in ("ada", "bo", "cleo")}
    for name, tree in trees.items():
        repos.write(tree, {"a.py": line(3, name)})
    heard = dict.fromkeys(trees, ("a.py",))
    fleet.look()
    asked: list[str] = []
    run = git.run

    def count(where: Path, *args: str, **more: object) -> tuple[int, bytes]:
        asked.append(args[0])
        return run(where, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(git, "run", count)
    fleet.overlaps.round(fleet.agents, heard, set())
    fleet.overlaps.round(fleet.agents, heard, {"ada", "bo", "cleo"})
    assert asked == [], "measured again, and nothing had changed"
    repos.write(trees["ada"], {"a.py": line(30, "ada")})
    found = fleet.overlaps.round(fleet.agents, heard, {"ada"})
    assert asked.count("merge-tree") == 2 and asked.count("write-tree") == 1
    assert set(found.conflicts) == {("bo", "cleo")}


def test_a_round_tries_so_many_merges_and_owes_the_rest(plain: Path) -> None:
    fleet = Fleet(plain)
    for n in range(5):
        repos.write(fleet.add(f"a{n}"), {"a.py": line(3, f"{n}")})
    heard = dict.fromkeys(fleet.agents, ("a.py",))
    found = fleet.overlaps.round(fleet.agents, heard, set(fleet.agents))
    assert len(found.shared) == 10 and len(found.conflicts) <= overlaps.TRIES and found.owed
    assert len(fleet.look().conflicts) == 10


def test_no_driver_or_filter_of_the_repository_takes_part_in_a_trial(plain: Path, tmp_path: Path) -> None:
    repos.git(plain, "config", "merge.x.driver", f"touch '{tmp_path}/ran'; true")
    repos.commit(plain, "Attributes", {".gitattributes": "*.py merge=x\n"})
    (git_marks.git_dir(plain) / "info").mkdir(exist_ok=True)
    (git_marks.git_dir(plain) / "info" / "attributes").write_text("*.py merge=x\n")
    fleet = Fleet(plain)
    for name in ("ada", "bo"):
        repos.write(fleet.add(name), {"a.py": line(3, name)})
    assert fleet.look().conflicts == {("ada", "bo"): ("a.py",)}
    assert not (tmp_path / "ran").exists()


def test_a_git_that_cannot_try_merges_still_tells_files_in_common(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "version", lambda: (2, 36, 1))
    assert "git 2.36 cannot try merges (that takes 2.38)" in git_merge.missing()
    fleet = Fleet(plain)
    for name in ("ada", "bo"):
        repos.write(fleet.add(name), {"a.py": line(3, name)})
    found = fleet.look()
    assert (found.shared, found.conflicts, found.owed) == ({("ada", "bo"): ("a.py",)}, {}, False)


def test_histories_that_cannot_be_merged_are_no_conflict_and_no_trouble(plain: Path) -> None:
    fleet = Fleet(plain)
    ada, bo = fleet.add("ada"), fleet.add("bo")
    repos.write(bo, {"a.py": line(3, "bo")})
    repos.git(ada, "checkout", "-q", "--orphan", "deck/ada/9")
    repos.commit(ada, "Unrelated", {"a.py": "other\n"})
    assert fleet.look().conflicts == {}


def test_long_object_names(tmp_path: Path) -> None:
    where, tree = tmp_path / "sha256", tmp_path / "tree"
    subprocess.run(["git", "init", "-q", "-b", "main", "--object-format=sha256", str(where)], check=True)
    repos.commit(where, "First", FILES)
    repos.git(where, "worktree", "add", "-q", str(tree))
    repos.write(where, {"a.py": line(3, "ada")})
    repos.write(tree, {"a.py": line(3, "bo")})
    bench = git_merge.Bench(tmp_path / "bench", where)
    one, other = (bench.snapshot(each, ["a.py"]) for each in (where, tree))
    assert len(one.commit) == 64 and bench.conflicts(one.commit, other.commit) == ("a.py",)


def test_a_bare_repository(plain: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(plain), str(bare)], check=True)
    fleet = Fleet(bare)
    for name in ("ada", "bo"):
        repos.write(fleet.add(name), {"a.py": line(3, name)})
    found = fleet.look()
    assert (found.conflicts, found.bases["ada"]) == ({("ada", "bo"): ("a.py",)}, "main")
    repos.commit(plain, "Main goes on", {"a.py": line(3, "main")})
    repos.git(plain, "push", "-q", str(bare), "main")
    assert fleet.overlaps.moved(fleet.agents.values()) == {"ada", "bo"}
    assert ("ada", "") in fleet.look().conflicts


def test_a_shallow_clone(plain: Path, tmp_path: Path) -> None:
    repos.commit(plain, "Second", {"b.py": "b\n"})
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{plain}", str(clone)], check=True)
    fleet = Fleet(clone)
    for name in ("ada", "bo"):
        repos.commit(fleet.add(name), "Work", {"a.py": line(3, name)})
    assert fleet.look().conflicts == {("ada", "bo"): ("a.py",)}


def test_an_environment_that_names_another_index_does_not_lead_astray(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a git hook that starts the deck would set it."""
    fleet = Fleet(plain)
    for name in ("ada", "bo"):
        repos.write(fleet.add(name), {"a.py": line(3, name)})
    before = contents(plain)
    for name in ("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert fleet.look().conflicts == {("ada", "bo"): ("a.py",)}
    assert contents(plain) == before and not (tmp_path / "elsewhere").exists()
