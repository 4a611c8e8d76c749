"""Everything git is asked, through GitPython. All of it blocks: call it in a thread.

Every call is an argv list, runs no hook (a branch could bring its own through `core.hooksPath`),
asks nothing at a terminal and takes no lock it can do without. Paths are `str` with
undecodable bytes escaped, as `os.fsdecode` gives them.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import git_locks
from agentdeck.adapters.git_errors import GitError, explain
from agentdeck.errors import AgentDeckError, TryAgain, UsageError

OLDEST = (2, 36)  # `worktree list -z`
NO_OID = "0" * 40
# Set by a hook or an alias that started us; each would send git to another repository or index.
STRAY = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_PREFIX", "GIT_EXTERNAL_DIFF", "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_CONFIG",
)  # fmt: skip
_ENV = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1", "GIT_EDITOR": "true"}
_CONFIG = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.safecrlf=false", "advice.detachedHead=false")
# What git says, of all working trees it reads, about one that another git is just making.
_UNFINISHED = re.compile(r"failed to read .*/worktrees/[^/]+/(commondir|gitdir|HEAD)")
_UNFINISHED_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True, slots=True)
class Repository:
    """`root` is the main working tree, `top` the working tree one stands in.

    When `bare` there is no main one: `root` is then what git lists in its place, the bare repository itself.
    """

    root: Path
    common: Path
    top: Path
    bare: bool

    @property
    def treeless(self) -> bool:
        """One stands in a bare repository, not in a worktree of it."""
        return self.bare and self.top == self.root


@dataclass(frozen=True, slots=True)
class Head:
    """`oid` is '' before the first commit, `branch` (a short name) '' when HEAD is detached."""

    oid: str
    branch: str


@dataclass(frozen=True, slots=True)
class Tree:
    """One row of `git worktree list`; the first row is the main one. `branch` is a full ref name or ''."""

    path: Path
    head: str
    branch: str
    main: bool
    bare: bool
    locked: bool
    missing: bool


def _install_hint() -> str:
    return "Install it: apt-get install git (Debian, Ubuntu), brew install git (macOS)."


def _execute(
    argv: list[str], stdin: bytes | None, env: Mapping[str, str], timeout: float | None
) -> tuple[int, bytes, str]:
    if shutil.which("git") is None:
        raise AgentDeckError("git is not installed, or not on PATH", _install_hint())
    from git.cmd import Git  # 75 ms

    stray = [word for name in STRAY if name in os.environ and name not in env for word in ("-u", name)]
    command = ["env", *stray, *argv] if stray else argv
    with tempfile.TemporaryFile() as feed:
        feed.write(stdin or b"")
        feed.seek(0)
        status, out, err = Git().execute(
            command, istream=feed, env=env, with_extended_output=True, with_exceptions=False, stdout_as_string=False,
            strip_newline_in_stdout=False, kill_after_timeout=timeout, shell=False,
        )  # fmt: skip
    return status, out, err if isinstance(err, str) else err.decode(errors="replace")


def run(
    directory: Path | str,
    *args: str,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    ok: Collection[int] = (0,),
    timeout: float | None = None,
) -> tuple[int, bytes]:
    """Run `git ARGS` in `directory`: its exit status (one of `ok`) and its output.

    Raises an AgentDeckError that says what is wrong and what to do. `timeout` is in seconds.
    """
    config = [word for setting in _CONFIG for word in ("-c", setting)]
    # -C, because GitPython falls back to our own directory when the wanted one is not there.
    argv = ["git", "-C", str(directory), "--no-pager", *config, *args]
    status, out, err = _execute(argv, stdin, {**_ENV, **_ceiling(), **(env or {})}, timeout)
    while status not in ok and (lock := git_locks.refused_by(err)) and git_locks.release(lock):
        status, out, err = _execute(argv, stdin, {**_ENV, **_ceiling(), **(env or {})}, timeout)
    for pause in _UNFINISHED_SECONDS:
        if status in ok or not _UNFINISHED.search(err):
            break
        time.sleep(pause)
        status, out, err = _execute(argv, stdin, {**_ENV, **_ceiling(), **(env or {})}, timeout)
    if status not in ok and status < 0:  # it has said nothing, and what it did not say is no answer
        raise TryAgain(f"git {args[0]} in {directory} was ended by signal {-status}", "Try again.")
    if status not in ok:
        raise explain(str(directory), args, err)
    return status, out


def _ceiling() -> dict[str, str]:
    """A worktree of ours that lost its link must not be taken for a part of a repository around our data directory."""
    own = os.environ.get("GIT_CEILING_DIRECTORIES", "")
    return {"GIT_CEILING_DIRECTORIES": f"{paths.data_dir()}:{own}".rstrip(":")}


def text(directory: Path | str, *args: str, env: Mapping[str, str] | None = None) -> str:
    """The output of one command, without its final newline."""
    return os.fsdecode(run(directory, *args, env=env)[1]).removesuffix("\n")


def items(directory: Path | str, *args: str, env: Mapping[str, str] | None = None) -> list[str]:
    """The output of a command that ends its items with NUL."""
    return [os.fsdecode(item) for item in run(directory, *args, env=env)[1].split(b"\0") if item]


def version() -> tuple[int, ...]:
    """git's version; raises when it is missing or older than OLDEST."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text(".", "version"))
    number: tuple[int, ...] = tuple(int(part) for part in found.groups(default="0")) if found else ()
    if number < OLDEST:
        raise AgentDeckError(
            f"git {'.'.join(map(str, number))} is too old: agentdeck needs 2.36 or newer", _install_hint()
        )
    return number


KILLED = -9
"""The exit status of a git that somebody has killed."""


# Repositories, heads, refs


def find(directory: Path | str) -> Repository:
    """The repository that `directory` is in, from any depth and from linked worktrees too."""
    where = Path(directory)
    if not where.is_dir():
        raise UsageError(f"{where} is not a directory", "Name a directory inside a git repository.")
    asked = ("rev-parse", "--path-format=absolute", "--is-bare-repository", "--git-common-dir", "--absolute-git-dir")
    try:
        out = text(where, *asked, "--show-toplevel")
    except UsageError:
        bare, common, _ = _paths(text(where, *asked), 3)
        if bare == "true":
            root = worktrees(where)[0].path
            return Repository(root, Path(common), root, bare=True)
        raise UsageError(f"{where} is inside a git directory", "Go to the working tree.") from None
    _, common, own, top = _paths(out, 4)
    if Path(own).resolve() == Path(common).resolve():
        return Repository(Path(top), Path(common), Path(top), bare=False)
    main = worktrees(where)[0]  # of a submodule it names the git directory: then the configuration knows better
    moved = run(where, "config", "--file", f"{common}/config", "core.worktree", ok=(0, 1))[1]
    root = Path(common, os.fsdecode(moved).removesuffix("\n")).resolve() if moved else main.path
    return Repository(root, Path(common), Path(top), bare=main.bare)


def _paths(out: str, count: int) -> list[str]:
    lines = out.split("\n")
    if len(lines) != count:
        raise UsageError(f"a path of this repository contains a line break: {out!r}", "Rename that directory.")
    return lines


def head(directory: Path | str) -> Head:
    """Where HEAD points."""
    status, branch = run(directory, "symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1))
    return Head(find_oid(directory, "HEAD") or "", os.fsdecode(branch).strip() if status == 0 else "")


def find_oid(directory: Path | str, ref: str, kind: str = "commit") -> str | None:
    """The object `ref` names, peeled to `kind`; None when there is none."""
    wanted = f"{ref}^{{{kind}}}"
    try:
        status, out = run(directory, "rev-parse", "--verify", "--quiet", "--end-of-options", wanted, ok=(0, 1))
    except GitError:  # such as HEAD@{99} where the log is shorter
        return None
    return out.decode().strip() if status == 0 else None


def resolve(directory: Path | str, ref: str) -> str:
    """The commit that `ref` names; raises UsageError when there is none."""
    oid = None if not ref or ref.startswith("-") or "\0" in ref else find_oid(directory, ref)
    if oid is None:
        raise UsageError(f"base '{ref}' does not exist in {directory}", "See what there is: git branch --all; git tag")
    return oid


def is_repository(directory: Path | str) -> bool:
    """Whether `directory` is the root of a repository, or a bare one, by looking alone: git is not asked."""
    where = Path(directory)
    return (where / ".git").exists() or ((where / "HEAD").is_file() and (where / "objects").is_dir())


def worktrees(directory: Path | str, timeout: float | None = None) -> list[Tree]:
    """All working trees of the repository, the main one first."""
    found: list[Tree] = []
    for record in run(directory, "worktree", "list", "--porcelain", "-z", timeout=timeout)[1].split(b"\0\0"):
        pairs = [os.fsdecode(line).partition(" ") for line in record.split(b"\0") if line]
        if not pairs:
            continue
        data = {key: value for key, _, value in pairs}
        found.append(
            Tree(
                Path(data["worktree"]), data.get("HEAD", ""), data.get("branch", ""),
                main=not found, bare="bare" in data, locked="locked" in data, missing="prunable" in data,
            )
        )  # fmt: skip
    return found


def refs(directory: Path | str, prefix: str) -> dict[str, str]:
    """The refs at or below `prefix` and what they hold."""
    form = "--format=%(objectname) %(refname)"
    lines = text(directory, "for-each-ref", form, prefix).splitlines()
    return {name: oid for oid, _, name in (line.partition(" ") for line in lines)}


def branch_in_the_way(directory: Path | str, branch: str) -> str:
    """The existing branch that keeps `branch` from being made (`deck/al` blocks `deck/al/1`), or ''."""
    parts = branch.split("/")
    blockers = {"refs/heads/" + "/".join(parts[:n]) for n in range(1, len(parts) + 1)}
    wanted = f"refs/heads/{branch}"
    for name in refs(directory, f"refs/heads/{parts[0]}"):
        if name in blockers or name.startswith(wanted + "/"):
            return name.removeprefix("refs/heads/")
    return ""


def set_ref(directory: Path | str, ref: str, new: str, old: str, why: str, *, detach: bool = False) -> None:
    """Move `ref` from `old` (NO_OID: it must not exist) to `new` (NO_OID deletes); fails if it moved meanwhile."""
    words = ["--no-deref"] if detach else []
    words += ["-d", ref, old] if new == NO_OID else ["--create-reflog", "-m", why, ref, new, old]
    status, _ = run(directory, "update-ref", *words, ok=(0, KILLED))
    if status == KILLED and (find_oid(directory, ref) or NO_OID) != new:
        run(directory, "update-ref", *words)  # the same again takes away the lock that was left


def unreachable(directory: Path | str, commits: Iterable[str], safe: Iterable[str], *, own: str = "") -> list[str]:
    """Which ancestors of `commits` no branch, tag, remote branch or `safe` commit holds, newest first.

    Branches that match the glob `own` do not count as holders.
    """
    exclude = [f"--exclude={own}"] if own else []
    words = ["--ignore-missing", "--stdin", "--not", *exclude, "--branches", "--tags", "--remotes"]
    lines = [*commits, *(f"^{oid}" for oid in safe)]
    if not lines:
        return []
    return run(directory, "rev-list", *words, stdin="\n".join(lines).encode())[1].decode().split()


def tips(directory: Path | str, commits: Iterable[str]) -> list[str]:
    """Those of `commits` that are no parent of another of them."""
    wanted = list(commits)
    if not wanted:
        return []
    out = run(directory, "rev-list", "--no-walk=unsorted", "--parents", "--stdin", stdin="\n".join(wanted).encode())[1]
    parents = {oid for line in out.decode().splitlines() for oid in line.split()[1:]}
    return [oid for oid in wanted if oid not in parents]


def subjects(directory: Path | str, commits: Iterable[str]) -> list[str]:
    """Each commit in one line: short name and subject."""
    feed = "\n".join(commits).encode()
    if not feed:
        return []
    words = ("--no-walk=unsorted", "--no-show-signature", "--no-color", "--format=%h %s", "--stdin")
    return os.fsdecode(run(directory, "log", *words, stdin=feed)[1]).splitlines()


def reflog(directory: Path | str, ref: str = "HEAD") -> list[str]:
    """Every commit that `ref` (HEAD of this working tree, or a branch) has been at, newest first."""
    try:
        return text(directory, "log", "--walk-reflogs", "--no-show-signature", "--format=%H", ref, "--").split()
    except GitError:  # no commit yet
        return []


# Working trees


_ADDING = threading.Lock()


def add_worktree(root: Path, path: Path, branch: str) -> None:
    """Make a linked working tree at `path` on an existing branch; git cleans up after itself when it fails.

    One at a time: git reads all working trees on the way, and trips over one that another git is just making.
    """
    with _ADDING:
        run(root, "worktree", "add", "--quiet", "--", str(path), branch)


def remove_worktree(root: Path, path: Path, *, force: bool = False) -> None:
    """Let git remove a linked working tree. `force` is only for one that was made a moment ago."""
    run(root, "worktree", "remove", *(["--force"] if force else []), "--", str(path))


def git_path(worktree: Path, name: str) -> Path:
    """Where git keeps a file such as `index` or `MERGE_HEAD` for this working tree."""
    return Path(text(worktree, "rev-parse", "--path-format=absolute", "--git-path", name))


_SIGNS = {
    "MERGE_HEAD": "a merge", "rebase-merge": "a rebase", "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick", "REVERT_HEAD": "a revert", "sequencer": "a cherry-pick or revert",
    "BISECT_LOG": "a bisection",
}  # fmt: skip


def half_way(admin: Path) -> str:
    """What is half-way in the working tree whose own git directory is `admin` ('a merge' ...), or ''; asks no git."""
    return next((what for name, what in _SIGNS.items() if (admin / name).exists()), "")


def operation(worktree: Path) -> str:
    """What is half-way in this working tree ('a merge', 'a rebase' ...), or ''."""
    found = half_way(git_path(worktree, "HEAD").parent)
    if not found and items(worktree, "ls-files", "--unmerged", "-z"):
        found = "a merge with conflicts"
    return found


def switch_new(worktree: Path, branch: str, oid: str) -> None:
    """Put the working tree on a new branch at `oid`; refuses when that would overwrite any file, ignored ones too."""
    run(
        worktree, "switch", "--quiet", "--no-track", "--no-overwrite-ignore", "--no-recurse-submodules",
        "--create", branch, oid,
    )  # fmt: skip


def merge_base(worktree: Path, one: str, other: str) -> str:
    """The best common ancestor, or '' when there is none."""
    status, out = run(worktree, "merge-base", one, other, ok=(0, 1))
    return out.decode().split()[0] if status == 0 else ""


def save_blob(directory: Path | str, oid: str, file: Path) -> None:
    """Write the bytes of an object into a file, however large it is."""
    from git.cmd import Git

    with open(file, "wb") as out:
        argv = ["git", "-C", str(directory), "cat-file", "blob", oid]
        status = Git().execute(
            argv, output_stream=out, env=_ENV, with_exceptions=False, with_extended_output=True, shell=False
        )[0]
    if status:
        raise AgentDeckError(f"git cannot read the object {oid} in {directory}", "See: git fsck")
