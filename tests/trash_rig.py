"""An agent's tree with every kind of file in it, a trash, and a picture of both to compare."""

from __future__ import annotations

import os
import secrets
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentdeck import paths
from agentdeck.adapters.database.store import Writer
from agentdeck.models.agent import Agent
from agentdeck.models.clock import now_ms
from agentdeck.models.trash import TrashEntry
from agentdeck.services import rows
from agentdeck.services.trash import trash_rows
from agentdeck.services.trash.trash import Returned, Trash
from agentdeck.services.trees import loss_report, worktrees
from tests import repos


class Killed(BaseException):
    """Stands for `kill -9`: no handler of ours may catch it."""


class Rig:
    """One repository and its deck, without an engine: the trash is driven step by step."""

    def __init__(self, repo: Path) -> None:
        self.repo = repo
        self.writer = Writer(paths.database_file())
        self.steps: list[str] = []
        self.fatal = ""
        self.closed = False
        self.trash = Trash(self.writer, self._checkpoint)

    def _checkpoint(self, step: str) -> None:
        self.steps.append(step)
        if step == self.fatal:
            raise Killed(step)

    def agent(self, name: str = "al", **more: Any) -> Agent:
        """A stopped agent with a tree of its own."""
        made = worktrees.create(self.repo, name)
        noun = Agent(
            secrets.token_hex(4), name, "shell", str(self.repo), made.worktree, made.branch, "", made.base_oid,
            "stopped", team="red", created=now_ms(), ended=now_ms(),
        )  # fmt: skip
        noun = replace(noun, **more)
        self.writer.run_sync(lambda conn: rows.insert(conn, "agents", rows.agent_columns(noun)))
        return noun

    def report(self, agent: Agent) -> loss_report.Report:
        return loss_report.look(agent)

    async def put(self, agent: Agent) -> TrashEntry:
        return await self.trash.put(self.report(agent))

    async def back(self, wanted: str = "", name: str = "") -> Returned:
        return await self.trash.back(wanted, name)

    async def restart(self) -> None:
        """What a new engine does first."""
        self.fatal = ""
        self.trash = Trash(self.writer, self._checkpoint)
        await self.trash.recover()

    def agents(self) -> dict[str, Agent]:
        return {agent.name: agent for agent in self.writer.run_sync(rows.agents)}

    def held(self) -> list[TrashEntry]:
        return self.writer.run_sync(trash_rows.held)

    def events(self, action: str) -> list[str]:
        found = self.writer.run_sync(lambda conn: conn.execute("SELECT data FROM events ORDER BY id").fetchall())
        return [row[0] for row in found if f'"action": "{action}"' in row[0]]

    def close(self) -> None:
        """May be said twice."""
        if not self.closed:
            self.writer.close()
        self.closed = True


def fill(tree: Path) -> None:
    """Everything an agent can leave: staged, changed, both, deleted, new, ignored, links, modes, odd names."""
    repos.commit(tree, "Work", {"work.txt": "work\n", "gone.txt": "g\n", "both.txt": "1\n", "run.sh": "#!/bin/sh\n"})
    repos.write(tree, {"both.txt": "2\n", "staged.txt": "staged\n"})
    repos.git(tree, "add", "both.txt", "staged.txt")
    repos.write(tree, {"both.txt": "3\n", "work.txt": "changed\n", "new ünï": "new\n", "dir/deep/new": b"\x00\xff"})
    repos.write(tree, {"x.log": "ignored\n", "build/one": "1", "build/sub/two": "2", "line\nbreak": "odd\n"})
    (tree / "gone.txt").unlink()
    (tree / "run.sh").chmod(0o755)
    (tree / "secret.log").write_text("s\n")
    (tree / "secret.log").chmod(0o600)
    (tree / "link").symlink_to("work.txt")
    (tree / "dangling.log").symlink_to("/nowhere")
    (tree / "empty/below").mkdir(parents=True)
    (tree / "inner").mkdir()
    repos.git(tree / "inner", "init", "-q")
    repos.write(tree / "inner", {"own": "a repository in the tree\n"})
    os.utime(tree / "x.log", (1_000_000, 1_000_000))
    os.mkfifo(tree / "pipe")


def picture(tree: Path) -> dict[str, object]:
    """Every path with its kind, mode, time and content; index, HEAD and status."""
    found: dict[str, object] = {}
    for folder, names, files in os.walk(tree):
        if folder == str(tree) and ".git" in names:  # a checkout's: git itself writes in it
            names.remove(".git")
        for path in (Path(folder, name) for name in (*names, *files)):
            told = path.lstat()
            content: object = os.readlink(path) if path.is_symlink() else ""
            if stat.S_ISREG(told.st_mode):
                content = path.read_bytes()
            found[str(path.relative_to(tree))] = (told.st_mode, told.st_mtime_ns, told.st_ino, content)
    own = (
        Path((tree / ".git").read_text().removeprefix("gitdir: ").strip())
        if (tree / ".git").is_file()
        else tree / ".git"
    )
    found["index"] = (own / "index").read_bytes()
    found["HEAD"] = (own / "HEAD").read_text()
    found["status"] = repos.git(tree, "--no-optional-locks", "status", "--porcelain", "--untracked-files=all")
    return found


def refs(repo: Path) -> str:
    return repos.git(repo, "for-each-ref")
