"""Agents outlive their rows: a database that is lost or old takes nothing, and everything comes back by adopt."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agentdeck import paths
from agentdeck.adapters import git_links, tmux
from agentdeck.adapters.database import store
from agentdeck.adapters.tmux.process import run as tmux_run
from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.models.agent import Agent
from agentdeck.services import records, rows
from agentdeck.services.lives import adoption
from agentdeck.services.trees import trees, worktrees
from tests import repos
from tests.deck import Deck, running
from tests.trash_rig import Rig
from tests.waiting import wait_for


@pytest.fixture
def deck(git_repo: Path) -> Iterator[Deck]:
    deck = Deck(git_repo)
    yield deck
    deck.end()


def test_a_database_that_is_moved_away_while_agents_run(deck: Deck, tmp_path: Path) -> None:
    for name in ("anna", "bert"):
        deck.new(name, "shell", "--team", "blue", "--", "cat")
    deck.ok("stop", "bert")
    deck.ok("rename", "bert", "bart")
    before = deck.rows()
    repos.write(Path(before["bart"]["worktree"]), {"notes.txt": b"never lose me\n"})
    tree = Path(before["bart"]["worktree"])
    deck.until(lambda: (copy := records.of_tree(tree)) and copy.name == "bart", "the copy of its row")
    engine = int(deck.engine()["pid"])
    away = tmp_path / "away.db"
    paths.database_file().rename(away)
    wait_for(lambda: not running(engine), what="the old engine to notice")
    with closing(sqlite3.connect(away)) as conn:
        assert {row[0] for row in conn.execute("SELECT name FROM agents")} == {"anna", "bart"}, "with all of its log"

    assert deck.rows() == {}
    found = {one["name"]: one for one in deck.ok("adopt", "--json").json}
    assert {name: (one["what"], one["id"]) for name, one in found.items()} == {
        "anna": ("pane", before["anna"]["id"]), "bart": ("worktree", before["bart"]["id"]),
    }  # fmt: skip
    assert not paths.database_file().exists(), "looking makes nothing"
    refused = deck.run("adopt", "--yes", "nobody")
    assert (refused.code, "nothing to adopt is called 'nobody'" in refused.err) == (2, True), refused
    deck.ok("adopt", "--yes")
    deck.is_("anna", "idle", "working")
    after = deck.rows()
    kept = ("id", "name", "team", "harness", "repo", "worktree", "branch", "pane_id", "pid")
    assert {key: after["anna"][key] for key in kept} == {key: before["anna"][key] for key in kept}
    assert {key: after["bart"][key] for key in kept[:7]} == {key: before["bart"][key] for key in kept[:7]}
    assert after["bart"]["status"]["state"] == "exited"
    assert Path(before["bart"]["worktree"], "notes.txt").read_bytes() == b"never lose me\n"
    assert deck.ok("adopt", "--json").json == []
    deck.ok("resume", "bart")
    assert deck.panes() == sorted(row["id"] for row in after.values())


def test_an_engine_takes_up_what_another_started_and_did_not_write_down(deck: Deck) -> None:
    made = deck.new("anna", "shell", "--", "cat")
    deck.kill_engine()
    deck.write("UPDATE agents SET life = 'stopped', pane = '%77', pid = 0")
    deck.write("UPDATE status SET state = 'exited'")
    assert deck.ok("adopt", "--json").json[0]["why"].endswith("its row says stopped")
    deck.ok("wait", "anna", "--status", "idle,working", "--timeout", "15")
    row = deck.row("anna")
    assert (row["pane_id"], row["pid"] != 0) == (made["pane_id"], True)


# -- by itself, without an engine


class Place:
    """A repository, a database and worktrees, without a tmux server."""

    def __init__(self, repo: Path) -> None:
        self.repo = repo
        self.socket = paths.tmux_socket()
        self.writer = store.Writer(paths.database_file())

    def agent(self, name: str, *, row: bool = True, record: bool = True) -> Agent:
        made, key = worktrees.create(self.repo, name), name.encode().hex().zfill(8)
        agent = Agent(
            key, name, "shell", made.repo, made.worktree, made.branch, "main", made.base_oid, "stopped",
            team="blue", argv=("cat",), created=5,
        )  # fmt: skip
        if row:
            self.writer.run_sync(lambda conn: rows.insert(conn, "agents", rows.agent_columns(agent)))
        if record:
            records.Records().sync([agent])
        return agent

    def find(self) -> list[adoption.Found]:
        return adoption.find_in(paths.database_file(), self.socket)

    def adopt(self) -> list[Agent]:
        return [adoption.adopt(self.writer, self.socket, one) for one in self.find()]


@pytest.fixture
def place(git_repo: Path) -> Iterator[Place]:
    place = Place(git_repo)
    place.writer.run_sync(lambda conn: None)
    yield place
    place.writer.close()


def test_owned_trees_and_births_are_nobodys_to_adopt(place: Place) -> None:
    place.agent("al")
    birth = replace(place.agent("bo", row=False), worktree="", life="creating")
    place.writer.run_sync(lambda conn: rows.insert(conn, "agents", rows.agent_columns(birth)))
    assert place.find() == []


def test_a_tree_whose_row_was_removed_half_way(place: Place) -> None:
    agent = place.agent("al")
    place.writer.run_sync(lambda conn: rows.update(conn, "agents", "id", agent.id, life="removed"))
    assert [(one.what, one.why) for one in place.find()] == [("worktree", "no row has it")]
    [back] = place.adopt()
    assert (back.id, back.name, back.team, back.life) == (agent.id, "al", "blue", "stopped")
    assert place.find() == []


def test_without_a_copy_the_name_is_that_of_the_path(place: Place) -> None:
    made = place.agent("al", row=False, record=False)
    other = place.agent("ed")
    place.writer.run_sync(lambda conn: rows.update(conn, "agents", "id", other.id, name="al"))
    session = Path(
        os.environ["HOME"], ".claude/projects", made.worktree.replace("/", "-").replace(".", "-").replace("_", "-")
    )
    repos.write(session, {"11111111-0000.jsonl": "{}\n"})
    [back] = place.adopt()
    assert (back.name, back.branch, back.repo, back.base_oid) == ("al-2", "deck/al/1", str(place.repo), made.base_oid)
    assert (back.harness, back.session) == ("claude", "11111111-0000")
    assert place.writer.run_sync(lambda conn: conn.execute("SELECT state FROM status").fetchone()[0]) == "exited"


def test_a_copy_that_makes_no_sense_is_no_copy(place: Place) -> None:
    agent = place.agent("al", row=False)
    admin = git_links.read(Path(agent.worktree))[1]
    assert admin is not None
    for text in ("", "[]", '{"id": 3}', json.dumps({**rows.agent_columns(agent), "name": "../x"})):
        (admin / records.FILE).write_text(text)
        assert records.of_tree(Path(agent.worktree)) is None
    assert [one.agent.name for one in place.find()] == ["al"]


@pytest.mark.parametrize("row", [True, False])
def test_a_tree_that_git_has_forgotten_is_linked_again_with_every_file(place: Place, row: bool, tmp_path: Path) -> None:
    agent = place.agent("al", row=row)
    paths.make_private(paths.agent_dir(agent.id))
    records.Records().sync([agent])
    tree = Path(agent.worktree)
    repos.commit(tree, "Work", {"work.txt": "work\n"})
    repos.write(tree, {"work.txt": "changed\n", "new.txt": "new\n", ".gitignore": "*.log\n", "a.log": "log\n"})
    before = files(tree)
    tree.rename(tmp_path / "unmounted")
    repos.git(place.repo, "worktree", "prune")
    (tmp_path / "unmounted").rename(tree)
    [one] = place.find()
    assert (one.what, one.problem) == ("link" if row else "worktree", "")
    place.adopt()
    assert repos.git(tree, "branch", "--show-current") == "deck/al/1"
    assert repos.status(tree).splitlines() == [" M work.txt", "?? .gitignore", "?? new.txt"]
    assert files(tree) == before
    assert sorted(path.name for path in tree.parent.iterdir()) == ["al"]
    assert trees.look([agent])[agent.id].admin is not None
    assert place.find() == []
    trees.require(agent)


def test_a_link_made_half_way_is_made_whole(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = place.agent("al")
    tree = Path(agent.worktree)
    shutil.rmtree(place.repo / ".git" / "worktrees")
    for point in ("replace", "rmdir"):
        with monkeypatch.context() as patch:
            patch.setattr(
                "agentdeck.adapters.git_links.os.replace" if point == "replace" else "pathlib.Path.rmdir", boom
            )
            with pytest.raises(RuntimeError):
                git_links.relink(place.repo, tree, "deck/al/1", "")
    git_links.relink(place.repo, tree, "deck/al/1", "")
    assert repos.status(tree) == ""
    assert len(repos.git(place.repo, "worktree", "list").splitlines()) == 2
    assert sorted(path.name for path in tree.parent.iterdir()) == ["al"]


def boom(*_: object) -> None:
    raise RuntimeError


def test_a_directory_of_which_nothing_is_known_is_told_and_left(place: Place) -> None:
    place.agent("al")
    junk = paths.worktrees_dir() / "other-12345678" / "junk"
    repos.write(junk, {"file.txt": "mine\n"})
    [one] = place.find()
    assert "which repository" in one.problem
    with pytest.raises(AgentDeckError, match="cannot be adopted"):
        adoption.adopt(place.writer, place.socket, one)
    assert (junk / "file.txt").read_text() == "mine\n"
    with pytest.raises(UsageError, match="nothing to adopt"):
        adoption.choose(place.find(), ["nobody"])
    assert adoption.choose(place.find(), [str(junk)]) == place.find()


def test_a_tree_without_its_link_is_known_by_the_directory_around_it(place: Place) -> None:
    place.agent("bo")
    lost = place.agent("al", row=False, record=False)
    (Path(lost.worktree) / ".git").unlink()
    [back] = place.adopt()
    assert (back.name, back.repo) == ("al", str(place.repo))
    assert repos.git(Path(lost.worktree), "status", "--porcelain") == ""


@pytest.mark.parametrize("copied", [True, False])
async def test_what_is_in_the_trash_can_be_undone_without_the_database(git_repo: Path, copied: bool) -> None:
    rig = Rig(git_repo)
    agent = rig.agent()
    tree = Path(agent.worktree)
    if copied:
        records.Records().sync([agent])
    repos.commit(tree, "Work", {"work.txt": "work\n", ".gitignore": "*.log\n"})
    repos.write(tree, {"work.txt": "changed\n", "new.txt": "new\n", "a.log": "log\n"})
    before, status = files(tree), repos.status(tree)
    place = (await rig.put(agent)).place
    rig.close()
    for file in paths.data_dir().glob("deck.db*"):
        file.unlink()

    rig = Rig(git_repo)
    rig.writer.run_sync(lambda conn: None)
    [one] = adoption.find_in(paths.database_file(), paths.tmux_socket())
    assert (one.what, one.agent.name, one.problem, one.place) == ("trash", "al", "", place)
    adoption.adopt(rig.writer, paths.tmux_socket(), one)
    assert (rig.agents(), adoption.find_in(paths.database_file(), paths.tmux_socket())) == ({}, [])
    back = await rig.back("al")
    assert (back.worktree, back.branch, back.notes) == (str(tree), "deck/al/1", ())
    assert (files(tree), repos.status(tree)) == (before, status)
    if copied:
        found = rig.agents()["al"]
        assert (found.id, found.team, found.base_oid) == (agent.id, "red", agent.base_oid)
    rig.close()


def files(tree: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in tree.iterdir() if path.name != ".git"}


# -- panes


def test_a_pane_that_was_never_marked_is_known_by_its_session(tmp_path: Path) -> None:
    socket = tmp_path / "run" / "tmux"
    tmux.ensure_server(socket, tmp_path / "tmux.conf")
    pane, window, pid = tmux.spawn_agent(
        socket, deck_id="0a1b2c3d", directory=tmp_path, argv=["tail", "-f", "/dev/null"]
    )
    tmux_run(socket, "set-option", "-p", "-u", "-t", pane, "@deck_id")
    tmux_run(socket, "unlink-window", "-t", f"=deck-hub:{window}")
    assert tmux.panes_now(socket) == {}
    [found] = tmux.survivors(socket)
    assert (found.id, found.deck_id, found.pid, found.directory) == (pane, "0a1b2c3d", pid, str(tmp_path))
    assert not found.marked
    tmux.mark_again(socket, found)
    assert tmux.panes_now(socket)[pane].deck_id == "0a1b2c3d"
    assert tmux.survivors(socket) == [replace(found, marked=True)]
    tmux.kill_window(socket, window)
    assert tmux.survivors(socket) == []
