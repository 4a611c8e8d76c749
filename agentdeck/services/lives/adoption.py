"""Agents that survived their row: panes that live, worktrees on disk, of which the database knows nothing (any more).

`find` looks (blocking; it changes nothing), `adopt` makes rows again. Nothing is removed by either.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import git, git_links, processes, tmux
from agentdeck.adapters.database import store
from agentdeck.adapters.database.store import Writer
from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.models.agent import NAME, Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.found import Found
from agentdeck.models.pane import Survivor
from agentdeck.models.status import Status
from agentdeck.models.tree import TreeState
from agentdeck.services import records, rows
from agentdeck.services.lives import adoption_trash, launch
from agentdeck.services.trash.trash_rows import free_name
from agentdeck.services.trees import warm, worktrees

# -- finding


def find(conn: sqlite3.Connection | None, socket: Path) -> list[Found]:
    """Everything that survived. Asks tmux once, git only about trees that nobody owns."""
    known = {} if conn is None else {row["id"]: rows.agent(row) for row in conn.execute("SELECT * FROM agents")}
    panes = _panes(socket)
    found = list(_of_panes(known, panes))
    owned = [agent for agent in known.values() if agent.life != "removed"] + [one.agent for one in found]
    states = {} if conn is None else {row["agent"]: rows.tree(row) for row in conn.execute("SELECT * FROM trees")}
    ready = set() if conn is None else {one.worktree for one in warm.pool(conn)}
    lone = [one for one in _of_trees(owned, known.values(), panes, states) if one.agent.worktree not in ready]
    return found + lone + list(adoption_trash.find(conn, known))


def find_in(database: Path, socket: Path) -> list[Found]:
    """The same by the database file, which need not be there."""
    conn = store.read(database)
    if conn is None:
        return find(None, socket)
    with contextlib.closing(conn):
        return find(conn, socket)


def _panes(socket: Path) -> list[Survivor]:
    try:
        return tmux.survivors(socket)
    except tmux.TmuxError:
        return []


def _of_panes(known: Mapping[str, Agent], panes: Sequence[Survivor]) -> Iterator[Found]:
    """Panes whose programs live, and whose rows are gone or say something else."""
    living = [pane for pane in panes if not pane.dead and _lives(pane)]
    places = {(pane.deck_id, pane.id) for pane in living}
    for pane in living:
        row = known.get(pane.deck_id)
        if row is not None and (row.life == "creating" or (row.life == "live" and (row.id, row.pane) in places)):
            continue
        if row is not None:
            told = {"live": f"its row names another pane, {row.pane}"}.get(row.life, f"its row says {row.life}")
            yield Found("pane", _in_pane(row, pane), f"it runs in {pane.id}, but {told}", pane)
            continue
        agent, problem = _of_nobody(Path(pane.directory), pane.deck_id)
        yield Found("pane", _in_pane(agent, pane), f"it runs in {pane.id}, and no row has it", pane, problem)


def _lives(pane: Survivor) -> bool:
    """tmux may not have heard yet that its program has ended."""
    process = processes.identify(pane.pid)
    return process is not None and processes.alive(process)


def _in_pane(agent: Agent, pane: Survivor) -> Agent:
    process = processes.identify(pane.pid)
    return replace(
        agent, life="live", pane=pane.id, window=pane.window, pid=pane.pid, pid_start=process.start if process else 0.0,
        ended=0, exit_code=None,
    )  # fmt: skip


def _of_trees(
    owned: Sequence[Agent], known: Iterable[Agent], panes: Sequence[Survivor], states: Mapping[str, TreeState]
) -> Iterator[Found]:
    """Directories where our worktrees lie: those that nobody owns, and those that git has forgotten."""
    owners = {os.path.realpath(agent.worktree): agent for agent in owned if agent.worktree}
    births = {agent.name for agent in owned if agent.life == "creating"}
    for tree in sorted(glob.glob(f"{glob.escape(str(paths.worktrees_dir()))}/*/*")):
        owner = owners.get(os.path.realpath(tree))
        if owner is None and os.path.isdir(tree) and os.path.basename(tree) not in births:
            yield _lone_tree(Path(tree), known, panes)
        elif owner is not None and git_links.read(Path(tree)) == ("file", None) and os.path.isdir(owner.repo):
            last = states.get(owner.id, TreeState())
            owner = replace(owner, branch=last.branch) if last.head else owner
            yield Found("link", owner, "git has forgotten its worktree", head=last.head)


def _lone_tree(tree: Path, known: Iterable[Agent], panes: Sequence[Survivor]) -> Found:
    agent, problem = _of_nobody(tree, "", known)
    last = next((pane for pane in panes if pane.deck_id == agent.id), None)  # dead: it shows the last screen
    agent = replace(agent, life="stopped", pane=last.id if last else "", window=last.window if last else "", pid=0)
    return Found("worktree", replace(agent, ended=agent.ended or _changed(tree)), "no row has it", None, problem)


def _of_nobody(tree: Path, deck_id: str, known: Iterable[Agent] = ()) -> tuple[Agent, str]:
    """The row for a directory that nobody owns, from the copy of the old one, else from what can be seen."""
    copy = records.of_pane(deck_id) if deck_id else None
    copy = copy or records.of_tree(tree)
    repo = _repository(tree, known) or (copy.repo if copy and git.is_repository(copy.repo) else "")
    if not repo:
        problem = "its .git does not say which repository it belongs to"
        seen = replace(copy, worktree=str(tree)) if copy else _guess(tree, deck_id, "", git.Head("", ""))
        return seen, "" if copy and copy.here else problem
    try:
        head = git.head(tree) if git_links.read(tree)[1] else git.Head("", "")
    except AgentDeckError:
        head = git.Head("", "")
    if copy is not None:
        return replace(copy, repo=repo, worktree=str(tree), branch=copy.branch or head.branch), ""
    return _guess(tree, deck_id, repo, head), ""


def _repository(tree: Path, known: Iterable[Agent]) -> str:
    """The repository of a tree: by its link, else by the name that we gave to the directory around it."""
    root = git_links.repository_of(tree)
    if root is None and git_links.read(tree)[0] == "directory":
        with contextlib.suppress(AgentDeckError):
            root = git.find(tree).root
    if root is not None:
        return str(root)
    for repo in {agent.repo for agent in known}:
        with contextlib.suppress(AgentDeckError):
            if worktrees.place(git.find(repo), "x").parent == tree.parent:
                return repo
    return ""


def _guess(tree: Path, deck_id: str, repo: str, head: git.Head) -> Agent:
    """A row without any record: name from the path, branch from git, session from the transcripts of that place."""
    home = os.environ.get("HOME", str(Path.home()))
    here = paths.worktrees_dir().resolve() not in tree.resolve().parents
    name = tree.name if NAME.match(tree.name) else "found"
    agent = Agent(
        deck_id or _id_of(tree), name, "shell", repo, str(tree), head.branch, "", "", "stopped", here=here,
        argv=(os.environ.get("SHELL") or "/bin/sh",), created=_changed(tree), home=home,
    )  # fmt: skip
    if repo and head.oid:
        with contextlib.suppress(AgentDeckError):
            main = git.head(repo).oid
            agent = replace(agent, base_oid=git.merge_base(tree, head.oid, main) if main else "")
    return _with_session(agent)


def _id_of(tree: Path) -> str:
    """The same whenever it is looked at: what was listed under an id is adopted by it."""
    return hashlib.sha256(os.fsencode(tree.resolve())).hexdigest()[:8]


def _changed(tree: Path) -> int:
    try:
        return int(tree.stat().st_mtime * 1000)
    except OSError:
        return 0


def _with_session(agent: Agent) -> Agent:
    """With the harness and the newest session that a client's own files name for this directory."""
    from agentdeck.harnesses import loader  # 10 MB, and a dashboard that finds nobody needs none of it

    newest = (0.0, agent)
    for harness in loader.load_all(strict=False).values():
        if "{slug}" not in harness.transcript.path or "{session}" not in harness.transcript.path:
            continue
        own = replace(agent, harness=harness.name, argv=(), config_home=launch.config_home(harness, os.environ))
        values = {key: glob.escape(value) for key, value in launch.values(own).items()} | {"session": "*"}
        for file in glob.glob(launch.fill([harness.transcript.path], values)[0]):
            newest = max(
                newest, (os.path.getmtime(file), replace(own, session=Path(file).stem)), key=lambda one: one[0]
            )
    return newest[1]


def _is(one: Found, wanted: str) -> bool:
    return wanted in (one.agent.id, one.agent.name) or os.path.realpath(one.place) == os.path.realpath(wanted)


# -- adopting


def choose(found: Sequence[Found], wanted: Collection[str]) -> list[Found]:
    """Those that were named by id, name or path, or all of them; a UsageError for a name that none has."""
    for name in wanted:
        if not any(_is(one, name) for one in found):
            raise UsageError(f"nothing to adopt is called '{name}'", "`agentdeck adopt` lists what there is.")
    return [one for one in found if not wanted or any(_is(one, name) for name in wanted)]


def adopt(writer: Writer, socket: Path, one: Found) -> Agent:
    """Make the row again; returns it. Blocks; can be repeated after a crash."""
    agent = one.agent
    if one.problem:
        raise AgentDeckError(f"{one.place} cannot be adopted: {one.problem}", "Its files are all there.")
    if one.entry is not None:
        return adoption_trash.enter(writer, agent, one.entry)
    tree = Path(agent.worktree)
    if not agent.here and tree.is_dir() and git_links.read(tree)[1] is None:
        git_links.relink(Path(agent.repo), tree, agent.branch, one.head or agent.base_oid)
    if one.what == "link":
        return agent
    if one.pane is not None and not one.pane.marked:
        tmux.mark_again(socket, one.pane, agent.cols, agent.rows)
    return writer.run_sync(lambda conn: _row_again(conn, one))


def _row_again(conn: sqlite3.Connection, one: Found) -> Agent:
    agent = one.agent
    names = {row[0] for row in conn.execute("SELECT name FROM agents WHERE life != 'removed' AND id != ?", (agent.id,))}
    agent = replace(agent, name=free_name(names, agent.name))
    conn.execute("DELETE FROM agents WHERE id = ?", (agent.id,))
    rows.insert(conn, "agents", rows.agent_columns(agent))
    if agent.session:
        conn.execute(
            "INSERT OR IGNORE INTO agent_sessions (agent, vendor_session, started) VALUES (?, ?, ?)",
            (agent.id, agent.session, agent.created),
        )
    for table in ("evidence", "status"):
        conn.execute(f"DELETE FROM {table} WHERE agent = ?", (agent.id,))
    if agent.life == "stopped":
        status = Status("exited", "tmux", agent.ended, "adopted: nothing of it runs", checked=now_ms())
        rows.insert(conn, "status", {"agent": agent.id, **rows.status_columns(status), "epoch": 0})
    rows.event(conn, now_ms(), "agent", agent.id, action="adopt", name=agent.name, worktree=agent.worktree, why=one.why)
    return agent


def take_up(writer: Writer, socket: Path) -> list[Agent]:
    """At an engine's start: known agents that run although their rows say otherwise, for an engine was killed
    between starting one and writing it down, or the rows are those of an old copy."""
    known = writer.run_sync(lambda conn: {row["id"]: rows.agent(row) for row in conn.execute("SELECT * FROM agents")})
    present = {key: agent for key, agent in known.items() if agent.life in ("live", "stopped")}
    strays = [one for one in _of_panes(known, _panes(socket)) if one.agent.id in present]
    taken = [adopt(writer, socket, one) for one in strays]
    ended = {key for key, agent in present.items() if agent.life == "stopped"} - {agent.id for agent in taken}
    lingering = {key: pid for pid, key in processes.marked(launch.AGENT_ID).items() if key in ended}
    if lingering:
        writer.run_sync(lambda conn: _tell(conn, lingering))
    return taken


def _tell(conn: sqlite3.Connection, lingering: Mapping[str, int]) -> None:
    """Say of agents that ended which process of them goes on all the same."""
    for key, pid in lingering.items():
        why = f"it has no screen, but process {pid} lives on: stop ends it"
        conn.execute("UPDATE status SET why = ? WHERE agent = ? AND state = 'exited'", (why, key))
