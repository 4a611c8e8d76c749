"""A repository's own set-up command for a fresh worktree: `.agentdeck.toml`, approved once by its hash."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from agentdeck.adapters import git
from agentdeck.errors import UsageError

NAME = ".agentdeck.toml"


@dataclass(frozen=True, slots=True)
class Setup:
    """The command's text (run by `sh -c` once a human approved it) and `digest`, the SHA-256 of that text."""

    text: str
    digest: str


def read(root: Path, oid: str) -> Setup | None:
    """The set-up command as the commit `oid` has it; None when it names none. Raises UsageError with file and line."""
    row = git.items(root, "ls-tree", "-z", "--full-tree", oid, "--", NAME)
    if not row:
        return None
    mode, kind, blob = row[0].partition("\t")[0].split()
    if kind != "blob" or mode == "120000":
        raise UsageError(f"{NAME} is not a plain file", "Make it one, or remove it.")
    return parse(git.run(root, "cat-file", "blob", blob)[1])


def parse(data: bytes) -> Setup | None:
    """The command in the text of a `.agentdeck.toml`."""
    try:
        text = data.decode("utf-8-sig")
        found = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{NAME}: {error}", "Mend that line and commit it.") from error
    for key in found:
        if key != "worktree":
            raise _wrong(text, key, f"unknown key '{key}'")
    table = found.get("worktree", {})
    if not isinstance(table, dict):
        raise _wrong(text, "worktree", "'worktree' must be a table")
    for key in table:
        if key != "setup":
            raise _wrong(text, key, f"unknown key 'worktree.{key}'")
    command = table.get("setup", "")
    if not isinstance(command, str) or "\0" in command:
        raise _wrong(text, "setup", "'setup' must be one text, a shell command")
    return Setup(command, hashlib.sha256(command.encode()).hexdigest()) if command.strip() else None


def _wrong(text: str, key: str, what: str) -> UsageError:
    sign = re.compile(rf"^\s*\[*[^#=]*\b{re.escape(key)}\b")
    line = next((n for n, row in enumerate(text.splitlines(), 1) if sign.match(row)), 1)
    return UsageError(f"{NAME}, line {line}: {what}", 'What it may say: [worktree] with setup = "command".')
