"""The deck's own files: settings, database, engine, sockets, locks."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from agentdeck import config, paths
from agentdeck.adapters import git, tmux
from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError
from agentdeck.harnesses import loader
from agentdeck.models.clock import age, now_ms
from agentdeck.services import rows
from agentdeck.services.asking import policy
from agentdeck.services.doctor.finding import Finding
from agentdeck.services.fleet import STALE_MS, engine_note

OLD_LOCK_SECONDS = 600.0


def settings() -> Iterator[Finding]:
    file = paths.config_file()
    config.load()
    yield Finding("config", "ok", str(file) if file.exists() else f"no {file}: the defaults are in force")
    try:
        policy.load(paths.policy_file())
    except AgentDeckError as error:
        yield Finding("config", "bad", error.title, error.hint)
    for own in sorted(paths.user_harnesses_dir().glob("**/*.toml")):
        try:
            loader.load_file(own)
        except AgentDeckError as error:
            yield Finding("config", "bad", error.title, error.hint)


def database() -> Iterator[Finding]:
    file = paths.database_file()
    conn = store.read(file)
    if conn is None:
        yield Finding("database", "ok", f"none yet; it will be {file}")
        return
    with closing(conn):
        try:
            said = [str(row[0]) for row in conn.execute("PRAGMA quick_check(3)")]
        except sqlite3.DatabaseError as error:
            said = [str(error)]
        if said == ["ok"]:
            yield Finding("database", "ok", f"{file}, {file.stat().st_size / 1e6:.1f} MB, whole")
        else:
            step = f"agentdeck halt, move {file} away, then `agentdeck adopt` finds agents and worktrees again"
            yield Finding("database", "bad", f"{file} is damaged: {'; '.join(said)}", step)


def engine() -> Iterator[Finding]:
    conn = store.read(paths.database_file())
    if conn is None:
        return
    with closing(conn):
        note, live = engine_note(conn, now_ms()), [a for a in rows.agents(conn) if a.life == "live"]
    if note.alive:
        yield Finding("engine", "ok", f"runs as process {note.pid}; it beat {age(note.age_ms)} ago")
    elif note.pid and note.age_ms < STALE_MS * 6:
        yield Finding("engine", "warn", f"process {note.pid} has gone silent", "Open a dashboard: it starts another.")
    elif live:
        text = f"does not run, so nobody watches {len(live)} agents"
        yield Finding("engine", "warn", text, "agentdeck (the dashboard starts it)")
    else:
        yield Finding("engine", "ok", "does not run: nothing needs it now")


def sockets() -> Iterator[Finding]:
    place, socket = paths.runtime_dir(), paths.tmux_socket()
    if not place.exists():
        yield Finding("socket", "ok", f"none yet; it will be {socket}")
        return
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        yield Finding("socket", "bad", f"{place} is not a directory of yours", f"Remove it: rm -r {place}")
    elif found.st_mode & 0o077:
        yield Finding("socket", "warn", f"others may enter {place}", f"chmod 700 {place}")
    elif not socket.exists():
        yield Finding("socket", "ok", f"no tmux server runs at {socket}")
    elif tmux.server_alive(socket):
        yield Finding("socket", "ok", f"our tmux server answers at {socket}")
    else:
        yield Finding("socket", "note", f"{socket} is left over: no server answers", "Nothing: the next start uses it.")


def locks() -> Iterator[Finding]:
    """Locks of git that nobody seems to hold any more: no agent of that worktree can commit."""
    conn = store.read(paths.database_file())
    if conn is None:
        return
    with closing(conn):
        trees = {agent.worktree for agent in rows.agents(conn)}
    for tree in sorted(tree for tree in trees if Path(tree).is_dir()):
        try:
            lock = git.git_path(Path(tree), "index.lock")
            old = time.time() - lock.stat().st_mtime
        except (OSError, AgentDeckError):
            continue
        if old > OLD_LOCK_SECONDS:
            text = f"{lock} is {age(int(old * 1000))} old and keeps git from working in {tree}"
            yield Finding("locks", "warn", text, f"When no git runs there: rm {lock}")
