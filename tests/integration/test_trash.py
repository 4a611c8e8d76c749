"""Into the trash and back: byte for byte, names free meanwhile, and nothing deleted that is not in the trash."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.config import Trash as Limits
from agentdeck.errors import AgentDeckError
from agentdeck.services.trash import trash_purge
from agentdeck.services.trash.trash import DAY_MS
from agentdeck.services.trees import worktrees
from tests import repos
from tests.trash_rig import Rig, fill, picture, refs


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repos.make(tmp_path / "a repo", {"README.md": "one\n", "a.txt": "a\n", ".gitignore": "*.log\nbuild/\n"})


@pytest.fixture
def rig(repo: Path) -> Iterator[Rig]:
    rig = Rig(repo)
    yield rig
    rig.close()


async def test_undo_brings_everything_back_byte_for_byte(rig: Rig, repo: Path) -> None:
    agent = rig.agent()
    tree = Path(agent.worktree)
    fill(tree)
    before, names = picture(tree), refs(repo)
    gone = await rig.put(agent)
    assert not tree.exists() and not tree.parent.exists()
    assert rig.agents() == {}
    assert repos.git(repo, "branch", "--list", "deck/*") == ""
    assert Path(gone.place).parent == paths.trash_dir()
    assert (Path(gone.place) / "x.log").read_text() == "ignored\n"
    back = await rig.back()
    assert picture(tree) == before
    assert refs(repo) == names
    assert (back.name, back.worktree, back.branch, back.notes) == ("al", str(tree), "deck/al/1", ())
    [again] = rig.agents().values()
    assert (again.id, again.life, again.team) == (agent.id, "stopped", "red")
    assert not list(paths.trash_dir().iterdir())


@pytest.mark.parametrize("layout", ["bare", "linked home"])
async def test_the_same_in_other_layouts(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    if layout == "bare":
        repos.git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
        repo = tmp_path / "bare.git"
    else:
        (tmp_path / "real").mkdir()
        (tmp_path / "home").symlink_to("real")
        monkeypatch.setenv("DECK_HOME", str(tmp_path / "home"))
    rig = Rig(repo)
    agent = rig.agent()
    tree = Path(agent.worktree)
    fill(tree)
    before, names = picture(tree), refs(repo)
    gone = await rig.trash.take(agent, rig.report(agent).digest)
    assert not tree.exists() and (Path(gone.place) / "new ünï").exists()
    await rig.back()
    assert picture(tree) == before and refs(repo) == names
    gone = await rig.put(agent)
    await rig.trash.empty([gone.id])
    assert not Path(gone.place).exists() and gone.place not in repos.git(repo, "worktree", "list")
    rig.close()


async def test_the_snapshot_has_what_was_tracked_and_untracked_and_nothing_ignored(rig: Rig, repo: Path) -> None:
    agent = rig.agent()
    fill(Path(agent.worktree))
    gone = await rig.put(agent)
    ref = f"refs/deck/trash/{gone.id}/snapshot"
    assert repos.show(repo, ref, "work.txt") == b"changed\n"
    assert repos.show(repo, ref, "dir/deep/new") == b"\x00\xff"
    assert repos.show(repo, f"{ref}^", "both.txt") == b"2\n", "what was staged, in a commit of its own"
    paths_in = repos.git(repo, "ls-tree", "-r", "--name-only", ref).splitlines()
    assert not [path for path in paths_in if path.endswith(".log") or path.startswith(("build/", "inner"))]
    assert b"ignored\n" not in repos.held(repo)


async def test_name_and_branch_can_be_had_by_another_agent(rig: Rig, repo: Path) -> None:
    first = rig.agent()
    tree = Path(first.worktree)
    fill(tree)
    before = picture(tree)
    tip = repos.git(tree, "rev-parse", "HEAD")
    gone = await rig.put(first)
    second = rig.agent()
    assert (second.branch, second.worktree) == (first.branch, first.worktree)
    repos.commit(tree, "Other work", {"other": "1"})
    for name in ("", "al"):
        with pytest.raises(AgentDeckError, match="another agent is called 'al' by now") as error:
            await rig.back(gone.id, name)
        assert error.value.hint.endswith(f"agentdeck undo {gone.id} --name al-2")
    assert rig.held()[0].state == "trashed"
    back = await rig.back(gone.id, "al-2")
    there = tree.with_name("al-2")
    assert (back.name, back.worktree, back.branch) == ("al-2", str(there), "deck/al-2/1")
    assert back.notes[:2] == ("branch deck/al/1 belongs to somebody else by now", "it goes on on deck/al-2/1")
    assert "in a new place" in back.notes[2]
    assert {**picture(there), "HEAD": ""} == {**before, "HEAD": ""}
    assert repos.git(repo, "rev-parse", "deck/al-2/1") == tip
    assert repos.git(repo, "log", "-1", "--format=%s", "deck/al/1") == "Other work"
    assert {name: agent.worktree for name, agent in rig.agents().items()} == {"al": str(tree), "al-2": str(there)}
    assert "refs/deck/trash" not in refs(repo)
    assert not rig.report(rig.agents()["al-2"]).refusal


async def test_an_agent_that_was_renamed_meanwhile_only_takes_the_name(rig: Rig, repo: Path) -> None:
    """Then its old place is free, and its conversation is found there."""
    agent = rig.agent()
    gone = await rig.put(agent)
    rig.agent("bo")
    rig.writer.run_sync(lambda conn: conn.execute("UPDATE agents SET name = 'al' WHERE name = 'bo'"))
    with pytest.raises(AgentDeckError, match="another agent is called 'al' by now") as error:
        await rig.back(gone.id)
    assert f"agentdeck undo {gone.id} --name al-2" in error.value.hint
    back = await rig.back(gone.id, "al-2")
    assert (back.worktree, back.branch, back.notes) == (agent.worktree, "deck/al/1", ())


async def test_a_place_that_git_still_lists_is_taken(rig: Rig, repo: Path, tmp_path: Path) -> None:
    gone = await rig.put(rig.agent())
    Path(rig.agent().worktree).rename(tmp_path / "away")
    rig.writer.run_sync(lambda conn: conn.execute("UPDATE agents SET name = 'other' WHERE name = 'al'"))
    with pytest.raises(AgentDeckError, match="is taken by another worktree"):
        await rig.back(gone.id)
    assert (await rig.back(gone.id, "cy")).worktree.endswith("/cy")


async def test_earlier_branches_go_along_and_come_back(rig: Rig, repo: Path) -> None:
    agent = rig.agent()
    tree = Path(agent.worktree)
    repos.commit(tree, "First task", {"one": "1"})
    worktrees.next_branch(tree, "al", 2)
    repos.commit(tree, "Second task", {"two": "2"})
    repos.git(repo, "branch", "deck/alma/1")
    names, report = refs(repo), rig.report(agent)
    assert [line.split(" ", 2)[2] for line in report.lines() if line.startswith("unpushed")] == [
        "Second task",
        "First task",
    ]
    await rig.put(agent)
    assert repos.git(repo, "for-each-ref", "--format=%(refname:short)", "refs/heads/deck") == "deck/alma/1"
    await rig.back("al")
    assert refs(repo) == names


async def test_a_branch_of_somebody_else_is_never_moved(rig: Rig, repo: Path) -> None:
    agent = rig.agent()
    tree = Path(agent.worktree)
    repos.git(tree, "switch", "-q", "-c", "feature")
    repos.commit(tree, "Mine", {"m": "1"})
    await rig.put(agent)
    assert repos.git(repo, "branch", "--list", "feature", "--format=%(refname:short)") == "feature"
    repos.git(repo, "switch", "-q", "feature")
    back = await rig.back()
    assert (repos.git(tree, "branch", "--show-current"), back.branch) == ("", "")
    assert "on no branch" in back.notes[-1]
    assert repos.status(tree) == ""


@pytest.mark.parametrize("state", ["detached", "unborn", "merge", "rebase", "bisect"])
async def test_head_comes_back_as_it_was(rig: Rig, repo: Path, state: str) -> None:
    agent = rig.agent()
    tree = Path(agent.worktree)
    base = repos.git(tree, "rev-parse", "HEAD")
    repos.commit(tree, "Here", {"a.txt": "here\n"})
    if state == "detached":
        repos.git(tree, "checkout", "-q", "--detach")
        repos.commit(tree, "Alone", {"alone": "1"})
    elif state == "unborn":
        repos.git(tree, "switch", "-q", "--orphan", "deck/al/2")
        repos.write(tree, {"x": "1"})
        repos.git(tree, "add", "x")
    elif state == "bisect":
        repos.git(tree, "bisect", "start", "HEAD", base)
    else:
        repos.git(tree, "branch", "other", base)
        other = repos.git(repo, "commit-tree", repos.git(repo, "rev-parse", f"{base}^{{tree}}"), "-p", base, "-m", "o")
        repos.write(repo, {"a.txt": "there\n"})
        repos.git(repo, "add", "-A")
        repos.git(repo, "commit", "-q", "-m", "There")
        repos.git(tree, state, "main", check=False)
        assert repos.status(tree).startswith(("UU", "AA")), other
    before, names = picture(tree), refs(repo)
    gone = await rig.put(agent)
    assert gone.holds
    if state not in ("rebase", "bisect"):  # there git itself keeps the name for the one who is at it
        rig.agent()
        again = rig.agents()["al"]
        await rig.put(again)
    await rig.back(gone.id)
    assert picture(tree) == before
    assert [line for line in refs(repo).splitlines() if "refs/deck/" not in line] == [
        line for line in names.splitlines() if "refs/deck/" not in line
    ]


async def test_commits_that_only_a_log_remembers_are_shown_and_held(rig: Rig, repo: Path) -> None:
    agent = rig.agent()
    tree = Path(agent.worktree)
    repos.commit(tree, "Below", {"b.txt": "below\n"})
    lost = repos.commit(tree, "Lost", {"a.txt": "lost\n"})
    repos.git(tree, "commit", "-q", "--amend", "-m", "Amended")
    assert f"in its log only: {lost[:7]} Lost" in rig.report(agent).lines()
    gone = await rig.put(agent)
    assert repos.git(repo, "rev-parse", f"refs/deck/trash/{gone.id}/log/1") == lost
    await rig.back()
    assert "refs/deck" not in refs(repo), "its own log holds them again"
    assert lost in repos.git(tree, "reflog", "--format=%H")


async def test_an_agent_of_the_checkout_leaves_it_alone_and_comes_back(rig: Rig, repo: Path) -> None:
    agent = rig.agent("dora", here=True, worktree=str(repo), branch="main")
    extra = paths.worktrees_dir()
    before = picture(repo)
    gone = await rig.put(agent)
    assert (gone.place, gone.origin) == ("", "")
    assert picture(repo) == before and not (extra / ".trash").exists()
    back = await rig.back()
    assert (back.worktree, rig.agents()["dora"].here) == (str(repo), True)
    assert picture(repo) == before


async def test_a_tree_with_submodules_is_kept_where_it_is(rig: Rig, repo: Path, tmp_path: Path) -> None:
    repos.make(tmp_path / "lib")
    agent = rig.agent()
    tree = Path(agent.worktree)
    repos.git(tree, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "lib"), "lib")
    repos.write(tree, {"lib/new": "in the submodule\n"})
    before, names = picture(tree), refs(repo)
    assert any("submodules, which git cannot move" in line for line in rig.report(agent).lines())
    await rig.put(agent)
    assert rig.agents() == {}
    assert picture(tree) == before and refs(repo) == names
    await rig.back()
    assert rig.agents()["al"].worktree == str(tree)
    assert picture(tree) == before and refs(repo) == names


async def test_a_tree_that_is_gone_keeps_its_commits_and_what_was_staged(rig: Rig, repo: Path, tmp_path: Path) -> None:
    agent = rig.agent()
    tree = Path(agent.worktree)
    tip = repos.commit(tree, "Work", {"w": "1"})
    repos.write(tree, {"s": "staged\n"})
    repos.git(tree, "add", "s")
    tree.rename(tmp_path / "moved")
    lines = rig.report(agent).lines()
    assert lines[1:] == ["its directory is gone already", "staged: s", f"unpushed: {tip[:7]} Work"]
    gone = await rig.put(agent)
    assert len(repos.git(repo, "worktree", "list").splitlines()) == 1
    assert repos.git(repo, "branch", "--list", "deck/*") == ""
    assert repos.show(repo, f"refs/deck/trash/{gone.id}/snapshot", "s") == b"staged\n"
    assert rig.agent().branch == "deck/al/1"
    again = rig.agents()["al"]
    await rig.put(again)
    await rig.back(gone.id)
    assert repos.git(repo, "rev-parse", "deck/al/1") == tip
    assert b"staged\n" in repos.held(repo)
    assert repos.git(repo, "for-each-ref", "--format=%(refname)", "refs/deck/kept") == "refs/deck/kept/al/1"


@pytest.mark.parametrize("obstacle", ["locked", "no .git", "other tree inside", "index.lock", "not ours"])
async def test_what_cannot_be_moved_or_looked_at_is_refused(
    rig: Rig, repo: Path, tmp_path: Path, obstacle: str
) -> None:
    agent = rig.agent()
    tree = Path(agent.worktree)
    fill(tree)
    words = {
        "locked": ("is locked", lambda: repos.git(repo, "worktree", "lock", str(tree))),
        "no .git": ("not", (tree / ".git").unlink),
        "other tree inside": (
            "another working tree is inside",
            lambda: repos.git(repo, "worktree", "add", "-q", "-b", "x", str(tree / "x")),
        ),
        "index.lock": (
            "another git command holds",
            lambda: Path(repos.git(tree, "rev-parse", "--path-format=absolute", "--git-path", "index.lock")).touch(),
        ),
        "not ours": ("not a worktree that agentdeck made", lambda: None),
    }
    said, make = words[obstacle]
    make()
    if obstacle == "not ours":
        mine = tmp_path / "mine"
        repos.git(repo, "worktree", "add", "-q", "-b", "mine", str(mine))
        agent = rig.agent("bo", worktree=str(mine))
    report = rig.report(agent)
    assert said in report.refusal, report
    assert report.hint


async def test_an_error_in_the_midst_puts_everything_back(rig: Rig, repo: Path) -> None:
    agent = rig.agent()
    tree = Path(agent.worktree)
    fill(tree)
    before, names = picture(tree), refs(repo)
    report = rig.report(agent)
    repos.git(repo, "worktree", "lock", str(tree))  # between the look and the move
    with pytest.raises(AgentDeckError, match="locked"):
        await rig.trash.put(report)
    repos.git(repo, "worktree", "unlock", str(tree))
    assert picture(tree) == before and refs(repo) == names
    assert list(rig.agents()) == ["al"] and rig.held() == []


async def test_many_at_once(rig: Rig, repo: Path) -> None:
    agents = [rig.agent(f"al{n}") for n in range(6)]
    for agent in agents:
        repos.commit(Path(agent.worktree), "Work", {"w": agent.name})
    repos.git(repo, "pack-refs", "--all")  # then each deletion of a ref takes the one lock
    names = refs(repo)
    gone = await asyncio.gather(*(rig.trash.take(agent) for agent in agents))
    assert rig.agents() == {} and len(rig.held()) == 6
    await asyncio.gather(*(rig.back(entry.id) for entry in gone))
    assert sorted(rig.agents()) == sorted(agent.name for agent in agents)
    assert refs(repo) == names


async def test_what_was_not_shown_does_not_go(rig: Rig) -> None:
    agent = rig.agent()
    tree = Path(agent.worktree)
    shown = rig.report(agent).digest
    repos.write(tree, {"x.log": "made since"})
    before = picture(tree)
    with pytest.raises(AgentDeckError) as error:
        await rig.trash.take(agent, shown)
    assert error.value.exit_code == 3 and "ignored: x.log  5 kB" in error.value.hint.splitlines()
    assert picture(tree) == before and rig.steps == []
    await rig.trash.take(agent, rig.report(agent).digest)


# The way out


async def test_an_emptied_entry_keeps_its_commits_until_its_time_is_over(rig: Rig, repo: Path) -> None:
    agent = rig.agent()
    tree = Path(agent.worktree)
    fill(tree)
    (tree / "build/sub").chmod(0o555)
    gone = await rig.put(agent)
    [emptied] = await rig.trash.empty([gone.id])
    assert not Path(gone.place).exists()
    assert len(repos.git(repo, "worktree", "list").splitlines()) == 1
    assert repos.show(repo, f"refs/deck/trash/{gone.id}/snapshot", "work.txt") == b"changed\n"
    with pytest.raises(AgentDeckError, match="were deleted from the trash") as error:
        await rig.back("al")
    assert f"branch NAME {gone.snapshot}" in error.value.hint
    limits = Limits(days=3)
    await rig.trash.sweep(limits, emptied.removed + 2 * DAY_MS)
    assert [entry.state for entry in rig.held()] == ["emptied"]
    await rig.trash.sweep(limits, emptied.removed + 3 * DAY_MS)
    assert rig.held() == [] and "refs/deck" not in refs(repo)
    [told] = rig.events("dropped")
    assert "Work" in told


async def test_deleting_many_files_keeps_nobody_waiting_and_can_be_cut_short(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, other = rig.agent(), rig.agent("bo")
    fill(Path(agent.worktree))
    gone = await rig.put(agent)
    begun, real = threading.Event(), trash_purge._delete

    def slow(tree: Path, stop: threading.Event) -> bool:
        begun.set()
        assert stop.wait(10)
        return real(tree, stop)

    with monkeypatch.context() as patched:
        patched.setattr(trash_purge, "_delete", slow)
        work = asyncio.create_task(rig.trash.empty([gone.id]))
        await asyncio.to_thread(begun.wait, 10)
        await rig.back((await rig.trash.take(other)).id)
        with pytest.raises(AgentDeckError, match="are being deleted"):
            await rig.trash.empty([gone.id])
        work.cancel()  # the engine ends
        with pytest.raises(asyncio.CancelledError):
            await work
    assert [entry.state for entry in rig.held()] == ["emptying"] and (Path(gone.place) / "work.txt").exists()
    with pytest.raises(AgentDeckError, match="were deleted"):
        await rig.back(gone.id)
    await rig.trash.sweep(Limits())
    assert [entry.state for entry in rig.held()] == ["emptied"] and not Path(gone.place).exists()


async def test_only_what_lies_in_the_trash_is_deleted(rig: Rig, repo: Path, tmp_path: Path) -> None:
    agent = rig.agent()
    fill(Path(agent.worktree))
    gone = await rig.put(agent)
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "kept").write_text("kept")
    real = Path(gone.place)
    for place in (victim, paths.trash_dir(), real / "..", real / "dir", repo, paths.trash_dir() / "other"):
        rig.writer.run_sync(lambda conn, p=place: conn.execute("UPDATE trash SET place = ?", (str(p),)))
        with pytest.raises(AgentDeckError, match="is not in the trash"):
            await rig.trash.empty([gone.id])
        rig.writer.run_sync(lambda conn: conn.execute("UPDATE trash SET state = 'trashed'"))
        assert not place.exists() or place.is_dir()
    link = paths.trash_dir() / "al-0123abcd"
    link.symlink_to(victim)
    rig.writer.run_sync(lambda conn: conn.execute("UPDATE trash SET place = ?", (str(link),)))
    with pytest.raises(AgentDeckError, match="is not in the trash"):
        await rig.trash.empty([gone.id])
    assert (victim / "kept").read_text() == "kept" and (real / "work.txt").exists() and (repo / "a.txt").exists()
    rig.writer.run_sync(lambda conn: conn.execute("UPDATE trash SET state = 'trashed', place = ?", (str(real),)))
    (real / "out").symlink_to(victim)
    await rig.trash.empty([gone.id])
    assert (victim / "kept").read_text() == "kept", "a link is deleted, never what it leads to"
    os.unlink(link)
