"""What other tools of this kind have deleted, replayed: nothing goes that was not shown, and undo brings it back.

Each test names the program and the report it comes from.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.config import Trash as Limits
from agentdeck.errors import AgentDeckError
from agentdeck.services import requests, rows
from agentdeck.services.trash.trash import DAY_MS
from agentdeck.services.trees import loss_report, worktrees
from agentdeck.services.trees.losses import Loss
from tests import repos
from tests.deck import Deck, running
from tests.trash_rig import Rig, fill, picture, refs

FILES = {"README.md": "one\n", "a.txt": "a\n", ".gitignore": "*.log\n.env\nbuild/\n*.sqlite\n"}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repos.make(tmp_path / "repo", FILES)


@pytest.fixture
def rig(repo: Path) -> Iterator[Rig]:
    rig = Rig(repo)
    yield rig
    rig.close()


@pytest.fixture
def deck(repo: Path) -> Iterator[Deck]:
    deck = Deck(repo)
    yield deck
    deck.end()


@pytest.mark.parametrize("here", [True, False])
async def test_a_session_that_reused_the_main_checkout(rig: Rig, repo: Path, here: bool) -> None:
    """agent-deck 1200, workmux 204, emdash 588: its removal deleted the user's repository.

    Also with a row that wrongly calls the checkout a worktree of ours, or names a directory above or inside it.
    """
    fill(repo)
    before, names = picture(repo), refs(repo)
    victims = [repo] if here else [repo, repo.parent, repo / "dir", repo / ".git", Path("/"), repo / "a.txt"]
    for n, victim in enumerate(victims):
        agent = rig.agent(f"al{n}", here=here, worktree=str(victim), branch="main")
        report = rig.report(agent)
        if here:
            await rig.trash.put(report)
        else:
            assert report.refusal
            forced = loss_report.Report(agent, str(victim), Loss(), head=report.head)
            with pytest.raises(AgentDeckError):
                await rig.trash.put(forced)  # even past the report
            assert rig.steps[-2:] == ["stay_out", "stayed_out"] and "detach" not in rig.steps
    assert picture(repo) == before
    assert "main" in repos.git(repo, "branch", "--show-current")
    left = [line for line in refs(repo).splitlines() if "/deck/al" not in line]
    assert left == names.splitlines()


@pytest.mark.slow
async def test_unpushed_dirty_or_lived_in_trees_were_offered(deck: Deck, repo: Path) -> None:
    """agent-deck 1995: cleanup took unpushed trees; the facts of the offer were not read again, force overrode all."""
    made = deck.new("al", "shell", "--", "cat")
    deck.new("al-2", "shell", "--", "cat")  # and tmux 3375: a name that begins like another's
    tree, other = Path(made["worktree"]), deck.row("al-2")
    assert deck.run("rm", "al", "--yes").code == 1, "it runs"
    deck.ok("stop", "al")
    [row] = deck.sql("SELECT * FROM agents WHERE name = 'al'")
    digest = loss_report.look(rows.agent(row)).digest
    repos.commit(tree, "Work", {"work.txt": "w\n"})
    repos.write(tree, {"new": "untracked\n", ".env": "KEY=1\n"})
    with pytest.raises(AgentDeckError) as error:
        await requests.ask("rm", made["id"], shown=digest)
    tip = repos.git(tree, "log", "-1", "--format=%h %s")
    for line in ("untracked: new  5 kB", "ignored: .env  5 kB", f"unpushed: {tip}"):
        assert line in error.value.hint.splitlines()
    before = picture(tree)
    with subprocess.Popen(["sleep", "60"], cwd=tree) as guest:
        refused = deck.run("rm", "al", "--yes")
        assert refused.code == 1 and f"sleep (pid {guest.pid})" in refused.err
        assert guest.poll() is None and picture(tree) == before
        guest.kill()

    deck.ok("rm", "al", "--yes")
    assert not tree.exists()
    assert running(other["pid"]) and deck.row("al-2")["pane_id"] == other["pane_id"]
    offered = deck.run("trash", "empty")
    assert (offered.code, "al" in offered.out) == (1, True), "off a terminal it only says what would go"
    [held] = deck.ok("trash", "--json").json
    assert (Path(held["path"]) / "new").exists()
    assert "freed" in deck.ok("trash", "empty", held["id"], "--yes").err
    assert not Path(held["path"]).exists()
    [emptied] = deck.ok("trash", "--json").json
    assert (emptied["state"], emptied["size_bytes"], emptied["path"]) == ("emptied", 0, "")
    late = deck.run("undo", "al")
    assert (late.code, late.out, emptied["snapshot"] in late.err) == (1, "", True)
    assert repos.git(repo, "show", f"{emptied['snapshot']}:new") == "untracked"


async def test_a_kill_took_untracked_files_and_deleted_the_branch(rig: Rig, repo: Path) -> None:
    """claude-squad: a forced removal and `branch -D`, no look at what is dirty."""
    agent = rig.agent()
    tree = Path(agent.worktree)
    fill(tree)
    before, tip = picture(tree), repos.git(tree, "rev-parse", "HEAD")
    lines = "\n".join(rig.report(agent).lines())
    for path in ("new ünï", "dir/deep/new", "work.txt", "staged.txt", "x.log", "build/", tip[:7]):
        assert path in lines
    gone = await rig.put(agent)
    assert tip in repos.git(repo, "rev-list", "--all"), "the commits are held while the branch's name is free"
    assert (Path(gone.place) / "new ünï").read_text() == "new\n"
    await rig.back()
    assert picture(tree) == before and repos.git(repo, "rev-parse", "deck/al/1") == tip


async def test_a_pause_dropped_ignored_files(rig: Rig) -> None:
    """claude-squad: .env and local databases went with the tree, since git does not call them dirty."""
    agent = rig.agent()
    tree = Path(agent.worktree)
    repos.write(tree, {".env": "SECRET=1\n", "data/app.sqlite": b"SQLite format 3\x00", "build/out": "o"})
    assert repos.status(tree) == ""
    before = picture(tree)
    report = rig.report(agent)
    assert [path for word, path, _ in report.items() if word == "ignored"] == [".env", "build/", "data/"]
    await rig.put(agent)
    assert b"SECRET=1\n" not in repos.held(rig.repo), "and they are in no commit"
    await rig.back()
    assert picture(tree) == before


async def test_a_reset_took_the_trees_of_all_repositories(rig: Rig, repo: Path, tmp_path: Path) -> None:
    """claude-squad: `reset` deleted every tree it found, and branches by a part of their names."""
    second = repos.make(tmp_path / "elsewhere" / "repo", FILES)  # of the same name
    agent = rig.agent("al")
    others = [rig.agent("alma"), rig.agent("al-2")]
    far = Path(worktrees.create(second, "al").worktree)
    for branch in ("feature/al", "al", "deck-al", "deck/alma/2"):
        repos.git(repo, "branch", branch)
    for tree in (*(Path(other.worktree) for other in others), far):
        fill(tree)
    kept = [picture(Path(other.worktree)) for other in others], picture(far), refs(second)
    names = [line for line in refs(repo).splitlines() if not line.endswith("/deck/al/1")]
    gone = await rig.put(agent)
    await rig.trash.empty([gone.id])
    await rig.trash.sweep(Limits(days=0, max_gb=0), gone.removed + 400 * DAY_MS)
    assert ([picture(Path(other.worktree)) for other in others], picture(far), refs(second)) == kept
    assert refs(repo).splitlines() == names


def test_a_state_that_cannot_be_read_became_an_empty_one(rig: Rig, repo: Path) -> None:
    """claude-squad: it was taken for no state, and the next save wrote over it."""
    tree, deck = Path(rig.agent().worktree), Deck(repo)
    fill(tree)
    rig.close()
    before, file = picture(tree), paths.database_file()
    for side in ("-wal", "-shm"):
        file.with_name(file.name + side).unlink(missing_ok=True)
    file.write_bytes(b"this is no database at all, but must not be lost either" * 100)
    broken = file.read_bytes()
    for words in (("ls",), ("rm", "al", "--yes"), ("undo",), ("trash", "empty", "--yes")):
        refused = deck.run(*words)
        assert (refused.code, refused.out) == (1, ""), words
        assert "cannot be read" in refused.err
    assert file.read_bytes() == broken
    assert picture(tree) == before


async def test_clean_trees_went_with_their_unpushed_commits(rig: Rig, repo: Path) -> None:
    """orca 2927, CCManager: the tree was clean, so the branch was force-deleted."""
    agent = rig.agent()
    tree = Path(agent.worktree)
    tip = repos.commit(tree, "Only here", {"work.txt": "w\n"})
    assert repos.status(tree) == ""
    assert f"unpushed: {tip[:7]} Only here" in rig.report(agent).lines()
    gone = await rig.put(agent)
    repos.git(repo, "-c", "gc.auto=0", "reflog", "expire", "--expire=now", "--all")
    repos.git(repo, "gc", "-q", "--prune=now")
    await rig.trash.empty([gone.id])
    repos.git(repo, "gc", "-q", "--prune=now")
    assert repos.show(repo, tip, "work.txt") == b"w\n", "held even when the files were deleted from the trash"


async def test_finished_trees_and_those_of_siblings_were_reaped(rig: Rig, repo: Path) -> None:
    """Claude Code 77268, 78350, 92573, 48131, 35862: a pool took trees by their age, with commits or still in use."""
    agents = [rig.agent(name, created=1, ended=2, life=life) for name, life in (("al", "stopped"), ("bo", "live"))]
    agents.append(rig.agent("cy", life="creating"))
    for agent in agents:
        fill(Path(agent.worktree))
    before = [picture(Path(agent.worktree)) for agent in agents]
    names = refs(repo)
    for _ in range(2):
        await rig.restart()
        await rig.trash.sweep(Limits(days=0, max_gb=0), 10**15)
    assert [picture(Path(agent.worktree)) for agent in agents] == before and refs(repo) == names
    assert sorted(rig.agents()) == ["al", "bo", "cy"]


async def test_a_tree_that_a_process_works_in_is_not_emptied(rig: Rig) -> None:
    """The same from the other side: somebody went into the trash to save something."""
    gone = await rig.put(rig.agent())
    process = await asyncio.create_subprocess_exec("sleep", "60", cwd=gone.place)
    with pytest.raises(AgentDeckError, match=rf"sleep \(pid {process.pid}\)"):
        await rig.trash.empty([gone.id])
    await rig.trash.sweep(Limits(days=0, max_gb=0), gone.removed + DAY_MS)
    assert [entry.state for entry in rig.held()] == ["trashed"] and Path(gone.place).is_dir()
    process.kill()
    await process.wait()


@pytest.mark.parametrize("seed", range(3))
async def test_every_file_that_is_nowhere_else_is_shown(rig: Rig, repo: Path, seed: int) -> None:
    """All of them at once: whatever an agent does, each file that git could not give back is in the report."""
    chance = random.Random(seed)
    agent = rig.agent()
    tree = Path(agent.worktree)
    repos.commit(tree, "Start", {f"{d}/{n}.txt": f"{d}{n}\n" for d in ("src", "doc") for n in range(4)})
    for _ in range(25):
        _something(tree, chance)
    before, names = picture(tree), refs(repo)
    report = rig.report(agent)
    shown = {path for word, path, _ in report.items() if word not in ("unpushed", "in its log only")}
    tracked = {
        name: (mode, oid)
        for mode, _, oid, name in (
            line.replace("\t", " ", 1).split(" ", 3) for line in repos.git(tree, "ls-tree", "-r", "HEAD").splitlines()
        )
    }
    for path in sorted(tracked.keys() | _files(tree)):
        if _as_committed(tree, path, tracked.get(path)):
            continue
        above = [f"{parent}/" for parent in Path(path).parents]
        assert path in shown or any(part in shown for part in above), (path, shown)
    gone = await rig.put(agent)
    assert _files(Path(gone.place)) == {path for path in before if _is_file(before, path)}
    await rig.back()
    assert picture(tree) == before and refs(repo) == names


def _something(tree: Path, chance: random.Random) -> None:
    name = chance.choice(["src/1.txt", "src/new.txt", "doc/2.txt", "x.log", "build/a/b", "deep/er/f", ".env", "a.txt"])
    path = tree / name
    match chance.randrange(7):
        case 0 | 1 | 2:
            repos.write(tree, {name: f"{chance.random()}\n"})
        case 3 if path.exists():
            path.unlink()
        case 4 if path.exists():
            repos.git(tree, "add", "-f", "--", name)
        case 5 if path.exists():
            path.chmod(chance.choice([0o644, 0o755, 0o600]))
        case 6:
            repos.git(tree, "commit", "-q", "--allow-empty", "-m", f"Work {chance.random()}")


def _files(tree: Path) -> set[str]:
    found = (Path(folder, name) for folder, _, files in os.walk(tree) for name in files)
    return {str(path.relative_to(tree)) for path in found} - {".git"}


def _is_file(before: dict[str, object], path: str) -> bool:
    told = before[path]
    return path != ".git" and isinstance(told, tuple) and told[0] & 0o170000 != 0o040000


def _as_committed(tree: Path, path: str, entry: tuple[str, str] | None) -> bool:
    file = tree / path
    if entry is None or not file.is_file():
        return False
    mode = "100755" if file.stat().st_mode & 0o100 else "100644"
    return entry == (mode, repos.git(tree, "hash-object", "--no-filters", "--", path))
